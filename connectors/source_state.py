"""Compute the state of each source that operators see, from its writer and connector."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from connectors.batching import WriterCounts
from connectors.configuration import SourceConfiguration
from connectors.registry import KINDS
from ioc.model.source import Liveness, SourceCondition, SourceState, error_fields

_RATE_OVER = timedelta(seconds=10)


@dataclass
class ArrivalTracker:
    """When data of one source last came, and how fast it comes."""

    began_at: datetime
    arrived_at: datetime | None = None
    _received: int = 0
    _samples: deque[tuple[datetime, int]] = field(default_factory=deque)

    def observe(self, received: int, now: datetime) -> None:
        """Note the number of records received so far."""
        if received > self._received:
            self.arrived_at = now
        self._received = received
        self._samples.append((now, received))
        while len(self._samples) > 2 and now - self._samples[0][0] > _RATE_OVER:
            self._samples.popleft()

    def rate_per_s(self) -> float:
        """Return records per second over the last ten seconds."""
        if len(self._samples) < 2:
            return 0.0
        (then, before), (now, after) = self._samples[0], self._samples[-1]
        seconds = (now - then).total_seconds()
        return round((after - before) / seconds, 2) if seconds > 0 else 0.0


@dataclass(frozen=True)
class SourceHealth:
    """What the runner knows: `condition` FAILING, UNAVAILABLE or REFUSING with its `error`; None when all is well."""

    condition: SourceCondition | None = None
    error: str = ""


@dataclass(frozen=True)
class SourceFacts:
    """What a state is computed from. `configuration` is None for a file that cannot be read."""

    source: str
    configuration: SourceConfiguration | None
    counts: WriterCounts
    health: SourceHealth
    last_success: datetime | None
    arrivals: ArrivalTracker


def state_of(facts: SourceFacts, now: datetime) -> SourceState:
    """Return the state of a source.

    A source is late when it gave no sign of life for longer than `expected_every`, since it began or since the last
    one. Its kind's manifest says whether an answer without data counts as one (`Liveness`).
    """
    configuration, counts, arrived_at = facts.configuration, facts.counts, facts.arrivals.arrived_at
    liveness = KINDS[configuration.kind].liveness if configuration else Liveness.ANSWER
    expected_every = configuration.expected_every if configuration else None
    answered_at = None if liveness is Liveness.DATA else facts.last_success
    alive_at = max(filter(None, (answered_at, arrived_at)), default=None)
    silent_for = now - (alive_at or facts.arrivals.began_at)
    if facts.health.condition is not None:
        condition = facts.health.condition
    elif expected_every is not None and silent_for > expected_every:
        condition = SourceCondition.LATE
    elif arrived_at is None and facts.last_success is None:
        ready = counts.generation > 0 and expected_every is None
        condition = SourceCondition.WAITING if ready else SourceCondition.STARTING
    else:
        condition = SourceCondition.LIVE
    return SourceState(
        source=facts.source,
        kind=configuration.kind if configuration else "",
        name=configuration.name if configuration else {"vi": facts.source, "en": facts.source},
        condition=condition,
        generation=counts.generation,
        received=counts.received,
        rejected=counts.rejected,
        duplicate=counts.duplicate,
        buffered=counts.buffered,
        rate_per_s=facts.arrivals.rate_per_s(),
        lag_s=round((now - counts.newest).total_seconds(), 3) if counts.newest else None,
        last_success=max(filter(None, (facts.last_success, arrived_at)), default=None),
        expected_every_s=expected_every.total_seconds() if expected_every else None,
        reported_at=now,
        delivered=counts.delivered,
        liveness=liveness,
        **error_fields(facts.health.error),
    )
