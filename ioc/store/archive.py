"""Move minute panes of past days to Parquet files, with ids instead of codes.

The files are `archive/year=/month=/day=/KIND-NUMBER.parquet`. A file is announced in `archive_files`, written beside
its final place and moved there. Then it is counted in and its rows are deleted from the table, in one transaction. Only
counted files are history: what an interrupted writer left is removed at the next opening. A day is moved in slices, so
that no transaction is long; its files, and those of late rows, are joined later.
"""

from __future__ import annotations

import itertools
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from ioc.panes.merge import merge_rows
from ioc.panes.schema import STORED, Columns, RowShape
from ioc.store import rows
from ioc.store.archive_digests import digest_of, record_digest, sound_files
from ioc.store.archive_verifier import verify
from ioc.store.archive_views import refresh_views
from ioc.store.store import Store, transaction, unavailable

SLICE_ROWS = 300_000
"""Rows per step: deleting them must not delay the writer."""
MAX_FILES_PER_DAY = 4
EPOCH = date(1970, 1, 1)
_ROW_GROUP = 120_000


@dataclass(frozen=True)
class ArchiveFile:
    """One row of `archive_files`; `path` is relative to the archive directory."""

    kind: str
    day: int
    path: str


def archive_slice(store: Store, cursor: duckdb.DuckDBPyConnection, before_day: int) -> bool:
    """Move the oldest rows of days before `before_day` (days since 1970 of the zone) into one file.

    Return False when there was nothing to move. Raises StoreUnavailable; then nothing has moved.
    """
    for shape in STORED:
        table = f"kept_minute_{shape.table}"
        oldest = cursor.execute(f"SELECT min(minute) FROM {table}").fetchall()[0][0]
        if oldest is None or (day := _day_of(oldest, store.zone_hours)) >= before_day:
            continue
        end = _slice_end(cursor, table, oldest, day, store.zone_hours)
        with _written(store, cursor, shape, day) as (file, path), transaction(cursor, store.path):
            moved = merge_rows(rows.fetch(cursor, table, "minute", shape, "minute < ?", [end]), shape)
            _write(path, _tables(cursor, shape, moved))
            n = int(moved["n"].sum()) if shape.table == "panes" else 0
            _count_in(cursor, file, path, rows.count(moved), n)
            cursor.execute(f"DELETE FROM {table} WHERE minute < ?", [end])
            refresh_views(cursor, store.archive_dir)
        return True
    return False


def join_files(store: Store, cursor: duckdb.DuckDBPyConnection) -> bool:
    """Make one file of a day that has more than a few; False when no day has. Raises StoreUnavailable."""
    crowded = cursor.execute(
        "SELECT kind, day FROM archive_files WHERE state = 'kept' GROUP BY kind, day HAVING count(*) > ? LIMIT 1",
        [MAX_FILES_PER_DAY],
    ).fetchall()
    if not crowded:
        return False
    name, day = crowded[0]
    shape = next(shape for shape in STORED if shape.table == name)
    parts = cursor.execute(
        "SELECT path, rows, n FROM archive_files WHERE kind = ? AND day = ? AND state = 'kept' ORDER BY path",
        [name, day],
    ).fetchall()
    named = [part for part, _, _ in parts]
    if unsound := set(named) - set(sound_files(cursor, store.archive_dir, named)):
        # A new digest over damaged rows would make them look sound.
        for part in unsound:
            verify(store, cursor, part)
        return True
    with _written(store, cursor, shape, day) as (file, path):
        _write(path, (table for part, _, _ in parts for table in _row_groups(store.archive_dir / part)))
        with transaction(cursor, store.path):
            _count_in(cursor, file, path, sum(p[1] for p in parts), sum(p[2] for p in parts))
            for part, _, _ in parts:
                cursor.execute("UPDATE archive_files SET state = 'dropped' WHERE path = ?", [part])
            refresh_views(cursor, store.archive_dir)
    unlink_dropped(store, cursor)
    return True


def expire_days(store: Store, cursor: duckdb.DuckDBPyConnection, before_day: int) -> None:
    """Remove the files of days before `before_day` from the history; their readings are recorded as retired."""
    with transaction(cursor, store.path):
        cursor.execute(
            "INSERT INTO retired SELECT 'minute', day, sum(n) FROM archive_files "
            "WHERE kind = 'panes' AND state IN ('kept', 'missing', 'damaged') AND day < ? GROUP BY day",
            [before_day],
        )
        cursor.execute(
            "UPDATE archive_files SET state = 'dropped' WHERE state IN ('kept', 'missing', 'damaged') AND day < ?",
            [before_day],
        )
        refresh_views(cursor, store.archive_dir)
    unlink_dropped(store, cursor)


