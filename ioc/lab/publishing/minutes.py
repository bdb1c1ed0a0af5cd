"""Minutes for analysts: one Parquet file per day, sorted by measure, unit and time, rewritten when the day changes."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import duckdb

from ioc.store.archive_views import archived_rows

_ROW_GROUP = 60_000
_EMPTY = (
    "(SELECT ''::VARCHAR AS measure, ''::VARCHAR AS unit, NULL::VARCHAR AS subject, TIMESTAMP '1970-01-01' AS time, "
    "0::BIGINT AS n, 0.0::DOUBLE AS sum, 0.0::DOUBLE AS sum_squares, 0.0::DOUBLE AS least, 0.0::DOUBLE AS most, "
    "0.0::DOUBLE AS first, 0.0::DOUBLE AS last WHERE false)"
)


def refresh_minutes(cursor: duckdb.DuckDBPyConnection, archive_dir: Path, folder: Path, zone_hours: int) -> list[str]:
    """Write the changed day files; return the names of the files in `folder` that hold all minutes.

    `cursor` reads the raw snapshot. A file is named by its day and the sum of n and of corrections in it, which
    grows with each of them; a file is never changed.
    """
    folder.mkdir(parents=True, exist_ok=True)
    names = []
    for day, n in _days(cursor, zone_hours):
        names.append(name := f"{day}-{n}.parquet")
        if not (folder / name).exists():
            aside = folder / f".{name}"
            _write(cursor, archive_dir, day, aside, zone_hours)
            aside.rename(folder / name)
    return names


def minutes_source(folder: Path, names: Sequence[str]) -> str:
    """Return the SQL source of the view of minutes."""
    if not names:
        return _EMPTY
    listed = ", ".join("'" + str(folder / name).replace("'", "''") + "'" for name in names)
    return f"read_parquet([{listed}], hive_partitioning = false)"


def _days(cursor: duckdb.DuckDBPyConnection, zone_hours: int) -> list[tuple[int, int]]:
    """Return the days that have minutes, with the sum of their n and corrections."""
    return cursor.execute(
        f"SELECT day, sum(n)::BIGINT FROM (SELECT (minute // 60 + {zone_hours}) // 24 AS day, n FROM minute_panes "
        "UNION ALL SELECT day, version - 1 FROM keyed_readings WHERE version > 1 "
        "UNION ALL SELECT day, n FROM archive_files WHERE kind = 'panes' AND state = 'kept') GROUP BY day ORDER BY day"
    ).fetchall()


def _write(cursor: duckdb.DuckDBPyConnection, archive_dir: Path, day: int, path: Path, zone_hours: int) -> None:
    first = (day * 24 - zone_hours) * 60
    columns = "measure, unit, subject, minute, n, sum, sum_squares, least, most, first_at, first, last_at, last"
    rows = f"SELECT {columns} FROM minute_panes WHERE minute >= {first} AND minute < {first + 1440}"
    archived = archived_rows(cursor, archive_dir, "panes", day, day)
    if archived:
        rows += f" UNION ALL {archived}"
    cursor.execute(
        f"""COPY (
            SELECT m.id AS measure, u.id AS unit, s.id AS subject, p.time, p.n, p.sum, p.sum_squares, p.least, p.most,
                p.first, p.last
            FROM (SELECT measure, unit, subject,
                    make_timestamp((minute + {zone_hours * 60})::BIGINT * 60000000) AS time,
                    sum(n)::BIGINT AS n, sum(sum) AS sum, sum(sum_squares) AS sum_squares, min(least) AS least,
                    max(most) AS most, arg_min(first, first_at) AS first, arg_max(last, last_at) AS last
                FROM ({rows}) GROUP BY ALL) p
            JOIN measure_codes m ON m.code = p.measure JOIN unit_codes u ON u.code = p.unit
            LEFT JOIN subject_codes s ON s.code = p.subject
            ORDER BY m.id, u.id, p.time
        ) TO '{str(path).replace("'", "''")}' (FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE {_ROW_GROUP})"""
    )
