"""Exact values of a result for every format: large numbers, times beyond Python's range, intervals."""

from __future__ import annotations

from datetime import date, datetime, time
from decimal import Decimal
from typing import Any

import orjson

_EXACT = 2**53
_NAMED_FLOATS = {"inf": "Infinity", "-inf": "-Infinity", "nan": "NaN"}
_INFINITE = {2**63 - 1: "infinity", -(2**63) + 1: "-infinity"}
_INFINITE_DAYS = {2**31 - 1: "infinity", -(2**31) + 1: "-infinity"}
_DAY_US = 86_400_000_000
WIDE_NUMBERS = frozenset({"UHUGEINT", "BIGNUM"})
"""Types whose digits the worker returns as text, because no Arrow type holds them."""


class IsoText(str):
    """A time or date outside Python's range, as ISO 8601: `infinity`, `+20000-01-01`, `-0043-03-15`."""


def python_values(column: Any, kind: str = "") -> list[Any]:
    """Return the Python values of an Arrow column.

    `kind` is the DuckDB type. Infinite times and times outside the years 1 to 9999 are `IsoText`, maps are dicts,
    intervals are Arrow's (months, days, nanoseconds). Never raises for a value that DuckDB can hold.
    """
    import pyarrow as pa

    if kind in WIDE_NUMBERS and pa.types.is_string(column.type):
        return [None if value is None else int(value) for value in column.to_pylist()]
    if pa.types.is_time64(column.type) and _has_midnight_24(column):
        return [_clock(scalar) for scalar in column]
    try:
        return [_with_dicts(value, column.type) for value in column.to_pylist()]
    except (OverflowError, ValueError):
        return [_scalar_value(scalar) for scalar in column]


def json_value(value: Any) -> Any:
    """Return a value that JSON holds without loss.

    Numbers that JavaScript would round, infinities and NaN become text, intervals ISO 8601 durations, times have no
    zone (they are in the province's), bytes become hexadecimal text.
    """
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, str):
        return str(value)
    if isinstance(value, float):
        return value if value - value == 0 else _NAMED_FLOATS[str(value)]
    if isinstance(value, int):
        return value if -_EXACT <= value <= _EXACT else str(value)
    if isinstance(value, Decimal):
        return _json_decimal(value)
    if isinstance(value, datetime | date | time):
        return value.isoformat()
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, list):
        return [json_value(one) for one in value]
    if isinstance(value, dict):
        return {str(name): json_value(one) for name, one in value.items()}
    return iso_duration(value) if _is_interval(value) else str(value)


def text_value(value: Any) -> str | None:
    """Return a value as a text cell: as `json_value`, with a space before the clock and nested values as JSON."""
    if isinstance(value, IsoText):
        return value.replace("T", " ")
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, datetime):
        return value.isoformat(sep=" ")
    if isinstance(value, Decimal):
        return f"{value:f}"
    plain = json_value(value)
    return plain if isinstance(plain, str) else orjson.dumps(plain).decode()


def iso_duration(value: Any) -> str:
    """Return (months, days, nanoseconds) as an ISO 8601 duration: `P1Y2M25DT3H`, `PT0S`; negative parts as `P-1D`."""
    months, days, nanoseconds = value
    years, months = _parted(months, 12)
    seconds, fraction = _parted(nanoseconds, 1_000_000_000)
    minutes, seconds = _parted(seconds, 60)
    hours, minutes = _parted(minutes, 60)
    sign = "-" if (seconds or fraction) and nanoseconds < 0 else ""
    exact = f"{abs(seconds)}.{abs(fraction):09}".rstrip("0").rstrip(".")
    day = "".join(f"{n}{letter}" for n, letter in ((years, "Y"), (months, "M"), (days, "D")) if n)
    clock = "".join(f"{n}{letter}" for n, letter in ((hours, "H"), (minutes, "M")) if n)
    clock += f"{sign}{exact}S" if seconds or fraction else ""
    return f"P{day}T{clock}" if clock else f"P{day}" if day else "PT0S"


def iso_time(value: int, unit: str) -> IsoText:
    """Return a count of `unit` (D, s, ms, us, ns) since 1970 as ISO 8601, signed for years above 9999 and below 0."""
    import numpy as np

    infinite = (_INFINITE_DAYS if unit == "D" else _INFINITE).get(value)
    if infinite:
        return IsoText(infinite)
    text = str(np.array(value, f"datetime64[{unit}]"))
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    if text.startswith("-"):
        year, rest = text[1:].split("-", 1)
        return IsoText(f"-{year:0>4}-{rest}")
    return IsoText(text if len(text.split("-")[0]) == 4 else f"+{text}")


def _json_decimal(value: Decimal) -> Any:
    if value == value.to_integral_value():
        return int(value) if abs(value) <= _EXACT else f"{value:.0f}"
    near = float(value)
    return near if Decimal(repr(near)) == value else f"{value:f}"


def _is_interval(value: Any) -> bool:
    return isinstance(value, tuple) and hasattr(value, "nanoseconds")


def _parted(value: int, size: int) -> tuple[int, int]:
    """Return quotient and remainder with the sign of the value."""
    whole, rest = divmod(abs(value), size)
    return (whole, rest) if value >= 0 else (-whole, -rest)


def _with_dicts(value: Any, kind: Any) -> Any:
    """Return a value with maps as dicts at every depth."""
    import pyarrow as pa

    if value is None or not pa.types.is_nested(kind):
        return value
    if pa.types.is_map(kind):
        return {_with_dicts(key, kind.key_type): _with_dicts(one, kind.item_type) for key, one in value}
    if pa.types.is_struct(kind):
        return {field.name: _with_dicts(value[field.name], field.type) for field in kind}
    if pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind):
        return [_with_dicts(one, kind.value_type) for one in value]
    return value


def _scalar_value(scalar: Any) -> Any:
    """Convert one Arrow scalar in a column where Python's own types are too narrow."""
    import pyarrow as pa

    kind = scalar.type
    if not scalar.is_valid:
        return None
    if pa.types.is_map(kind):
        return {_scalar_value(one["key"]): _scalar_value(one["value"]) for one in scalar.values}
    if pa.types.is_struct(kind):
        return {name: _scalar_value(scalar[name]) for name in scalar}
    if pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind):
        return [_scalar_value(one) for one in scalar.values]
    try:
        return scalar.as_py()
    except (OverflowError, ValueError):
        if pa.types.is_timestamp(kind):
            text = iso_time(scalar.value, kind.unit)
            return IsoText(f"{text}Z") if kind.tz and "inf" not in text else text
        return iso_time(scalar.value, "D") if pa.types.is_date32(kind) else str(scalar)


def _has_midnight_24(column: Any) -> bool:
    """Return whether a column has DuckDB's `24:00:00`, which Python and Arrow read as midnight."""
    import pyarrow as pa
    import pyarrow.compute as pc

    most = pc.max(column.cast(pa.int64())).as_py()
    return most is not None and most >= _DAY_US


def _clock(scalar: Any) -> Any:
    return None if not scalar.is_valid else IsoText("24:00:00") if scalar.value >= _DAY_US else scalar.as_py()