def unlink_dropped(store: Store, cursor: duckdb.DuckDBPyConnection) -> None:
    """Delete files that are replaced, expired, or were never counted in. Do not call it while one is being written."""
    for (path,) in cursor.execute("SELECT path FROM archive_files WHERE state IN ('writing', 'dropped')").fetchall():
        for leftover in (store.archive_dir / path, _aside(store.archive_dir / path)):
            leftover.unlink(missing_ok=True)
    cursor.execute("DELETE FROM archive_files WHERE state IN ('writing', 'dropped')")
    cursor.execute("DELETE FROM archive_digests WHERE path NOT IN (SELECT path FROM archive_files)")


@contextmanager
def _written(
    store: Store, cursor: duckdb.DuckDBPyConnection, shape: RowShape, day: int
) -> Iterator[tuple[ArchiveFile, Path]]:
    """Announce a new file of the day; withdraw it when the block fails."""
    moment = EPOCH + timedelta(days=day)
    known = cursor.execute("SELECT count(*) FROM archive_files WHERE kind = ? AND day = ?", [shape.table, day])
    number = known.fetchall()[0][0]
    folder = f"year={moment.year}/month={moment.month:02}/day={moment.day:02}"
    while (store.archive_dir / (path := f"{folder}/{shape.table}-{number:04}.parquet")).exists():
        number += 1
    file = ArchiveFile(shape.table, day, path)
    announced = [file.kind, file.day, file.path, "writing", 0, 0, 0]
    with transaction(cursor, store.path):
        cursor.execute("INSERT INTO archive_files VALUES (?, ?, ?, ?, ?, ?, ?)", announced)
    try:
        yield file, store.archive_dir / path
    except BaseException as fault:
        with suppress(duckdb.Error, OSError):
            unlink_dropped(store, cursor)
        if isinstance(fault, OSError):
            raise unavailable(store.archive_dir, fault) from fault
        raise


def _write(path: Path, tables: Iterable[pa.Table]) -> None:
    """Write the tables as row groups, and sync them to disk."""
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = _aside(path)
    parts = iter(tables)
    first = next(parts)
    with aside.open("wb") as sink:
        with pq.ParquetWriter(sink, first.schema, compression="zstd") as writer:
            for table in itertools.chain([first], parts):
                writer.write_table(table, row_group_size=_ROW_GROUP)
        sink.flush()
        os.fsync(sink.fileno())
    aside.rename(path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _tables(cursor: duckdb.DuckDBPyConnection, shape: RowShape, columns: Columns) -> Iterator[pa.Table]:
    """Yield rows in the order of time, with ids instead of codes.

    For other readers of the file, the minute also comes as a time.
    """
    order = np.argsort(columns["time"], kind="stable")
    sorted_columns = {name: values[order] for name, values in columns.items()}
    minutes = pa.array(sorted_columns["time"], pa.int32())
    table = {
        "time": pc.multiply(minutes.cast(pa.int64()), 60_000).cast(pa.timestamp("ms")),
        "measure": _ids(cursor, "measure", sorted_columns["measure"]),
        "unit": _ids(cursor, "unit", sorted_columns["unit"]),
        "minute": minutes,
    }
    for name in shape.columns:
        values = sorted_columns[name]
        table[name] = _ids(cursor, "subject", values) if name == "subject" else pa.array(values)
    yield pa.table(table)


def _ids(cursor: duckdb.DuckDBPyConnection, kind: str, codes: np.ndarray) -> pa.Array:
    words = dict(cursor.execute(f"SELECT code, id FROM {kind}_codes").fetchall())
    used, place = np.unique(codes, return_inverse=True)
    known = [words.get(int(code), "") for code in used]
    indices = pa.array(place, pa.int32(), mask=codes == 0) if kind == "subject" else pa.array(place, pa.int32())
    return pa.DictionaryArray.from_arrays(indices, pa.array(known, pa.string()))


def _row_groups(path: Path) -> Iterator[pa.Table]:
    with pq.ParquetFile(path) as file:
        for number in range(file.num_row_groups):
            yield file.read_row_group(number)


def _count_in(cursor: duckdb.DuckDBPyConnection, file: ArchiveFile, path: Path, count: int, n: int) -> None:
    cursor.execute(
        "UPDATE archive_files SET state = 'kept', rows = ?, n = ?, size_bytes = ? WHERE path = ?",
        [count, n, path.stat().st_size, file.path],
    )
    record_digest(cursor, file.path, digest_of(path))


def _slice_end(cursor: duckdb.DuckDBPyConnection, table: str, oldest: int, day: int, zone_hours: int) -> int:
    """Return the minute before which a slice ends: within the day, and few enough rows (one minute at least)."""
    day_end = ((day + 1) * 24 - zone_hours) * 60
    counts = cursor.execute(
        f"SELECT minute, count(*) FROM {table} WHERE minute < ? GROUP BY minute ORDER BY minute", [day_end]
    ).fetchall()
    total = 0
    for minute, count in counts:
        total += count
        if total > SLICE_ROWS and minute > oldest:
            return int(minute)
    return day_end


def _day_of(minute: int, zone_hours: int) -> int:
    return int((minute // 60 + zone_hours) // 24)


def _aside(path: Path) -> Path:
    return path.with_name(f".{path.name}.draft")
