"""States of sources as JSON, the same on REST and websocket."""

from typing import Literal

from typing_extensions import TypedDict

from ioc.api.schemas.times import optional_time
from ioc.clock import rfc3339
from ioc.model.source import SourceState


class SourceShape(TypedDict):
    """The state of a source and its counts of records.

    `lag_s` is null where the source does not measure it; `expected_every_s` is null for a source without a schedule.
    `error` is empty while nothing is wrong.
    """

    source: str
    kind: str
    name: dict[str, str]
    condition: Literal["starting", "waiting", "live", "late", "failing", "unavailable", "refusing"]
    received: int
    rejected: int
    duplicate: int
    buffered: int
    rate_per_s: float
    lag_s: float | None
    last_success: str | None
    expected_every_s: float | None
    error: str
    reported_at: str


def source_shape(state: SourceState) -> SourceShape:
    """Return the JSON of a source's state."""
    return {
        "source": state.source,
        "kind": state.kind,
        "name": state.name,
        "condition": state.condition.value,
        "received": state.received,
        "rejected": state.rejected,
        "duplicate": state.duplicate,
        "buffered": state.buffered,
        "rate_per_s": state.rate_per_s,
        "lag_s": state.lag_s,
        "last_success": optional_time(state.last_success),
        "expected_every_s": state.expected_every_s,
        "error": state.error,
        "reported_at": rfc3339(state.reported_at),
    }
