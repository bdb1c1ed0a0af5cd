"""Read rows of the store's tables."""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import duckdb

from ioc.api.ports import Cursor
from ioc.clock import rfc3339
from ioc.errors import StoreUnavailable
from ioc.messages import Message

Condition = tuple[str, Sequence[Any]]
"""SQL with placeholders, and the values for them."""


def equal_to(**columns: str | None) -> list[Condition]:
    """Return a condition for each column whose value is not None."""
    return [(f'"{name}" = ?', [value]) for name, value in columns.items() if value is not None]


def select(
    cursor: Callable[[], Cursor], query: str, wanted: Sequence[Condition], more: Sequence[Any] = ()
) -> list[dict[str, Any]]:
    """Return rows as dicts by column name.

    `query` contains `{where}` for the conditions; `more` fills the placeholders after them. Raises StoreUnavailable.
    """
    where = " AND ".join(sql for sql, _ in wanted) or "true"
    parameters = [value for _, values in wanted for value in values]
    opened = cursor()
    try:
        result = opened.execute(query.format(where=where), [*parameters, *more])
        names = [column[0] for column in result.description]
        return [dict(zip(names, row, strict=True)) for row in result.fetchall()]
    except duckdb.Error as fault:
        raise StoreUnavailable(Message("store_not_read", reason=str(fault).splitlines()[0])) from fault
    finally:
        opened.close()


def stored_row(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return the row with its times as RFC 3339."""
    return {name: stored_time(value) if isinstance(value, datetime) else value for name, value in row.items()}


def stored_time(moment: datetime) -> str:
    """Return RFC 3339 for a time of the store (UTC without a zone)."""
    return rfc3339(moment.replace(tzinfo=UTC))


def optional_stored_time(moment: datetime | None) -> str | None:
    """Return RFC 3339 for a time of the store, or None."""
    return None if moment is None else stored_time(moment)
