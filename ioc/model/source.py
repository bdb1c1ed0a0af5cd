"""A source: one configured feed from a sector system, and its state."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from ioc.messages import Message


class SourceCondition(StrEnum):
    """Condition of a source.

    `live`: it gave a sign of life within the expected interval; `late`: it did not; `failing`: it answers wrongly;
    `unavailable`: it does not answer; `refusing`: the centre cannot take more (buffer or disk full); `starting`;
    `waiting`: ready, has brought nothing yet, and nothing is expected of it at any time.
    """

    STARTING = "starting"
    WAITING = "waiting"
    LIVE = "live"
    LATE = "late"
    FAILING = "failing"
    UNAVAILABLE = "unavailable"
    REFUSING = "refusing"


class Liveness(StrEnum):
    """What counts as a sign of life of a source, by the kind of its connector.

    `data`: only data. `answer`: an answer or connection as well. `complete_answer`: an answer as well, and it holds
    everything new, so that an answer without data says that nothing happened.
    """

    DATA = "data"
    ANSWER = "answer"
    COMPLETE_ANSWER = "complete_answer"


@dataclass(frozen=True, slots=True)
class SourceState:
    """What an operator must know of a source.

    Counts are since its process began to write; `lag_s` is now minus the newest event time. `error` is one
    English sentence, empty when nothing is wrong; `error_code`, `error_params` and `error_nested` give it in another
    language (`Message.shape`), and are empty for a sentence without a code. `buffered` counts records that the broker
    has not acknowledged yet, `delivered` those that it has acknowledged since `generation` began.
    """

    source: str
    kind: str
    name: dict[str, str]
    condition: SourceCondition
    generation: int
    received: int
    rejected: int
    duplicate: int
    buffered: int
    rate_per_s: float
    lag_s: float | None
    last_success: datetime | None
    expected_every_s: float | None
    error: str
    reported_at: datetime
    delivered: int = 0
    liveness: Liveness = Liveness.ANSWER
    error_code: str = ""
    error_params: Mapping[str, Any] = field(default_factory=dict)
    error_nested: Mapping[str, Any] = field(default_factory=dict)


def error_fields(error: str) -> dict[str, Any]:
    """Return the fields of `SourceState` that hold a sentence; those of its code are empty unless it is a Message."""
    shape = error.shape() if isinstance(error, Message) else {}
    return {
        "error": str(error),
        "error_code": shape.get("code", ""),
        "error_params": shape.get("params", {}),
        "error_nested": shape.get("nested", {}),
    }
