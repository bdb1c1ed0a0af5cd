"""Panes out of the store: one query for many measures and units, each stretch at the coarsest exact level."""

from collections.abc import Collection, Sequence
from typing import Any

import duckdb
import numpy as np

from ioc.evaluation.parts import Kind, Part
from ioc.evaluation.spans import HOURS_A_DAY, MINUTES_A_HOUR, Piece


def read(
    cursor: duckdb.DuckDBPyConnection,
    kind: Kind,
    stretch: Sequence[Piece],
    measures: Collection[int],
    *,
    key: Sequence[str] = ("measure", "unit"),
    units: Collection[int] | None = None,
) -> Part:
    """The rows of `stretch` merged to one a key. `measures` are codes, `units` too (None: all); `key` may name `time`
    for the piece's own count of minutes, hours or days, and leave out what is to be merged."""
    group = (*key, *kind.key)
    if not stretch or not measures:
        return {name: np.zeros(0, np.int64) for name in (*group, *kind.sql)}
    where = f"measure IN ({_listed(measures)})" + ("" if units is None else f" AND unit IN ({_listed(units)})")
    archived = _archived_until(cursor) if any(piece.level == "minute" for piece in stretch) else 0
    table = " UNION ALL ".join(_rows_of(kind, piece, archived, where) for piece in stretch)
    merges = ", ".join(f"{sql} AS {name}" for name, sql in kind.sql.items())
    query = f"SELECT {', '.join(group)}, {merges} FROM ({table}) GROUP BY {', '.join(group)}"
    return {name: np.asarray(values) for name, values in cursor.execute(query).fetchnumpy().items()}


def _rows_of(kind: Kind, piece: Piece, archived: int, where: str) -> str:
    both = "all_" if piece.level == "minute" and piece.start < archived else ""
    held = "n, sum, sum_squares, least, most, last_at, last" if kind.table == "panes" else ", ".join(kind.sql)
    columns = ", ".join(("measure", "unit", *kind.key))
    return (
        f"SELECT {columns}, {piece.level} AS time, {held} FROM {both}{piece.level}_{kind.table} "
        f"WHERE {piece.level} >= {piece.start} AND {piece.level} < {piece.end} AND {where}"
    )


def _archived_until(cursor: duckdb.DuckDBPyConnection) -> int:
    """A minute behind all that only the archive has, at most two days too late; 0 when it is empty."""
    row = cursor.execute("SELECT max(day) FROM archive_files WHERE state = 'kept'").fetchone()
    return 0 if row is None or row[0] is None else (int(row[0]) + 2) * MINUTES_A_HOUR * HOURS_A_DAY


def _listed(numbers: Collection[int]) -> str:
    return ", ".join(map(str, sorted(numbers))) or "NULL"


def codes(cursor: duckdb.DuckDBPyConnection, kind: str) -> dict[str, int]:
    """Codes of the words (`measure`, `unit`, `subject`) that the store has seen."""
    rows: list[tuple[str, Any]] = cursor.execute(f"SELECT id, code FROM {kind}_codes").fetchall()
    return dict(rows)
