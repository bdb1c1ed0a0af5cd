"""How fresh a value may claim to be, by the sources that feed it.

Cases are states that hold until they change, so the newest change says nothing about freshness: what counts is when
their sources last reported. A source has a schedule when its configuration names `expected_every`. It is *behind* when
its last report is longer ago than that: its own last success or, for a folder of files, the last data it gave (that the
folder could be read is not a report of the agency). The rules:

- A KPI over cases is as of the earliest last report of the scheduled sources that ever fed its case type, and stale as
  soon as one of them is behind; `fresh_within` applies as well. In a unit whose own newest change came after the whole
  minute of that report, it is as of that change (never later than the report itself).
- Sources that never fed the case type, sources that were removed, and sources without a schedule do not count. Where
  only such feed it, it is as of the newest change in the province, and `fresh_within` alone says when that is stale.
- A unit that ever had a case of a type counts a live 0 when none meets the condition: nobody sends that nothing
  happened. A unit that never had one has no data: nobody knows whether it reports. Where the case type says
  `silence_is_zero` (fires, outages), it counts 0 as soon as the province has a report of the type.
- A gauge goes by its own newest reading: a level that is not measured is not known, whoever answers. A delta does too,
  but is stale as soon as a scheduled source that fed it is behind, since its sum then lacks the end; and where each of
  its scheduled sources answers with everything new (`Liveness.COMPLETE_ANSWER`), it is as of their answer, in units
  that have readings in the window. Without any reading there is no data, not 0: a counter that broke is silent as well.
- A period that is over is behind only if its sources have not reported since it ended.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import duckdb
import numpy as np

from ioc.catalog import Catalog
from ioc.clock import from_ms, to_ms
from ioc.evaluation.aggregate_functions import NEVER, Vectors
from ioc.model.kpi import Formula, KpiDefinition, MeasureAggregate
from ioc.model.measure import MeasureKind
from ioc.model.source import Liveness, SourceState
from ioc.store.source_feeds import CASE_TYPE, MEASURE, read_feeds, read_last_fed

FeedKey = tuple[str, str]
"""`measure` or `case_type`, and its id."""
_MINUTE_MS = 60_000


@dataclass(frozen=True, slots=True)
class FeedStatus:
    """The state of the scheduled sources of a feed key.

    `last_success_ms` is their earliest last success, `is_behind` whether one of them is behind, `is_complete` whether
    all of them answer with everything new.
    """

    last_success_ms: int
    is_behind: bool
    is_complete: bool


def feed_key(definition: KpiDefinition) -> FeedKey | None:
    """Return what sources must feed for a KPI; None for a formula."""
    match definition.expression:
        case Formula():
            return None
        case MeasureAggregate(measure=measure):
            return MEASURE, measure
        case cases:
            return CASE_TYPE, cases.of


class SourceFreshness:
    """Which sources feed which measures and case types, updated with the commits.

    Belongs to the thread that evaluates.
    """

    def __init__(self) -> None:
        self._sources: dict[FeedKey, set[str]] = {}
        self._last_fed: dict[str, int] = {}
        self._statuses: dict[FeedKey, FeedStatus] = {}
        self._is_read = False
        self._claimed: dict[str, tuple[Vectors, int, Vectors]] = {}

    def note_feeds(self, cursor: duckdb.DuckDBPyConnection, fed: Iterable[tuple[str, str, str]], now: datetime) -> None:
        """Note what commits brought since the last call; the first call reads what the store knows."""
        if not self._is_read:
            self._sources, self._last_fed, self._is_read = read_feeds(cursor), read_last_fed(cursor), True
        for source, kind, key in fed:
            self._sources.setdefault((kind, key), set()).add(source)
            self._last_fed[source] = to_ms(now)

    def update(self, states: Sequence[SourceState], now: datetime) -> None:
        """Take the current states of all sources."""
        scheduled = {state.source: state for state in states if state.expected_every_s is not None}
        self._statuses = {}
        for key, sources in self._sources.items():
            if listed := [scheduled[source] for source in sources if source in scheduled]:
                last_report = {state.source: heard_ms(state, self._last_fed) for state in listed}
                self._statuses[key] = FeedStatus(
                    min(last_report.values()),
                    any(is_behind(state, last_report[state.source], now) for state in listed),
                    all(state.liveness is Liveness.COMPLETE_ANSWER for state in listed),
                )

    def claim(
        self, definition: KpiDefinition, vectors: Vectors, newest_ms: int, period_end: datetime, catalog: Catalog
    ) -> tuple[Vectors, bool]:
        """Return a KPI's vectors with the time they may claim, and whether they are behind.

        `newest_ms` is the newest change of its case type in the province; `period_end` is the end of its window.
        """
        key = feed_key(definition)
        status = self._statuses.get(key) if key else None
        if isinstance(definition.expression, MeasureAggregate):
            measure = catalog.vocabulary.measures[definition.expression.measure]
            if status is None or measure.kind is not MeasureKind.DELTA:
                return vectors, False
            if not status.is_complete:
                return vectors, _is_behind_of(definition, status, period_end)
        last_report = status.last_success_ms if status else newest_ms
        if last_report == NEVER:
            return vectors, bool(status and status.is_behind)
        minute = last_report // _MINUTE_MS
        known = self._claimed.get(definition.id)
        if known is None or known[0] is not vectors or known[1] != minute:
            as_of = np.maximum(minute * _MINUTE_MS, np.minimum(vectors.as_of, last_report))
            as_of = np.where(vectors.present, as_of, vectors.as_of)
            known = self._claimed[definition.id] = (vectors, minute, replace(vectors, as_of=as_of))
        return known[2], bool(status and _is_behind_of(definition, status, period_end))


def heard_ms(state: SourceState, last_fed: Mapping[str, int]) -> int:
    """Return when the system behind a source last reported (ms since 1970), NEVER if it never did."""
    fed = last_fed.get(state.source, NEVER)
    return fed if state.liveness is Liveness.DATA or state.last_success is None else to_ms(state.last_success)


def is_behind(state: SourceState, last_report: int, now: datetime) -> bool:
    """Return whether a source with a schedule has not reported for longer than that."""
    if state.expected_every_s is None:
        return False
    return last_report == NEVER or from_ms(last_report) + timedelta(seconds=state.expected_every_s) < now


def _is_behind_of(definition: KpiDefinition, status: FeedStatus, period_end: datetime) -> bool:
    return status.is_behind and not (definition.window.closed and status.last_success_ms >= to_ms(period_end))
