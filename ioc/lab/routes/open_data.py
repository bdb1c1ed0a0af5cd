"""/open: files of selected KPIs for everybody, at permanent addresses."""

import asyncio
import logging
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime, parsedate_to_datetime
from pathlib import Path
from typing import Any

from fastapi import APIRouter, Request, Response
from starlette.responses import FileResponse

from ioc.api.http.problems import Problem
from ioc.errors import IocError
from ioc.lab.context import Lab, LabContext
from ioc.messages import Message
from ioc.open_data.build_files import BuiltFile, build, built, built_at, lacks_rows

CODINGS = {"zstd": ".zst", "gzip": ".gz"}
"""Compressions of CSV files, the preferred one first (ioc/open_data/file_formats.py)."""
_KINDS = {
    ".csv": "text/csv; charset=utf-8",
    ".parquet": "application/vnd.apache.parquet",
    ".json": "application/json",
    ".jsonld": "application/ld+json",
    ".ttl": "text/turtle; charset=utf-8",
}
_CSV: dict[int | str, dict[str, Any]] = {200: {"content": {"text/csv": {"schema": {"type": "string"}}}}}
_FILES: dict[int | str, dict[str, Any]] = {
    200: {"content": {kind.partition(";")[0]: {"schema": {}} for kind in _KINDS.values()}}
}
_SHARED = {"Cache-Control": "public, max-age=300", "Access-Control-Allow-Origin": "*"}
_NOT_OPEN = Message("not_open")
_MIN_BUILD_INTERVAL = timedelta(minutes=15)
_LOOK_EVERY_S = 5.0
_LOG = logging.getLogger(__name__)


router = APIRouter(tags=["open data"])


@router.head("/open/{dataset}/dictionary.csv", include_in_schema=False)
@router.get("/open/{dataset}/dictionary.csv", response_class=FileResponse, responses=_CSV)
def download_dataset_dictionary(lab: Lab, dataset: str, request: Request) -> Response:
    """Return what the columns of a dataset mean, as CSV."""
    return _file(lab.settings.open_data_dir, f"{dataset}.dictionary.csv", request.headers)


@router.head("/open/{file}", include_in_schema=False)
@router.get("/open/{file}", response_class=FileResponse, responses=_FILES)
def download_open_data(lab: Lab, file: str, request: Request) -> Response:
    """Return a dataset as `.csv` or `.parquet`, `dictionary.json`, or the catalogue as `.jsonld` or `.ttl`."""
    return _file(lab.settings.open_data_dir, file, request.headers)


async def keep_built(published: Callable[[], Path | None], lab: LabContext) -> None:
    """Build the open data again whenever another file is published; `published` returns the file in use.

    At most every quarter of an hour, but at once while a dataset has no rows, since a history is then being loaded.
    Runs as long as the lab.
    """
    settings, done = lab.settings, None
    last = built_at(settings.open_data_dir)
    while True:
        try:
            path, now = published(), lab.clock.now()
            if (
                path is not None
                and path != done
                and (last is None or now - last >= _MIN_BUILD_INTERVAL or lacks_rows(settings.open_data_dir))
            ):
                done, last = path, now
                await lab.beside.run_scheduled(
                    build, path, settings.open_data_dir, settings, settings.outer_address, now
                )
        except IocError as fault:
            _LOG.warning("The open data stays as it was: %s", fault)
        except Exception:  # noqa: BLE001 - whatever fails now must not end the building for good
            _LOG.exception("The open data stays as it was")
        await asyncio.sleep(_LOOK_EVERY_S)


def _file(directory: Path, name: str, headers: Mapping[str, str]) -> Response:
    files = built(directory)
    if not files:
        raise Problem(503, Message("open_data_building"), headers={"Retry-After": "60"})
    found = files.get(name)
    suffix = Path(name).suffix
    if found is None or suffix not in _KINDS:
        raise Problem(404, _NOT_OPEN)
    coding = _coding(headers.get("accept-encoding", "")) if suffix == ".csv" else ""
    sent = files[name + CODINGS[coding]] if coding else found
    sent_headers = _SHARED | {
        "ETag": f'"{sent.digest[:32]}"',
        "Last-Modified": format_datetime(found.changed_at.astimezone(UTC), usegmt=True),
        "Vary": "Accept-Encoding",
    }
    if _known(headers, sent_headers["ETag"], found):
        return Response(status_code=304, headers=sent_headers)
    if coding:
        sent_headers["Content-Encoding"] = coding
    return FileResponse(sent.path, media_type=_KINDS[suffix], headers=sent_headers)


def _known(headers: Mapping[str, str], etag: str, file: BuiltFile) -> bool:
    """Return whether the client has the file. If-None-Match goes before If-Modified-Since (RFC 9110)."""
    if "if-none-match" in headers:
        tags = [tag.strip().removeprefix("W/") for tag in headers["if-none-match"].split(",")]
        return etag in tags or "*" in tags
    try:
        since: datetime = parsedate_to_datetime(headers.get("if-modified-since", ""))
        return since.tzinfo is not None and file.changed_at <= since
    except (ValueError, TypeError):
        return False


def _coding(accepted: str) -> str:
    """Return the preferred compression that the client accepts; empty for none."""
    weights: dict[str, float] = {}
    for item in accepted.split(","):
        name, _, rest = item.partition(";")
        try:
            weights[name.strip().lower()] = float(rest.partition("q=")[2] or 1)
        except ValueError:
            continue
    return next((coding for coding in CODINGS if weights.get(coding, 0) > 0), "")
