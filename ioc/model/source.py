"""A source: one configured feed from a sector system, and its state."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class SourceCondition(StrEnum):
    """`live`: heard of within the expected interval; `late`: it was not; `failing`: the source answers wrongly;
    `unavailable`: it does not answer; `refusing`: the centre cannot take more (buffer or disk full); `starting`;
    `waiting`: ready, has brought nothing yet, and nothing is expected of it at any time."""

    STARTING = "starting"
    WAITING = "waiting"
    LIVE = "live"
    LATE = "late"
    FAILING = "failing"
    UNAVAILABLE = "unavailable"
    REFUSING = "refusing"


@dataclass(frozen=True, slots=True)
class SourceState:
    """What an operator must know of a source. Counts are since its process began to write; `lag_s` is now minus the
    newest event time.

    `error` is one sentence, empty when nothing is wrong. `buffered` counts records that the broker has not acknowledged
    yet, `delivered` those that it has since `generation` began.
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
