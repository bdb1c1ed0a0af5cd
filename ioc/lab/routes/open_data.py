"""/open: files of chosen KPIs for anybody, at addresses that stay."""

import asyncio
import logging
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime, parsedate_to_datetime
from pathlib import Path

from fastapi import APIRouter, Request, Response
from starlette.responses import FileResponse

from ioc.api.http.problems import Problem
from ioc.errors import IocError
from ioc.lab.context import LabParts
from ioc.open_data.build_files import BuiltFile, build, built, built_at, lacks_rows

CODINGS = {"zstd": ".zst", "gzip": ".gz"}
"""Of the CSV files, the preferred first (ioc/open_data/file_formats.py)."""
_KINDS = {
    ".csv": "text/csv; charset=utf-8",
    ".parquet": "application/vnd.apache.parquet",
    ".json": "application/json",
    ".jsonld": "application/ld+json",
    ".ttl": "text/turtle; charset=utf-8",
}
_SHARED = {"Cache-Control": "public, max-age=300", "Access-Control-Allow-Origin": "*"}
_NOT_OPEN = "No open data has this name; /open/dictionary.json tells of all there are."
_BUILT_AT_MOST_EVERY = timedelta(minutes=15)
_LOOK_EVERY_S = 5.0
_LOG = logging.getLogger(__name__)


def routes(parts: LabParts) -> APIRouter:
    router = APIRouter(tags=["open data"])
    directory = parts.settings.open_data_dir

    @router.api_route("/open/{dataset}/dictionary.csv", methods=["GET", "HEAD"])
    def dictionary_of(dataset: str, request: Request) -> Response:
        """What the columns of a dataset mean."""
        return _file(directory, f"{dataset}.dictionary.csv", request.headers)

    @router.api_route("/open/{file}", methods=["GET", "HEAD"])
    def file(file: str, request: Request) -> Response:
        """A dataset as `.csv` or `.parquet`, `dictionary.json`, or the catalogue as `catalog.jsonld`, `catalog.ttl`."""
        return _file(directory, file, request.headers)

    return router


async def keep_built(lab: Callable[[], Path | None], parts: LabParts) -> None:
    """For as long as the lab runs: build anew from the published file that `lab` gives, when it is another: at most
    every quarter of an hour, and at once while some dataset has no rows, for then a history is coming in."""
    settings, done = parts.settings, None
    last = built_at(settings.open_data_dir)
    while True:
        try:
            path, now = lab(), parts.clock.now()
            if (
                path is not None
                and path != done
                and (last is None or now - last >= _BUILT_AT_MOST_EVERY or lacks_rows(settings.open_data_dir))
            ):
                done, last = path, now
                await parts.beside.run_scheduled(
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
        raise Problem(503, "The open data is being built; try again in a minute.", headers={"Retry-After": "60"})
    found = files.get(name)
    suffix = Path(name).suffix
    if found is None or suffix not in _KINDS:
        raise Problem(404, _NOT_OPEN)
    coding = _coding(headers.get("accept-encoding", "")) if suffix == ".csv" else ""
    sent = files[name + CODINGS[coding]] if coding else found
    answer_headers = _SHARED | {
        "ETag": f'"{sent.digest[:32]}"',
        "Last-Modified": format_datetime(found.changed_at.astimezone(UTC), usegmt=True),
        "Vary": "Accept-Encoding",
    }
    if _known(headers, answer_headers["ETag"], found):
        return Response(status_code=304, headers=answer_headers)
    if coding:
        answer_headers["Content-Encoding"] = coding
    return FileResponse(sent.path, media_type=_KINDS[suffix], headers=answer_headers)


def _known(headers: Mapping[str, str], etag: str, file: BuiltFile) -> bool:
    """RFC 9110: If-None-Match holds, where there is one, over If-Modified-Since."""
    if "if-none-match" in headers:
        tags = [tag.strip().removeprefix("W/") for tag in headers["if-none-match"].split(",")]
        return etag in tags or "*" in tags
    try:
        since: datetime = parsedate_to_datetime(headers.get("if-modified-since", ""))
        return since.tzinfo is not None and file.changed_at <= since
    except (ValueError, TypeError):
        return False


def _coding(accepted: str) -> str:
    """The preferred of CODINGS that the client takes; empty for none."""
    weights: dict[str, float] = {}
    for word in accepted.split(","):
        name, _, rest = word.partition(";")
        try:
            weights[name.strip().lower()] = float(rest.partition("q=")[2] or 1)
        except ValueError:
            continue
    return next((coding for coding in CODINGS if weights.get(coding, 0) > 0), "")
