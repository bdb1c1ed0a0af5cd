"""Parameter values of a query: text, numbers, booleans, dates and times in the province's zone."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from ioc.lab.sandbox.statement import Refusal
from ioc.messages import Message

_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")
_TIME = re.compile(r"\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}(:\d{2}(\.\d+)?)?(Z|[+-]\d{2}:?\d{2})?")


def bound(wanted: frozenset[str], given: Mapping[str, Any], zone: ZoneInfo) -> dict[str, Any]:
    """Return the values to bind.

    Raises Refusal that names a missing or unknown parameter.
    """
    if missing := sorted(wanted - given.keys()):
        raise Refusal(Message("parameters_missing", names=_named(missing)))
    if unknown := sorted(given.keys() - wanted):
        raise Refusal(Message("parameters_unknown", names=_named(unknown)))
    return {name: _value(name, given[name], zone) for name in wanted}


def _value(name: str, value: Any, zone: ZoneInfo) -> Any:
    if isinstance(value, str):
        try:
            if _DAY.fullmatch(value):
                return date.fromisoformat(value)
            if _TIME.fullmatch(value):
                moment = datetime.fromisoformat(value)
                return moment if moment.tzinfo is None else moment.astimezone(zone).replace(tzinfo=None)
        except (ValueError, OverflowError):
            raise Refusal(Message("parameter_no_time", name=name, value=value)) from None
        return value
    if value is None or isinstance(value, bool | int | float):
        return value
    if isinstance(value, list) and all(isinstance(one, str | bool | int | float) for one in value):
        return value
    raise Refusal(Message("parameter_kind", name=name))


def _named(names: list[str]) -> str:
    return ", ".join(f"${name}" for name in names)
