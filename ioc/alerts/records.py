"""Turn frozen dataclasses into plain records (dict, list, text, number) and back, for the store and the API."""

from collections.abc import Hashable, Mapping, Set
from dataclasses import fields, is_dataclass
from datetime import timedelta
from functools import cache
from typing import Any, TypeVar, cast

import orjson
from pydantic import TypeAdapter, ValidationError

from ioc.model.matcher import Matcher

T = TypeVar("T")


def to_json(value: Any) -> bytes:
    """Return a dataclass with all it contains as JSON.

    Durations are written in seconds, times in ISO 8601, matchers as people write them, NaN as null.
    """
    return orjson.dumps(value, default=_plain, option=orjson.OPT_PASSTHROUGH_DATACLASS | orjson.OPT_NON_STR_KEYS)


def to_record(value: Any) -> Any:
    """Return what `to_json` writes, as dict, list, text and number."""
    return orjson.loads(to_json(value))


def from_record(kind: type[T], record: Any) -> T:
    """Return the dataclass that `to_record` made this record of.

    A missing field takes its default; an unknown field is ignored. Raises ValueError for a record of something else,
    and the error of a field's own parser, such as MatcherInvalid.
    """
    try:
        made: T = _adapter(cast(Hashable, kind)).validate_python(record)
    except ValidationError as fault:
        cause = fault.errors()[0].get("ctx", {}).get("error")
        raise cause if isinstance(cause, ValueError) else fault from None
    return made


def _plain(value: Any) -> Any:
    """Return a plain form of what orjson does not write by itself."""
    if isinstance(value, Matcher):
        return str(value)
    if isinstance(value, timedelta):
        return value.total_seconds()
    if is_dataclass(value):
        return {field.name: getattr(value, field.name) for field in fields(value)}
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, Set):
        return sorted(value)
    raise TypeError(f"A {type(value).__name__} cannot be written as JSON.")


@cache
def _adapter(kind: Any) -> TypeAdapter[Any]:
    return TypeAdapter(kind)
