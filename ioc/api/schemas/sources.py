"""States of sources as JSON, the same on REST and websocket."""

from collections.abc import Mapping
from typing import Any, Literal

from typing_extensions import TypedDict

from ioc.api.schemas.times import optional_time
from ioc.clock import rfc3339
from ioc.model.source import SourceState


class SourceShape(TypedDict):
    """The state of a source and its counts of records.

    `lag_s` is null where the source does not measure it; `expected_every_s` is null for a source without a schedule.
    `error` is the English sentence, empty while nothing is wrong. `error_code` and `error_params` allow a page to show
    it in any language; `error_nested` has code and parameters of a parameter that is a message itself. All three are
    empty for a sentence without a code.
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
    error_code: str
    error_params: Mapping[str, Any]
    error_nested: Mapping[str, Any]
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
        "error_code": state.error_code,
        "error_params": state.error_params,
        "error_nested": state.error_nested,
        "reported_at": rfc3339(state.reported_at),
    }
