"""Incremental evaluation equals a full one, whatever arrives late, and only changes are returned."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from random import Random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ioc.evaluation import Changes
from ioc.evaluation.case_kpis import CLOCK_EVERY
from ioc.model.kpi import Freshness, KpiValue
from ioc.model.reading import Reading
from tests.support.evaluation_centre import NOW, PROVINCE, EvaluationCentre, MakeCentre, by_kpi_and_unit
from tests.support.evaluation_data import cases, readings

STEPS = [
    pytest.param([1] * 6, id="second by second"),
    pytest.param([20, 20, 20, 20, 20, 20], id="through turns of the minute"),
    pytest.param([1, 150, 1, 4000, 1], id="after pauses of minutes and of an hour"),
    pytest.param([1, 9 * 3600, 1, 60], id="over midnight"),
    pytest.param([30, -3600, 30], id="a clock that is set back"),
]


@pytest.mark.parametrize("steps", STEPS)
def test_values_kept_up_equal_values_computed_anew(centre: EvaluationCentre, steps: list[int]) -> None:
    chance = Random(len(steps))
    units = [*centre.communes[:3], PROVINCE]
    now = NOW
    centre.evaluated(now=now)
    for number, seconds in enumerate(steps):
        now += timedelta(seconds=seconds)
        told = [
            centre.read(*readings(chance, units, now, 60), now=now),
            centre.hear(*cases(chance, units, now, 8, first=number * 8)),
        ]
        kept = centre.evaluated(both(*told), now)
        assert _but_rates(kept) == _but_rates(centre.anew(now))


def both(*changes: Changes) -> Changes:
    return Changes.of(changes)


def _but_rates(values: dict[tuple[str, str], KpiValue]) -> dict[tuple[str, str], KpiValue]:
    """A rate and an age move with each second, but are looked at when their data or the minute moves."""
    return {key: value for key, value in values.items() if key[0] not in ("t.rate_5m", "t.rate_today")}


def test_a_reading_ahead_of_the_clock_counts_when_its_minute_comes(centre: EvaluationCentre) -> None:
    unit = centre.communes[0]
    changes = centre.read(Reading("t.count", unit, NOW + timedelta(minutes=2), 5.0))
    assert centre.evaluated(changes)["t.sum_today", unit].value is None
    assert centre.evaluated(now=NOW + timedelta(minutes=1))["t.sum_today", unit].value is None
    assert centre.evaluated(now=NOW + timedelta(minutes=2))["t.sum_today", unit].value == 5


def test_only_what_changed_is_told(centre: EvaluationCentre) -> None:
    unit, other = centre.communes[:2]
    centre.evaluator.evaluate(centre.read(*[Reading("t.level", u, NOW, 1.0) for u in (unit, other)]), NOW)
    told = by_kpi_and_unit(centre.evaluator.evaluate(centre.read(Reading("t.level", unit, NOW, 3.0)), NOW))
    assert {u for _, u in told} == {unit, PROVINCE}
    assert told["t.mean_24h", unit].value == 2
    assert not any(kpi.startswith("job.") for kpi, _ in told)
    assert centre.evaluator.evaluate(Changes(), NOW + timedelta(seconds=1)) == []


def test_time_alone_makes_values_stale_and_cases_overdue(centre: EvaluationCentre) -> None:
    unit = centre.communes[0]
    chance = Random(7)
    [opened, *_] = cases(chance, [unit], NOW, 1)
    due = NOW + timedelta(seconds=20)
    told = centre.hear(replace(opened, due_at=due))
    level = centre.read(*[Reading("t.level", unit, NOW - timedelta(seconds=n), 1.0) for n in range(20)])
    values = centre.evaluated(both(told, level))
    assert values["job.overdue", unit].value == 0
    assert values["t.few", unit].freshness is Freshness.LIVE
    later = NOW + timedelta(seconds=20) + CLOCK_EVERY
    told_later = by_kpi_and_unit(centre.evaluator.evaluate(Changes(), later))
    assert told_later["job.overdue", unit].value == 1
    stale = by_kpi_and_unit(centre.evaluator.evaluate(Changes(), NOW + timedelta(minutes=30, milliseconds=1)))
    assert (stale["t.few", unit].freshness, stale["t.few", unit].value) == (Freshness.STALE, 1)


@settings(max_examples=3, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seed=st.integers(0, 2**32))
def test_any_order_and_batching_of_the_same_readings_gives_equal_kpis(centre_of: MakeCentre, seed: int) -> None:
    chance = Random(seed)
    first, second = centre_of(), centre_of()
    units = [*first.communes[:2], PROVINCE]
    made = readings(chance, units, NOW, 120)
    first.read(*made)
    shuffled = chance.sample(made, len(made))
    at = 0
    while at < len(shuffled):
        size = chance.randint(1, 50)
        second.evaluated(second.read(*shuffled[at : at + size]))
        at += size
    assert first.evaluated() == second.evaluated()
