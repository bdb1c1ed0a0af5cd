"""The past values that alerting needs: all units at once equal the history of each."""

from datetime import timedelta
from random import Random

import numpy as np
import pytest

from ioc.alert_service.kpi_history import KpiHistory, own_step, units_of_kpi
from ioc.alerts.inputs import Needs
from ioc.catalog.rules import check_rule
from ioc.model.rule import Rule
from ioc.settings import VIETNAM
from tests.support.evaluation_centre import NOW, PROVINCE, EvaluationCentre
from tests.support.evaluation_data import cases, readings

HOUR = timedelta(hours=1)


@pytest.fixture
def told(centre: EvaluationCentre) -> EvaluationCentre:
    chance = Random(5)
    units = [*centre.communes[:3], PROVINCE]
    centre.read(*readings(chance, units, NOW, 1500))
    centre.hear(*cases(chance, units, NOW, 150))
    return centre


def rule(centre: EvaluationCentre, **fields: object) -> Rule:
    whole = {"id": "r", "name": {"vi": "Luật", "en": "Rule"}, "kpi": "t.mean_24h", "severity": "low", **fields}
    return check_rule(centre.catalog, {}, whole)


@pytest.mark.parametrize("kpi", ["t.mean_24h", "t.count_1h", "t.min_today"])
def test_history_of_all_units_is_that_of_each(told: EvaluationCentre, kpi: str) -> None:
    start, end = (NOW - 48 * HOUR).replace(second=0), NOW.replace(second=0)
    units = units_of_kpi(told.catalog, told.catalog.kpis[kpi])
    past = KpiHistory(told.store, VIETNAM)
    found = past.history(told.catalog, [rule(told, kpi=kpi, fires_above=1)], units, start, end, HOUR).kpis[kpi]
    for unit in (PROVINCE, *told.communes[:4]):
        points = told.evaluator.history(kpi, unit, start, end, HOUR)
        expected = [np.nan if point.value is None else point.value for point in points]
        np.testing.assert_allclose(found.value[:, units.index(unit)], expected)
    assert np.isfinite(found.value).any()


def test_a_deviation_by_whole_hours_reads_its_history_once_and_says_the_same(told: EvaluationCentre) -> None:
    start, end = (NOW - 48 * HOUR).replace(minute=0, second=0), NOW.replace(minute=0, second=0)
    past, units = KpiHistory(told.store, VIETNAM), units_of_kpi(told.catalog, told.catalog.kpis["t.mean_24h"])
    unusual = rule(told, deviation={"weeks": 2, "fires_above": 3})
    once = past.history(told.catalog, [unusual], units, start, end, HOUR)
    plain = past.history(told.catalog, [rule(told, fires_above=1)], units, start, end, HOUR)
    np.testing.assert_array_equal(once.kpis["t.mean_24h"].value, plain.kpis["t.mean_24h"].value)
    assert own_step([unusual], timedelta(days=1)) == HOUR
    assert own_step([rule(told, fires_above=1)], timedelta(days=30)) == timedelta(minutes=30)


def test_too_many_steps_are_refused(told: EvaluationCentre) -> None:
    with pytest.raises(ValueError, match="steps"):
        KpiHistory(told.store, VIETNAM).history(
            told.catalog, [rule(told, fires_above=1)], (PROVINCE,), NOW - 9000 * HOUR, NOW, HOUR
        )


def test_the_value_of_a_while_ago_is_the_one_that_was_shown(told: EvaluationCentre) -> None:
    """Recorded at two moments; an hour after the first, the first is told, without a value as nothing."""
    shown = told.evaluated()
    told.evaluator.record(NOW)
    later = told.evaluated(now=NOW + HOUR)
    told.evaluator.record(NOW + HOUR)
    needs = Needs.of([rule(told, change={"over": "1h", "fires_above": 1})])
    past = KpiHistory(told.store, VIETNAM)
    past.refresh(told.catalog, needs, NOW + HOUR + timedelta(seconds=1))
    values = past.earlier["t.mean_24h", 3_600_000]
    for unit, value in zip(values.units, values.value.tolist(), strict=True):
        expected = shown["t.mean_24h", unit].value
        assert value == pytest.approx(expected) if expected is not None else value != value
    assert PROVINCE in values.units
    assert later


def test_the_usual_value_is_the_median_of_that_hour_in_past_weeks(told: EvaluationCentre) -> None:
    needs = Needs.of([rule(told, deviation={"weeks": 4, "fires_above": 3})])
    past = KpiHistory(told.store, VIETNAM)
    past.refresh(told.catalog, needs, NOW)
    usual = past.usual["t.mean_24h", 4]
    ends = [NOW.replace(minute=0, second=0) + HOUR - timedelta(weeks=week) for week in range(1, 5)]
    values = [told.evaluator.history("t.mean_24h", PROVINCE, end - HOUR, end, HOUR)[0].value for end in ends]
    known = [value for value in values if value is not None]
    median = usual.median[usual.units.index(PROVINCE)]
    assert median == pytest.approx(np.median(known)) if len(known) > 1 else median != median
