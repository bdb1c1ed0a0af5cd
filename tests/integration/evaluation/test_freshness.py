"""Freshness by source: a value is live depending on when the sources that feed it last reported."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from connectors.registry import KINDS
from ioc.clock import to_ms
from ioc.evaluation import Changes, Evaluator
from ioc.model.case import Case
from ioc.model.kpi import Freshness, KpiValue
from ioc.model.reading import Reading
from ioc.model.source import SourceCondition, SourceState
from ioc.settings import VIETNAM
from ioc.store import apply_cases, apply_panes
from ioc.wire.schemas import cases_batch, readings_batch
from streams.reduce import reduce
from tests.support.evaluation_centre import NOW, PACK, PROVINCE, EvaluationCentre, by_kpi_and_unit, own_catalog

HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)
# The level of a sensor and a count by what is new, both of which may be an hour old.
LIMITS = """
[[kpi]]
id = "s.level"
name = { vi = "Chỉ tiêu", en = "KPI" }
unit_of_measure = "1"
window = "today"
basis = "thử"
aggregate = { measure = "t.level", take = "mean" }
fresh_within = "1h"

[[kpi]]
id = "s.count"
name = { vi = "Chỉ tiêu", en = "KPI" }
unit_of_measure = "1"
window = "today"
basis = "thử"
aggregate = { measure = "t.count", take = "sum" }
fresh_within = "1h"

[[kpi]]
id = "s.open"
name = { vi = "Chỉ tiêu", en = "KPI" }
unit_of_measure = "1"
window = "now"
basis = "thử"
count = { of = "job", where = "closed_at is null" }
fresh_within = "24h"

