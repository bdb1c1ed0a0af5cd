"""Columns of types that Arrow cannot carry without loss are selected as text written by DuckDB."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import duckdb

_WIDE = re.compile(r"\b(?:UHUGEINT|BIGNUM|BIT|TIME WITH TIME ZONE)\b")
_NAMED = re.compile(r"uhugeint|uint128|bignum|varint|\bbit|timetz|time\s+with\s+time\s+zone", re.IGNORECASE)


@dataclass(frozen=True)
class WideQuery:
    """The rewritten query, and the original types of its columns."""

    sql: str
    types: list[str]


def wide_columns(connection: duckdb.DuckDBPyConnection, sql: str, values: Mapping[str, Any]) -> WideQuery | None:
    """Return the query with such columns as text; None when no column needs it.

    Only a query that names such a type can have one, because no view does.
    """
    if not _NAMED.search(sql):
        return None
    text = sql.rstrip().rstrip(";")
    try:
        described = connection.execute(f"DESCRIBE {text}", dict(values) or None).fetchall()
    except duckdb.Error:
        return None  # running the query reports the fault with its position
    types = [str(row[1]) for row in described]
    if not any(_WIDE.search(kind) for kind in types):
        return None
    columns = ", ".join(
        f"{_as_text(f'c{at}', kind)} AS {_quoted(row[0])}"
        for at, (row, kind) in enumerate(zip(described, types, strict=True))
    )
    names = ", ".join(f"c{at}" for at in range(len(types)))
    return WideQuery(f"SELECT {columns} FROM ({text}\n) AS t({names})", types)


def _as_text(column: str, kind: str) -> str:
    return f"CAST({column} AS {_WIDE.sub('VARCHAR', kind)})" if _WIDE.search(kind) else column


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
