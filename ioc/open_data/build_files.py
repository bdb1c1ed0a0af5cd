"""Build all open-data files from the lab's published file, atomically.

`DIRECTORY/STAMP/` holds them; `DIRECTORY/current.json` names the build in use and describes each file. A file with
unchanged bytes keeps the time of its last change.
"""

import json
import os
import shutil
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, date, datetime
from hashlib import sha256
from pathlib import Path

import duckdb

from ioc.atomic_file import write_atomically
from ioc.catalog import load_kept
from ioc.clock import rfc3339
from ioc.errors import StoreUnavailable
from ioc.messages import Message
from ioc.open_data.data_dictionary import HEADER, column_rows, dictionary
from ioc.open_data.dataset_rows import COLUMNS, DatasetRow, figures
from ioc.open_data.dataset_selection import Dataset, OpenData, load_open_data
from ioc.open_data.dcat import Published, catalogue
from ioc.open_data.file_formats import write_csv, write_figures
from ioc.open_data.rdf import json_ld, turtle
from ioc.settings import Settings

_CURRENT = "current.json"
_STAMP = "%Y%m%dT%H%M%S.%fZ"
_PREVIEW_ROWS = 12
_KEPT = 2


@dataclass(frozen=True)
class BuiltFile:
    """A file in use; `digest` is the SHA-256 of its content."""

    path: Path
    digest: str
    changed_at: datetime
    size_bytes: int


def built(directory: Path) -> dict[str, BuiltFile]:
    """Return the files in use by name; empty when nothing is built yet."""
    try:
        facts = json.loads((directory / _CURRENT).read_text())
        folder = directory / facts["stamp"]
        return {
            name: BuiltFile(folder / name, one["digest"], datetime.fromisoformat(one["changed_at"]), one["size_bytes"])
            for name, one in facts["files"].items()
        }
    except (OSError, ValueError, KeyError, TypeError):
        return {}


def built_at(directory: Path) -> datetime | None:
    """Return when the files in use were built; None when nothing is built yet."""
    try:
        stamp = json.loads((directory / _CURRENT).read_text())["stamp"]
        return datetime.strptime(stamp, _STAMP).replace(tzinfo=UTC)
    except (OSError, ValueError, KeyError, TypeError):
        return None


def lacks_rows(directory: Path) -> bool:
    """Return whether a dataset in use has no rows."""
    try:
        told = json.loads(built(directory)["dictionary.json"].path.read_text())
        return any(not dataset["rows"] for dataset in told["datasets"])
    except (OSError, ValueError, KeyError):
        return False


def build(lab: Path, directory: Path, settings: Settings, site: str, now: datetime) -> None:
    """Build the files from the `lab` file and put them in use.

    Raises CatalogInvalid, ConfigurationInvalid, StoreUnavailable; the previous build then stays in use.
    """
    catalog = load_kept(settings.province, settings.catalog_dir, settings.kept_dir)
    chosen = load_open_data(catalog, settings.catalog_dir)
    before = built(directory)
    stamp = now.astimezone(UTC).strftime(_STAMP)
    draft = directory / f".draft-{stamp}"
    try:
        for leftover in directory.glob(".draft-*"):
            shutil.rmtree(leftover, ignore_errors=True)
        draft.mkdir(parents=True)
        build = _Build(site, before, now, simulated=settings.demonstration)
        _write(draft, lab, chosen, build)
        _put_in_use(directory, draft, stamp, before, now)
    except (OSError, duckdb.Error) as fault:
        raise StoreUnavailable(Message("open_data_not_built", reason=str(fault).splitlines()[0])) from fault
    finally:
        shutil.rmtree(draft, ignore_errors=True)


@dataclass(frozen=True)
class _Build:
    """What a build knows besides the data: the centre's address, the files before it, and its time."""

    site: str
    before: dict[str, BuiltFile]
    now: datetime
    simulated: bool


def _write(draft: Path, lab: Path, chosen: OpenData, build: _Build) -> None:
    published: dict[str, Published] = {}
    described = dictionary(chosen) | {"simulated": build.simulated}
    with duckdb.connect(str(lab), read_only=True, config={"threads": 1, "memory_limit": "200MB"}) as connection:
        for dataset, entry in zip(chosen.datasets, described["datasets"], strict=True):
            rows = figures(connection, dataset)
            write_figures(draft, dataset.id, rows)
            write_csv(draft / f"{dataset.id}.dictionary.csv", column_rows(), HEADER)
            published[dataset.id] = one = _published(draft, dataset, rows, build.before, build.now)
            entry |= {
                "rows": len(rows),
                "suppressed": sum(row.suppressed for row in rows),
                "first_day": one.first_day.isoformat() if one.first_day else None,
                "last_day": one.last_day.isoformat() if one.last_day else None,
                "changed_at": rfc3339(one.changed_at),
                "sizes": dict(one.sizes_bytes),
                "preview": [[getattr(row, column) for column in COLUMNS] for row in _latest(rows)],
            }
    (draft / "dictionary.json").write_text(json.dumps(described, ensure_ascii=False, default=str) + "\n")
    statements = catalogue(chosen, published, build.site, simulated=build.simulated)
    (draft / "catalog.jsonld").write_text(json_ld(statements))
    (draft / "catalog.ttl").write_text(turtle(statements))


def _latest(rows: list[DatasetRow]) -> list[DatasetRow]:
    """Return some rows of each KPI of the last period."""
    last = max((row.period for row in rows), default="")
    return [row for row in rows if row.period == last][:_PREVIEW_ROWS]


def _published(
    draft: Path, dataset: Dataset, rows: list[DatasetRow], before: dict[str, BuiltFile], now: datetime
) -> Published:
    path = draft / f"{dataset.id}.csv"
    known = before.get(path.name)
    changed_at = known.changed_at if known and known.digest == _digest(path) else now.replace(microsecond=0)
    return Published(
        changed_at,
        min((date.fromisoformat(row.first_day) for row in rows), default=None),
        max((date.fromisoformat(row.last_day) for row in rows), default=None),
        {kind: (draft / f"{dataset.id}.{kind}").stat().st_size for kind in ("csv", "parquet")},
    )


def _put_in_use(directory: Path, draft: Path, stamp: str, before: dict[str, BuiltFile], now: datetime) -> None:
    facts = {}
    for path in sorted(draft.iterdir()):
        digest, known = _digest(path), before.get(path.name)
        changed_at = known.changed_at if known and known.digest == digest else now.replace(microsecond=0)
        facts[path.name] = {"digest": digest, "changed_at": rfc3339(changed_at), "size_bytes": path.stat().st_size}
        with path.open("rb") as file:
            os.fsync(file.fileno())
    draft.rename(directory / stamp)
    write_atomically(directory / _CURRENT, json.dumps({"stamp": stamp, "files": facts}) + "\n")
    for folder in sorted(path for path in directory.iterdir() if path.is_dir())[:-_KEPT]:
        with suppress(OSError):
            shutil.rmtree(folder)


def _digest(path: Path) -> str:
    return sha256(path.read_bytes()).hexdigest()
