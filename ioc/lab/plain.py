"""Values of a result as JSON knows them."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

_EXACT = 2**53


def values_of(column: Any) -> list[Any]:
    import pyarrow as pa

    if pa.types.is_map(column.type):
        return [None if value is None else dict(value) for value in column.to_pylist()]
    values: list[Any] = column.to_pylist()
    return values


def plain(value: Any) -> Any:
    """As JSON knows it: times without a zone (they are of the province's), whole numbers that JavaScript would round
    as text, bytes as hexadecimal text."""
    if value is None or isinstance(value, str | bool | float):
        return value
    if isinstance(value, int):
        return value if -_EXACT <= value <= _EXACT else str(value)
    if isinstance(value, Decimal):
        whole = value == value.to_integral_value()
        return (int(value) if abs(value) <= _EXACT else str(value)) if whole else float(value)
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, date | time):
        return value.isoformat()
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, list):
        return [plain(one) for one in value]
    if isinstance(value, dict):
        return {str(name): plain(one) for name, one in value.items()}
    if isinstance(value, timedelta):
        return str(value)
    return str(value)