[[kpi]]
id = "s.open_per_count"
name = { vi = "Chỉ tiêu", en = "KPI" }
unit_of_measure = "1"
window = "now"
basis = "thử"
formula = { text = "s.open + s.count" }
"""


def source(name: str, *, ago: timedelta | None, every_s: float | None = 180.0, kind: str = "http_poll") -> SourceState:
    """Return a source that last reported `ago` ago."""
    heard = None if ago is None else NOW - ago
    return SourceState(
        name,
        kind,
        {},
        SourceCondition.LIVE,
        1,
        0,
        0,
        0,
        0,
        0.0,
        None,
        heard,
        every_s,
        "",
        NOW,
        liveness=KINDS[kind].liveness,
    )


class Watched:
    """A centre whose sources a test sets."""

    def __init__(self, centre: EvaluationCentre) -> None:
        self.centre = centre
        (centre.folder / "pack.toml").write_text(PACK + LIMITS, encoding="utf-8")
        centre.catalog = own_catalog(centre.folder)
        self.states: list[SourceState] = []
        self.evaluator = Evaluator(centre.catalog, centre.store, VIETNAM, sources=lambda: self.states)
        self.now = NOW

    def hear(self, of: str, *, ago: timedelta, unit: str, number: int = 1, closed: bool = False) -> Changes:
        at = NOW - ago
        job = Case("job", f"J{number}", unit, "open", at, at)
        if closed:
            job = replace(job, status="done", closed_at=at)
        commit = apply_cases(self.centre.store, cases_batch([job], [None]), applied_at=at, source=of)
        return Changes.of([commit])

    def read(self, of: str, measure: str, *, ago: timedelta, unit: str) -> Changes:
        at = NOW - ago
        reduced = reduce(readings_batch([Reading(measure, unit, at, 3.0)]), self.centre.catalog.vocabulary, to_ms(NOW))
        return Changes.of([apply_panes(self.centre.store, reduced.panes, applied_at=at, source=of)])

    def value(self, kpi: str, unit: str, *states: SourceState, changes: Changes | None = None) -> KpiValue:
        self.states = list(states)
        self.evaluator.evaluate(changes or Changes(), self.now)
        return by_kpi_and_unit(self.evaluator.values(kpi))[kpi, unit]


@pytest.fixture
def watched(centre: EvaluationCentre) -> Watched:
    return Watched(centre)


ONE_STOP, OTHER = "one-stop-shop", "other"
LIVE, STALE = Freshness.LIVE, Freshness.STALE


@pytest.mark.parametrize(
    ("states", "freshness", "as_of"),
    [
        pytest.param([source(ONE_STOP, ago=MINUTE)], LIVE, MINUTE, id="asked a minute ago, nothing new for ten hours"),
        pytest.param([source(ONE_STOP, ago=HOUR)], STALE, HOUR, id="not answered for an hour"),
        pytest.param([source(ONE_STOP, ago=timedelta(seconds=180))], LIVE, 3 * MINUTE, id="just in time"),
        pytest.param([source(ONE_STOP, ago=timedelta(seconds=181))], STALE, None, id="a second late"),
        pytest.param(
            [source(ONE_STOP, ago=MINUTE), source(OTHER, ago=HOUR)], STALE, HOUR, id="one of two feeders is late"
        ),
        pytest.param(
            [source(ONE_STOP, ago=MINUTE), source(OTHER, ago=2 * MINUTE)], LIVE, 2 * MINUTE, id="as of the later of two"
        ),
        pytest.param(
            [source(ONE_STOP, ago=MINUTE), source("stranger", ago=HOUR)], LIVE, MINUTE, id="one that never fed it"
        ),
        pytest.param(
            [source(ONE_STOP, ago=MINUTE), source(OTHER, ago=HOUR, every_s=None, kind="http_push")],
            LIVE, MINUTE, id="a push without schedule",
        ),
        pytest.param([source(ONE_STOP, ago=MINUTE)], LIVE, MINUTE, id="the other feeder was removed"),
        pytest.param([], LIVE, 10 * HOUR, id="no source is scheduled: within the limit of the newest change"),
        pytest.param([source(ONE_STOP, ago=None)], STALE, 10 * HOUR, id="a source that begins: when it last gave"),
        pytest.param(
            [source(ONE_STOP, ago=MINUTE, kind="file_drop")], STALE, 10 * HOUR, id="a folder looked into is no word"
        ),
    ],
)  # fmt: skip
def test_cases_are_as_fresh_as_their_sources(
    watched: Watched, states: list[SourceState], freshness: Freshness, as_of: timedelta | None
) -> None:
    unit = watched.centre.communes[0]
    watched.hear(ONE_STOP, ago=10 * HOUR, unit=unit)
    watched.hear(OTHER, ago=11 * HOUR, unit=unit, number=2)
    value = watched.value("s.open", unit, *states)
    assert (value.value, value.freshness) == (2, freshness)
    if as_of is not None:
        assert value.as_of is not None
        assert abs(value.as_of - (NOW - as_of)) < MINUTE
        assert value.as_of <= NOW - as_of


def test_a_connector_that_fails_makes_values_stale_and_recovers_them(watched: Watched) -> None:
    unit = watched.centre.communes[0]
    watched.hear(ONE_STOP, ago=HOUR, unit=unit)
    up = source(ONE_STOP, ago=timedelta(0))
    assert watched.value("s.open", unit, up).freshness is LIVE
    watched.now = NOW + HOUR
    failing = replace(up, condition=SourceCondition.UNAVAILABLE, error="No answer.")
    told = by_kpi_and_unit(_told(watched, failing))
    assert told["s.open", unit].freshness is STALE
    assert told["s.open", PROVINCE].freshness is STALE
    told = by_kpi_and_unit(_told(watched, replace(up, last_success=watched.now)))
    assert told["s.open", unit].freshness is LIVE


def _told(watched: Watched, state: SourceState) -> list[KpiValue]:
    watched.states = [state]
    return watched.evaluator.evaluate(Changes(), watched.now)


def test_never_reported_and_nothing_occurred_are_two_things(watched: Watched) -> None:
    here, there = watched.centre.communes[:2]
    polled = source(ONE_STOP, ago=MINUTE)
    never = watched.value("s.open", there, polled)
    assert (never.value, never.freshness, never.reported) == (None, Freshness.NO_DATA, False)
    other = watched.value("s.open", there, polled, changes=watched.hear(ONE_STOP, ago=HOUR, unit=here))
    assert (other.value, other.freshness, other.reported) == (None, Freshness.NO_DATA, False)
    assert watched.value("s.open", here, polled).value == 1
    finished = watched.hear(ONE_STOP, ago=MINUTE, unit=here, closed=True)
    nothing = watched.value("s.open", here, polled, changes=finished)
    assert (nothing.value, nothing.samples, nothing.freshness, nothing.reported) == (0, 0, LIVE, True)
    assert watched.value("s.open", PROVINCE, polled).value == 0
    ratio = watched.value("job.on_time", there, polled)
    assert (ratio.value, ratio.freshness, ratio.reported) == (None, Freshness.NO_DATA, False)
    formula = watched.value("s.open_per_count", there, polled)
    assert (formula.value, formula.reported) == (None, False)


def test_where_silence_is_zero_every_unit_counts_once_the_type_was_heard_of(watched: Watched) -> None:
    here, there = watched.centre.communes[:2]
    polled = source(ONE_STOP, ago=MINUTE)
    catalog = watched.centre.catalog
    fires = replace(catalog.vocabulary.case_types["job"], silence_is_zero=True)
    vocabulary = replace(catalog.vocabulary, case_types={**catalog.vocabulary.case_types, "job": fires})
    watched.evaluator.reload(replace(catalog, vocabulary=vocabulary))
    assert watched.value("s.open", there, polled).value is None
    none_yet = watched.value("s.open", there, polled, changes=watched.hear(ONE_STOP, ago=HOUR, unit=here))
    assert (none_yet.value, none_yet.samples, none_yet.freshness, none_yet.reported) == (0, 0, LIVE, False)


def test_a_source_is_known_to_feed_after_a_restart(watched: Watched) -> None:
    unit = watched.centre.communes[0]
    watched.hear(ONE_STOP, ago=HOUR, unit=unit)
    again = Evaluator(
        watched.centre.catalog, watched.centre.store, VIETNAM, sources=lambda: [source(ONE_STOP, ago=HOUR)]
    )
    values = by_kpi_and_unit(again.evaluate(Changes(), NOW))
    assert values["s.open", unit].freshness is STALE


@pytest.mark.parametrize(
    ("kpi", "measure", "state", "freshness", "as_of"),
    [
        pytest.param("s.level", "t.level", source(ONE_STOP, ago=MINUTE), STALE, 2 * HOUR, id="gauge: its own reading"),
        pytest.param("s.count", "t.count", source(ONE_STOP, ago=MINUTE), LIVE, MINUTE, id="delta that is polled"),
        pytest.param(
            "s.count", "t.count", source(ONE_STOP, ago=MINUTE, kind="mqtt"), STALE, 2 * HOUR,
            id="delta that is pushed: silence says nothing",
        ),
        pytest.param("s.count", "t.count", source(ONE_STOP, ago=HOUR), STALE, HOUR, id="delta whose source is behind"),
        pytest.param(
            "s.count", "t.count", source(ONE_STOP, ago=MINUTE, every_s=None), STALE, 2 * HOUR, id="no schedule"
        ),
    ],
)  # fmt: skip
def test_measures(
    watched: Watched, kpi: str, measure: str, state: SourceState, freshness: Freshness, as_of: timedelta
) -> None:
    unit, other = watched.centre.communes[:2]
    watched.read(ONE_STOP, measure, ago=2 * HOUR, unit=unit)
    value = watched.value(kpi, unit, state)
    assert (value.value, value.freshness) == (3.0, freshness)
    assert value.as_of is not None
    assert abs(value.as_of - (NOW - as_of)) < MINUTE
    silent = watched.value(kpi, other, state)
    assert (silent.value, silent.freshness) == (None, Freshness.NO_DATA)


def test_a_delta_that_came_just_now_is_stale_when_a_feeder_is_behind(watched: Watched) -> None:
    unit = watched.centre.communes[0]
    watched.read(ONE_STOP, "t.count", ago=MINUTE, unit=unit)
    late = source(ONE_STOP, ago=HOUR, kind="mqtt")
    assert watched.value("s.count", unit, late).freshness is STALE


def test_a_formula_is_as_fresh_as_its_stalest_part(watched: Watched) -> None:
    unit = watched.centre.communes[0]
    changes = [
        watched.hear(ONE_STOP, ago=10 * HOUR, unit=unit),
        watched.read("sensors", "t.count", ago=MINUTE, unit=unit),
    ]
    behind, fine = source(ONE_STOP, ago=HOUR), source(ONE_STOP, ago=MINUTE)
    assert watched.value("s.open_per_count", unit, behind, changes=Changes.of(changes)).freshness is STALE
    assert watched.value("s.open_per_count", unit, fine).freshness is LIVE


def test_reports_of_sources_are_published_every_few_minutes_and_read_at_once(watched: Watched) -> None:
    """An answer without news moves no value; else each would be sent to every screen every few seconds."""
    start: datetime = NOW.replace(second=5)
    watched.hear(ONE_STOP, ago=HOUR, unit=watched.centre.communes[0])
    told = []
    for second in range(0, 600, 20):
        watched.now = start + timedelta(seconds=second)
        watched.states = [replace(source(ONE_STOP, ago=MINUTE), last_success=watched.now)]
        told.append(len([v for v in watched.evaluator.evaluate(Changes(), watched.now) if v.id == "s.open"]))
        [present, *_] = watched.evaluator.values("s.open")
        assert present.as_of is not None
        assert timedelta(0) <= watched.now - present.as_of < MINUTE
    assert sum(n > 0 for n in told) == 2
