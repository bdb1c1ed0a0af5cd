"""How fresh a value may claim to be, by the sources that feed it.

Cases are states that hold until they change, so the newest change says nothing of freshness: what counts is when their
sources were last heard of. A source has a schedule when its configuration names `expected_every`. It is *behind* when
it was last heard of longer ago than that: by its own last success, or, of a folder of files, by the last data it gave
(that the folder could be looked into is no word of the agency). The rules:

- A KPI over cases is as of the least last success of the scheduled sources that ever fed its case type, and stale as
  soon as one of them is behind; `fresh_within` holds besides. In a unit whose own newest change came after the whole
  minute of that word, it is as of that change (never past the word itself).
- Sources that never fed the case type, sources that were removed, and sources without a schedule do not count. Where
  only such feed it, it is as of the newest change in the province, and `fresh_within` alone says when that is stale.
- A unit that ever had a case of a type counts a live 0 when none meets the condition: nobody sends that nothing
  happened. A unit that never had one has no data: nobody knows whether it reports. Where the case type says
  `silence_is_zero` (fires, outages), it counts 0 as soon as the type was heard of in the province.
- A gauge goes by its own newest reading: a level that is not measured is not known, whoever answers. A delta does too,
  but is stale as soon as a scheduled source that fed it is behind, for then its sum lacks the end; and where each of
  its scheduled sources answers with everything new (`Liveness.COMPLETE_ANSWER`), it is as of their answer, in units
  that have readings in the window. Without any reading there is no data, not 0: a counter that broke is silent as well.
- A period that is over is behind only if its sources were not heard of since it ended.
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

Word = tuple[str, str]
"""`measure` or `case_type`, and its id."""
_MINUTE_MS = 60_000


@dataclass(frozen=True, slots=True)
class Hearing:
    """What the scheduled sources of a word tell: `heard_ms` their least last success, `is_behind` whether one of them
    is behind, `is_asked` whether all of them are asked for everything new."""

    heard_ms: int
    is_behind: bool
    is_asked: bool


def word_of(definition: KpiDefinition) -> Word | None:
    """What sources must feed for a KPI; None for a formula."""
    match definition.expression:
        case Formula():
            return None
        case MeasureAggregate(measure=measure):
            return MEASURE, measure
        case cases:
            return CASE_TYPE, cases.of


class Feeding:
    """Which sources feed which words, kept up with the commits. Belongs to the thread that evaluates."""

    def __init__(self) -> None:
        self._sources: dict[Word, set[str]] = {}
        self._last_fed: dict[str, int] = {}
        self._hearings: dict[Word, Hearing] = {}
        self._is_read = False
        self._told: dict[str, tuple[Vectors, int, Vectors]] = {}

    def take(self, cursor: duckdb.DuckDBPyConnection, fed: Iterable[tuple[str, str, str]], now: datetime) -> None:
        """What commits brought since the last call; the first call reads what the store knows."""
        if not self._is_read:
            self._sources, self._last_fed, self._is_read = read_feeds(cursor), read_last_fed(cursor), True
        for source, kind, word in fed:
            self._sources.setdefault((kind, word), set()).add(source)
            self._last_fed[source] = to_ms(now)

    def listen(self, states: Sequence[SourceState], now: datetime) -> None:
        """The states of all sources there are, as they stand now."""
        scheduled = {state.source: state for state in states if state.expected_every_s is not None}
        self._hearings = {}
        for word, sources in self._sources.items():
            if listed := [scheduled[source] for source in sources if source in scheduled]:
                heard = {state.source: heard_ms(state, self._last_fed) for state in listed}
                self._hearings[word] = Hearing(
                    min(heard.values()),
                    any(is_behind(state, heard[state.source], now) for state in listed),
                    all(state.liveness is Liveness.COMPLETE_ANSWER for state in listed),
                )

    def told(
        self, definition: KpiDefinition, vectors: Vectors, newest_ms: int, period_end: datetime, catalog: Catalog
    ) -> tuple[Vectors, bool]:
        """The vectors of a measure's or of cases' KPI with the time they may claim, and whether they are behind.

        `newest_ms` is the newest change of its case type in the province; `period_end` the end of its window.
        """
        word = word_of(definition)
        hearing = self._hearings.get(word) if word else None
        if isinstance(definition.expression, MeasureAggregate):
            measure = catalog.vocabulary.measures[definition.expression.measure]
            if hearing is None or measure.kind is not MeasureKind.DELTA:
                return vectors, False
            if not hearing.is_asked:
                return vectors, _is_behind_of(definition, hearing, period_end)
        heard = hearing.heard_ms if hearing else newest_ms
        if heard == NEVER:
            return vectors, bool(hearing and hearing.is_behind)
        minute = heard // _MINUTE_MS
        known = self._told.get(definition.id)
        if known is None or known[0] is not vectors or known[1] != minute:
            as_of = np.maximum(minute * _MINUTE_MS, np.minimum(vectors.as_of, heard))
            as_of = np.where(vectors.present, as_of, vectors.as_of)
            known = self._told[definition.id] = (vectors, minute, replace(vectors, as_of=as_of))
        return known[2], bool(hearing and _is_behind_of(definition, hearing, period_end))


def heard_ms(state: SourceState, last_fed: Mapping[str, int]) -> int:
    """When the system behind a source was last heard of (ms since 1970), NEVER if it never was."""
    fed = last_fed.get(state.source, NEVER)
    return fed if state.liveness is Liveness.DATA or state.last_success is None else to_ms(state.last_success)


def is_behind(state: SourceState, heard: int, now: datetime) -> bool:
    """Whether a source with a schedule has not been heard of for longer than that."""
    if state.expected_every_s is None:
        return False
    return heard == NEVER or from_ms(heard) + timedelta(seconds=state.expected_every_s) < now


def _is_behind_of(definition: KpiDefinition, hearing: Hearing, period_end: datetime) -> bool:
    return hearing.is_behind and not (definition.window.closed and hearing.heard_ms >= to_ms(period_end))
