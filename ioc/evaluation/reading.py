"""Panes out of the store: one query for many measures and units, each stretch at the coarsest exact level."""

from collections.abc import Collection, Sequence
from typing import Any

import duckdb
import numpy as np

from ioc.evaluation.parts import Kind, Part
from ioc.evaluation.spans import Piece


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
    table = " UNION ALL ".join(_rows_of(kind, piece, where) for piece in stretch)
    merges = ", ".join(f"{sql} AS {name}" for name, sql in kind.sql.items())
    query = f"SELECT {', '.join(group)}, {merges} FROM ({table}) GROUP BY {', '.join(group)}"
    return {name: np.asarray(values) for name, values in cursor.execute(query).fetchnumpy().items()}


def _rows_of(kind: Kind, piece: Piece, where: str) -> str:
    held = "n, sum, sum_squares, least, most, last_at, last" if kind.table == "panes" else ", ".join(kind.sql)
    columns = ", ".join(("measure", "unit", *kind.key))
    return (
        f"SELECT {columns}, {piece.level} AS time, {held} FROM {piece.level}_{kind.table} "
        f"WHERE {piece.level} >= {piece.start} AND {piece.level} < {piece.end} AND {where}"
    )


def _listed(numbers: Collection[int]) -> str:
    return ", ".join(map(str, sorted(numbers))) or "NULL"


def codes(cursor: duckdb.DuckDBPyConnection, kind: str) -> dict[str, int]:
    """Codes of the words (`measure`, `unit`, `subject`) that the store has seen."""
    rows: list[tuple[str, Any]] = cursor.execute(f"SELECT id, code FROM {kind}_codes").fetchall()
    return dict(rows)
