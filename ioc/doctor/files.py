"""Examine the data directory: definitions, sources, accounts, store, disk, snapshot and archive."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import duckdb

from ioc.catalog.toml_table import CatalogInvalid
from ioc.doctor.findings import Finding
from ioc.errors import ConfigurationInvalid
from ioc.settings import Settings
from ioc.store.snapshot import current, failure

SHORT_PERCENT, NEARLY_FULL_PERCENT = 15.0, 5.0
SNAPSHOT_OLD = timedelta(minutes=20)
"""Four times the interval at which a running server takes them."""

_HELD = ("conflicting lock", "different configuration than existing connections")
"""What DuckDB says of a file that a server has open: another process, or this one."""

CheckDefinitions = Callable[[], dict[str, int]]
"""Return the number of definitions by kind. Raises CatalogInvalid."""


def definitions(check: CheckDefinitions) -> Iterator[Finding]:
    """Yield one finding per fault, or one that all definitions are valid."""
    try:
        counts = check()
    except CatalogInvalid as invalid:
        for fault in invalid.faults:
            reason = " · ".join(part for part in (fault.kpi, fault.field, fault.message) if part)
            yield Finding.of("definitions", "file_faulty", file=fault.file, reason=reason)
    except ConfigurationInvalid as invalid:
        yield Finding.of("definitions", "settings_faulty", reason=str(invalid))
    else:
        yield Finding.of("definitions", "definitions_fine", kpis=counts["kpis"], rules=counts["rules"])


def source_files(folder: Path, read: Callable[[Path], object]) -> Iterator[Finding]:
    """Yield one finding per faulty source file in `folder`; `read` raises ConfigurationInvalid."""
    paths = sorted(folder.glob("*.toml")) if folder.is_dir() else []
    if not paths:
        yield Finding.of("sources", "no_sources", folder=str(folder))
    for path in paths:
        try:
            read(path)
        except ConfigurationInvalid as invalid:
            yield Finding.of("sources", "source_file_faulty", reason=str(invalid))


def modes(settings: Settings) -> Iterator[Finding]:
    """Yield the files with secrets or personal data that other users can read."""
    secret = [
        *(settings.data_dir / name for name in ("admin.token", "channels.toml", "people.db")),
        *sorted((settings.data_dir / "tokens").glob("*")),
        *sorted((settings.data_dir / "keys").glob("*")),
    ]
    open_ones = [path for path in secret if path.is_file() and path.stat().st_mode & 0o077]
    for path in open_ones:
        yield Finding.of("files", "readable_by_others", file=str(path), mode="600")
    if not open_ones:
        yield Finding.of("files", "files_private")


def people(path: Path) -> Iterator[Finding]:
    """Yield whether SQLite finds the file of accounts intact; nothing without one."""
    if not path.is_file():
        return
    try:
        with closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True, timeout=2)) as connection:
            verdict = str(connection.execute("PRAGMA quick_check(1)").fetchone()[0])
    except sqlite3.Error as fault:
        verdict = str(fault)
    if verdict == "ok":
        yield Finding.of("people", "people_fine")
    else:
        yield Finding.of("people", "people_file_damaged", file=str(path), reason=verdict.splitlines()[-1])


def store(settings: Settings) -> Iterator[Finding]:
    """Yield whether the store can be opened; nothing without a store or while a server has it open."""
    path = settings.store_path
    if not path.is_file():
        return
    try:
        duckdb.connect(str(path), read_only=True).close()
    except (duckdb.Error, OSError) as fault:
        if any(sign in str(fault).lower() for sign in _HELD):
            return
        newest = current(settings.snapshots_dir)
        yield Finding.of(
            "store",
            "store_file_damaged",
            file=str(path),
            reason=str(fault).strip().splitlines()[0],
            snapshot=str(newest.path if newest else settings.snapshots_dir),
        )
    else:
        yield Finding.of("store", "store_sound", size_mb=round(path.stat().st_size / 1e6))


def disk(folder: Path) -> Iterator[Finding]:
    """Yield how much of the disk of the data directory is free."""
    usage = shutil.disk_usage(folder)
    percent = round(100 * usage.free / usage.total, 1)
    free_gb = round(usage.free / 1e9, 1)
    if percent < NEARLY_FULL_PERCENT:
        yield Finding.of("disk", "disk_nearly_full", folder=str(folder), percent=percent, free_gb=free_gb)
    elif percent < SHORT_PERCENT:
        yield Finding.of("disk", "disk_short", folder=str(folder), percent=percent, free_gb=free_gb)
    else:
        yield Finding.of("disk", "disk_roomy", percent=percent)


def snapshot(settings: Settings, now: datetime, *, is_running: bool) -> Iterator[Finding]:
    """Yield how old the analysts' snapshot is; it need only be recent while a server runs."""
    newest = current(settings.snapshots_dir)
    if newest is None:
        yield Finding.of("snapshot", "snapshot_absent")
        return
    age = now - newest.taken_at
    minutes = int(age.total_seconds() // 60)
    if is_running and age > SNAPSHOT_OLD:
        log = str(settings.data_dir / "log" / "serve.log")
        yield Finding.of("snapshot", "snapshot_old", minutes=minutes, log=log, reason=failure(settings.snapshots_dir))
    else:
        yield Finding.of("snapshot", "snapshot_recent", minutes=minutes)


def archive(folder: Path) -> Iterator[Finding]:
    """Yield the newest day of the archive; nothing while it is empty. The server reports damage."""
    days = sorted(folder.glob("year=*/month=*/day=*"))
    if days:
        year, month, day = (part.partition("=")[2] for part in days[-1].relative_to(folder).parts)
        newest = datetime(int(year), int(month), int(day), tzinfo=UTC).date()
        files = sum(1 for _ in folder.rglob("*.parquet"))
        yield Finding.of("archive", "archive_sound", files=files, day=newest.isoformat())
