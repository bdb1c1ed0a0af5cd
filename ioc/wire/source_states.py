"""States of sources as `ioc.sources.v1` carries them: a JSON object of `SourceState`'s fields, times in RFC 3339."""

from dataclasses import asdict
from datetime import datetime

import orjson

from ioc.clock import rfc3339
from ioc.errors import BatchMalformed
from ioc.model.source import SourceCondition, SourceState

_TIMES = ("last_success", "reported_at")


def encode_state(state: SourceState) -> bytes:
    fields = asdict(state)
    for moment in _TIMES:
        fields[moment] = rfc3339(fields[moment]) if fields[moment] else None
    return orjson.dumps(fields)


def decode_state(content: bytes) -> SourceState:
    """Raises BatchMalformed when it is no state."""
    try:
        fields = orjson.loads(content)
        for moment in _TIMES:
            fields[moment] = datetime.fromisoformat(fields[moment]) if fields[moment] else None
        return SourceState(**{**fields, "condition": SourceCondition(fields["condition"])})
    except (ValueError, TypeError, KeyError) as fault:
        raise BatchMalformed(f"This is no state of a source: {fault}.") from fault
