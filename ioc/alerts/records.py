"""Frozen dataclasses as plain records (dict, list, text, number) and back, for whoever writes them down."""

from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from datetime import datetime, time, timedelta
from enum import Enum
from functools import cache
from types import NoneType, UnionType
from typing import Any, TypeVar, Union, get_args, get_origin, get_type_hints

from ioc.model.matcher import Matcher

T = TypeVar("T")


def to_record(value: Any) -> Any:
    """Of a dataclass, with all it holds; a length of time in seconds, times as text, matchers as they are written."""
    if isinstance(value, Matcher):
        return str(value)
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, timedelta):
        return value.total_seconds()
    if isinstance(value, datetime | time):
        return value.isoformat()
    if is_dataclass(value):
        return {field.name: to_record(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, Mapping):
        return {str(key): to_record(item) for key, item in value.items()}
    if isinstance(value, frozenset):
        return sorted(to_record(item) for item in value)
    if isinstance(value, list | tuple):
        return [to_record(item) for item in value]
    return value


def from_record(kind: type[T], record: Any) -> T:
    """The dataclass that `to_record` made this of. A field that is not in the record takes its default; one that the
    dataclass no longer has is left. Raises TypeError or ValueError for a record of something else."""
    made: T = _made(kind, record)
    return made


def _made(kind: Any, record: Any) -> Any:
    origin, inner = get_origin(kind), get_args(kind)
    if origin in (Union, UnionType):
        if record is None and NoneType in inner:
            return None
        return _made(next(one for one in inner if one is not NoneType), record)
    if origin is tuple:
        if len(inner) == 2 and inner[1] is Ellipsis:
            return tuple(_made(inner[0], item) for item in record)
        return tuple(_made(one, item) for one, item in zip(inner, record, strict=True))
    if origin is frozenset:
        return frozenset(_made(inner[0], item) for item in record)
    if origin is not None and issubclass(origin, Mapping):
        return {_made(inner[0], key): _made(inner[1], item) for key, item in record.items()}
    if kind is Matcher:
        return Matcher.parse(record)
    if kind is timedelta:
        return timedelta(seconds=record)
    if kind in (datetime, time):
        return kind.fromisoformat(record)
    if isinstance(kind, type) and issubclass(kind, Enum):
        return kind(record)
    if isinstance(kind, type) and is_dataclass(kind):
        hints = _hints(kind)
        return kind(**{name: _made(hint, record[name]) for name, hint in hints.items() if name in record})
    return kind(record) if kind in (int, float, str) and type(record) is not kind else record


@cache
def _hints(kind: Any) -> dict[str, Any]:
    return get_type_hints(kind)
