"""Views over the archive: rows with codes, to be read together with the table's rows."""

from __future__ import annotations

from pathlib import Path

import duckdb

from ioc.panes.schema import STORED
from ioc.store.archive_digests import sound_files

_COLUMNS = {
    "panes": "m.code AS measure, u.code AS unit, coalesce(s.code, 0)::INTEGER AS subject, minute, "
    "n, sum, sum_squares, least, most, first_at, first, last_at, last",
    "buckets": "m.code AS measure, u.code AS unit, minute, bucket, n",
    "registers": "m.code AS measure, u.code AS unit, minute, register, rank",
}


def refresh_views(cursor: duckdb.DuckDBPyConnection, archive_dir: Path) -> None:
    """Make `archived_minute_*` read exactly the counted files, in the running transaction.

    A counted file that does not exist is marked `missing`, which the audit shows; the rest stays readable.
    """
    for shape in STORED:
        listed = cursor.execute(
            "SELECT path, state FROM archive_files WHERE kind = ? AND state IN ('kept', 'missing') ORDER BY day, path",
            [shape.table],
        ).fetchall()
        there = [path for path, _ in listed if (archive_dir / path).exists()]
        found = set(there)
        for path, state in listed:
            if state != (now := "kept" if path in found else "missing"):
                cursor.execute("UPDATE archive_files SET state = ? WHERE path = ?", [now, path])
        cursor.execute(
            f"CREATE OR REPLACE VIEW archived_minute_{shape.table} AS {_select(shape.table, archive_dir, there)}"
        )


def archived_rows(
    cursor: duckdb.DuckDBPyConnection, archive_dir: Path, kind: str, first_day: int, last_day: int
) -> str:
    """Return SQL of the archived minutes (as codes) of the days first_day … last_day, since 1970 in the zone.

    It opens the files of these days only, without damaged ones; empty when there are none.
    """
    listed = cursor.execute(
        "SELECT path FROM archive_files WHERE kind = ? AND state = 'kept' AND day BETWEEN ? AND ? ORDER BY path",
        [kind, first_day, last_day],
    ).fetchall()
    paths = sound_files(cursor, archive_dir, [path for (path,) in listed])
    return _select(kind, archive_dir, paths) if paths else ""


def _select(kind: str, archive_dir: Path, paths: list[str]) -> str:
    if not paths:
        return f"SELECT * FROM kept_minute_{kind} WHERE false"
    files = ", ".join("'" + str(archive_dir / path).replace("'", "''") + "'" for path in paths)
    subjects = "LEFT JOIN subject_codes s ON s.id = a.subject" if kind == "panes" else ""
    return (
        f"SELECT {_COLUMNS[kind]} FROM read_parquet([{files}], hive_partitioning = false) a "
        f"JOIN measure_codes m ON m.id = a.measure JOIN unit_codes u ON u.id = a.unit {subjects}"
    )
