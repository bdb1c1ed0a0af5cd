"""The state of each source as operators see it, from what its writer and connector tell."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from connectors.taken import Counts
from ioc.model.source import SourceCondition, SourceState

_RATE_OVER = timedelta(seconds=10)


@dataclass
class Observation:
    """Of one source: when data last came, and how fast."""

    began_at: datetime
    arrived_at: datetime | None = None
    _received: int = 0
    _marks: deque[tuple[datetime, int]] = field(default_factory=deque)

    def see(self, received: int, now: datetime) -> None:
        if received > self._received:
            self.arrived_at = now
        self._received = received
        self._marks.append((now, received))
        while len(self._marks) > 2 and now - self._marks[0][0] > _RATE_OVER:
            self._marks.popleft()

    def rate_per_s(self) -> float:
        if len(self._marks) < 2:
            return 0.0
        (then, before), (now, after) = self._marks[0], self._marks[-1]
        seconds = (now - then).total_seconds()
        return round((after - before) / seconds, 2) if seconds > 0 else 0.0


@dataclass(frozen=True)
class Health:
    """What the runner knows. `condition` FAILING, UNAVAILABLE, REFUSING with its `error`; None when all is well."""

    condition: SourceCondition | None = None
    error: str = ""


def state_of(
    *,
    source: str,
    kind: str,
    name: dict[str, str],
    expected_every: timedelta | None,
    counts: Counts,
    health: Health,
    last_success: datetime | None,
    observation: Observation,
    now: datetime,
) -> SourceState:
    """A source is late when it was not heard of for longer than `expected_every`, since it began or since the last
    time: of a folder only data counts, of any other an answer without data as well."""
    answered = None if kind == "file_drop" else last_success
    heard = max(filter(None, (answered, observation.arrived_at)), default=None)
    since = now - (heard or observation.began_at)
    if health.condition is not None:
        condition = health.condition
    elif expected_every is not None and since > expected_every:
        condition = SourceCondition.LATE
    elif observation.arrived_at is None and last_success is None:
        ready = counts.generation > 0 and expected_every is None
        condition = SourceCondition.WAITING if ready else SourceCondition.STARTING
    else:
        condition = SourceCondition.LIVE
    return SourceState(
        source=source,
        kind=kind,
        name=name,
        condition=condition,
        generation=counts.generation,
        received=counts.received,
        rejected=counts.rejected,
        duplicate=counts.duplicate,
        buffered=counts.buffered,
        rate_per_s=observation.rate_per_s(),
        lag_s=round((now - counts.newest).total_seconds(), 3) if counts.newest else None,
        last_success=max(filter(None, (last_success, observation.arrived_at)), default=None),
        expected_every_s=expected_every.total_seconds() if expected_every else None,
        error=health.error,
        reported_at=now,
        delivered=counts.delivered,
    )
