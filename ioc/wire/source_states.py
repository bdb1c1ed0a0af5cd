"""Encode and decode states of sources for `ioc.sources.v1`: JSON objects of `SourceState`'s fields.

Times are in RFC 3339.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

import orjson

from ioc.clock import rfc3339
from ioc.errors import BatchMalformed
from ioc.messages import Message
from ioc.model.source import Liveness, SourceCondition, SourceState

_TIMES = ("last_success", "reported_at")
_MAX_COUNT = 2**53
"""Records; JavaScript cannot count further."""
_MAX_GENERATION = 2**63 - 1
_MAX_SECONDS = 1e12
_MAX_TEXT = 4000
_MAX_PARAMS = 16_000
"""Bytes of an error's parameters as JSON; the sentence alone goes on without them."""
_LIVENESS_BEFORE = {"http_poll": Liveness.COMPLETE_ANSWER, "file_drop": Liveness.DATA}
"""By kind, for states that an earlier version published: they do not say it."""


def encode_state(state: SourceState) -> bytes:
    fields = asdict(state)
    fields["error"] = state.error[:_MAX_TEXT]
    if not all(_is_short(fields[name]) for name in ("error_params", "error_nested")):
        fields |= {"error_code": "", "error_params": {}, "error_nested": {}}
    for moment in _TIMES:
        fields[moment] = rfc3339(fields[moment]) if fields[moment] else None
    return orjson.dumps(fields)


def decode_state(content: bytes) -> SourceState:
    """Decode a state.

    Raises BatchMalformed when it is not a state, or has a number or time out of its bounds: a message of that topic is
    read again at each start.
    """
    try:
        fields = orjson.loads(content)
        fields.setdefault("liveness", _LIVENESS_BEFORE.get(fields.get("kind"), Liveness.ANSWER))
        return SourceState(**{name: read(fields, name) for name, read in _FIELDS.items() if name in fields})
    except (ValueError, TypeError, KeyError, AttributeError, OverflowError) as fault:
        raise BatchMalformed(Message("not_source_state", reason=str(fault))) from fault


def _is_short(params: Mapping[str, Any]) -> bool:
    """Return whether parameters can be sent: as JSON at all, and in few enough bytes."""
    try:
        return len(orjson.dumps(params)) <= _MAX_PARAMS
    except TypeError:  # such as a whole number of more than 64 bits
        return False


def _text(fields: Mapping[str, Any], name: str) -> str:
    text = fields[name]
    if not isinstance(text, str) or len(text) > _MAX_TEXT:
        raise ValueError(f"{name} is not a text of at most {_MAX_TEXT} characters")
    return text


def _texts(fields: Mapping[str, Any], name: str) -> dict[str, str]:
    texts = fields[name]
    if not isinstance(texts, dict):
        raise ValueError(f"{name} is not an object")
    return {key: _text(texts, key) for key in texts}


def _params(fields: Mapping[str, Any], name: str) -> dict[str, Any]:
    params = fields[name]
    if not isinstance(params, dict) or not _is_short(params):
        raise ValueError(f"{name} is not an object of at most {_MAX_PARAMS} bytes")
    return params


def _count(fields: Mapping[str, Any], name: str) -> int:
    number, most = fields[name], _MAX_GENERATION if name == "generation" else _MAX_COUNT
    if type(number) is not int or not 0 <= number <= most:
        raise ValueError(f"{name} is {number!r:.40}, not a whole number from 0 to {most}")
    return number


def _number(fields: Mapping[str, Any], name: str) -> float:
    number = fields[name]
    if isinstance(number, bool) or not isinstance(number, int | float):
        raise ValueError(f"{name} is not a number")
    if not math.isfinite(number) or abs(number) > _MAX_SECONDS:
        raise ValueError(f"{name} is {number!r:.40}, beyond {_MAX_SECONDS:g}")
    return number


def _number_or_none(fields: Mapping[str, Any], name: str) -> float | None:
    return None if fields[name] is None else _number(fields, name)


def _moment(fields: Mapping[str, Any], name: str) -> datetime:
    moment = datetime.fromisoformat(fields[name])
    if moment.tzinfo is None:
        raise ValueError(f"{name} has no time zone")
    moment = moment.astimezone(UTC)
    if not 1970 <= moment.year <= 9998:
        raise ValueError(f"{name} is out of the calendar")
    return moment


def _moment_or_none(fields: Mapping[str, Any], name: str) -> datetime | None:
    return _moment(fields, name) if fields[name] else None


def _condition(fields: Mapping[str, Any], name: str) -> SourceCondition:
    return SourceCondition(fields[name])


def _liveness(fields: Mapping[str, Any], name: str) -> Liveness:
    return Liveness(fields[name])


_FIELDS: dict[str, Callable[[Mapping[str, Any], str], Any]] = {
    **dict.fromkeys(("source", "kind", "error", "error_code"), _text),
    **dict.fromkeys(("generation", "received", "rejected", "duplicate", "buffered", "delivered"), _count),
    **dict.fromkeys(("lag_s", "expected_every_s"), _number_or_none),
    **dict.fromkeys(("error_params", "error_nested"), _params),
    "name": _texts,
    "condition": _condition,
    "liveness": _liveness,
    "rate_per_s": _number,
    "last_success": _moment_or_none,
    "reported_at": _moment,
}
