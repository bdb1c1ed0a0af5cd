"""Make one publication: `lab/published/STAMP/lab.duckdb` with the stable views, and `publication.json` about it.

Day files in `lab/published/minutes/` are shared by publications. A publication starts as a copy of the previous one and
rewrites only what has changed. The newest folder with a `publication.json` is in use; that file is written last, so an
interrupted publication is never used.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from importlib.resources import files
from pathlib import Path
from time import monotonic, process_time
from typing import Any

import duckdb

from ioc.catalog import load_kept
from ioc.clock import rfc3339
from ioc.errors import BatchMalformed, IocError
from ioc.lab.dictionary import comments, views
from ioc.lab.publishing.cases import refresh_cases
from ioc.lab.publishing.minutes import minutes_source, refresh_minutes
from ioc.lab.publishing.slices import day_tables, refresh
from ioc.lab.publishing.small_tables import refresh_small
from ioc.messages import Message
from ioc.model.source import SourceState
from ioc.settings import Settings
from ioc.store.snapshot import SOURCES, Snapshot, current
from ioc.supervisor.no_pandas import keep_pandas_out
from ioc.wire.source_states import decode_state

FILE = "lab.duckdb"
MINUTES = "minutes"
KEPT = 2
_ABOUT = "publication.json"
_LAYOUT = 1
_QUIET_HOUR = 3
_MEMORY = "120MB"


class PublishingFailed(IocError):
    """A publication failed, and the previous one stays in use; the text says why."""


@dataclass(frozen=True)
class Publication:
    """A finished publication.

    `taken_at` is the time of the snapshot; `views` are the dictionary's views with their column types.
    """

    folder: Path
    taken_at: datetime
    size_bytes: int
    took_s: float
    views: list[dict[str, Any]]

    @property
    def path(self) -> Path:
        return self.folder / FILE

    @property
    def stamp(self) -> str:
        return self.folder.name


def published_dir(settings: Settings) -> Path:
    """Return the folder that confined processes may read."""
    return settings.lab_dir / "published"


def in_use(published: Path) -> Publication | None:
    """Return the newest complete publication; None when there is none yet."""
    for folder in sorted((path for path in published.glob("2*Z") if path.is_dir()), reverse=True):
        with suppress(OSError, ValueError, KeyError):
            about = json.loads((folder / _ABOUT).read_text())
            if about["layout"] == _LAYOUT and (folder / FILE).exists():
                taken_at = datetime.fromisoformat(about["taken_at"])
                return Publication(folder, taken_at, about["size_bytes"], about["took_s"], about["views"])
    return None


def publish(snapshot: Snapshot, settings: Settings) -> Publication:
    """Make a publication of a snapshot and put it in use.

    Raises PublishingFailed, CatalogInvalid.
    """
    began_s = monotonic()
    lab_dir = published_dir(settings)
    draft, final = lab_dir / f".draft-{snapshot.stamp}", lab_dir / snapshot.stamp
    try:
        lab_dir.mkdir(parents=True, exist_ok=True)
        for leftover in lab_dir.glob(".draft-*"):
            shutil.rmtree(leftover, ignore_errors=True)
        draft.mkdir()
        made = _make(snapshot, settings, in_use(lab_dir), draft)
        size_bytes = (draft / FILE).stat().st_size
        about = {
            "layout": _LAYOUT,
            "taken_at": rfc3339(snapshot.taken_at),
            "size_bytes": size_bytes,
            "took_s": round(monotonic() - began_s, 3),
            "processor_s": round(process_time(), 3),
            **made,
        }
        (draft / _ABOUT).write_text(json.dumps(about, ensure_ascii=False) + "\n")
        shutil.rmtree(final, ignore_errors=True)
        draft.rename(final)
    except (OSError, duckdb.Error) as fault:
        shutil.rmtree(draft, ignore_errors=True)
        raise PublishingFailed(Message("publishing_failed", reason=str(fault).splitlines()[0])) from fault
    _keep_newest(lab_dir)
    return Publication(final, snapshot.taken_at, size_bytes, about["took_s"], made["views"])


def _make(snapshot: Snapshot, settings: Settings, before: Publication | None, draft: Path) -> dict[str, Any]:
    catalog = load_kept(settings.province, settings.catalog_dir, settings.kept_dir)
    path, made_at = draft / FILE, snapshot.taken_at
    if before is not None and not _rebuild_is_due(before, snapshot.taken_at, settings):
        _copy(before.path, path)
        made_at = _about(before.folder)["made_at"]
    config: dict[str, Any] = {
        "threads": 1,
        "memory_limit": _MEMORY,
        "temp_directory": str(draft / "spill"),
        "autoinstall_known_extensions": False,
        "autoload_known_extensions": False,
    }
    with duckdb.connect(str(path), config=config) as connection:
        connection.execute(f"ATTACH '{str(snapshot.path).replace(chr(39), chr(39) * 2)}' AS raw (READ_ONLY)")
        zone_hours = connection.execute("SELECT zone_hours FROM raw.store_facts").fetchall()[0][0]
        with connection.cursor() as raw:
            raw.execute("USE raw")
            minutes = refresh_minutes(raw, snapshot.archive_dir, published_dir(settings) / MINUTES, zone_hours)
            connection.execute("CREATE SCHEMA IF NOT EXISTS kept")
            connection.execute("CREATE TABLE IF NOT EXISTS kept.days (name VARCHAR, day INTEGER, fingerprint VARCHAR)")
            for table in day_tables(zone_hours):
                refresh(connection, table)
            refresh_cases(connection, catalog, zone_hours)
            refresh_small(connection, raw, catalog, _states(snapshot), snapshot.taken_at, zone_hours)
        connection.execute("DETACH raw")
        connection.execute(_views_sql().format(minutes=minutes_source(published_dir(settings) / MINUTES, minutes)))
        for statement in comments():
            connection.execute(statement)
        columns = _columns(connection)
        connection.execute("CHECKPOINT")
    shutil.rmtree(draft / "spill", ignore_errors=True)
    made_text = made_at if isinstance(made_at, str) else rfc3339(made_at)
    return {"made_at": made_text, "minutes": minutes, "views": columns}


def _rebuild_is_due(before: Publication, now: datetime, settings: Settings) -> bool:
    """Return whether to rebuild everything: once a day, in quiet hours, which sorts rows and drops deleted ones."""
    made_at = datetime.fromisoformat(_about(before.folder)["made_at"]).astimezone(settings.zone)
    local = now.astimezone(settings.zone)
    return made_at.date() < local.date() and local.hour >= _QUIET_HOUR


def _copy(source: Path, target: Path) -> None:
    with source.open("rb") as read, target.open("wb") as write:
        left = os.fstat(read.fileno()).st_size
        while left and (sent := os.copy_file_range(read.fileno(), write.fileno(), left)):
            left -= sent


def _states(snapshot: Snapshot) -> list[SourceState]:
    """Return the source states that `ioc serve` saved with the snapshot; none when it was taken without a centre."""
    try:
        return [
            decode_state(json.dumps(one).encode()) for one in json.loads((snapshot.path.parent / SOURCES).read_text())
        ]
    except (OSError, ValueError, BatchMalformed):
        return []


def _views_sql() -> str:
    return files("ioc.lab.publishing").joinpath("views.sql").read_text(encoding="utf-8")


def _columns(connection: duckdb.DuckDBPyConnection) -> list[dict[str, Any]]:
    """Return the dictionary's views with the types of their columns."""
    types: dict[str, dict[str, str]] = {}
    for view, column, kind in connection.execute(
        "SELECT table_name, column_name, data_type FROM duckdb_columns() WHERE schema_name = 'main' AND NOT internal "
        "ORDER BY table_name, column_index"
    ).fetchall():
        types.setdefault(view, {})[column] = kind
    return [
        {
            "name": view.name,
            "comment": view.comment,
            "columns": [
                {"name": name, "type": kind, "comment": view.columns.get(name, {})}
                for name, kind in types[view.name].items()
            ],
        }
        for view in views()
    ]


def _about(folder: Path) -> dict[str, Any]:
    about: dict[str, Any] = json.loads((folder / _ABOUT).read_text())
    return about


def _keep_newest(lab_dir: Path) -> None:
    folders = sorted(path for path in lab_dir.glob("2*Z") if path.is_dir())
    for old in folders[:-KEPT]:
        shutil.rmtree(old, ignore_errors=True)
    wanted: set[str] = set()
    for folder in folders[-KEPT:]:
        with suppress(OSError, ValueError, KeyError):
            wanted.update(_about(folder)["minutes"])
    for file in (lab_dir / MINUTES).iterdir():
        if file.name not in wanted:
            file.unlink(missing_ok=True)


def main() -> int:
    """Publish the snapshot in use. The lab runs this as a child process, so that its memory is released at once."""
    keep_pandas_out()
    os.nice(15)
    settings = Settings.from_environment()
    snapshot = current(settings.snapshots_dir)
    if snapshot is None:
        print("There is no snapshot yet.", file=sys.stderr)
        return 1
    try:
        publish(snapshot, settings)
    except IocError as fault:
        print(fault, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
