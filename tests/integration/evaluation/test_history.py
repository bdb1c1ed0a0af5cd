"""The past of any definition, from panes and case versions, against an independent count."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from random import Random

import pytest

from ioc.evaluation import Point
from ioc.model.kpi import CaseTime, MeasureAggregate, RollUp
from ioc.model.reading import Reading
from ioc.store import transaction
from ioc.store.archive import archive_slice
from ioc.store.roll_up import roll_up
from tests.integration.evaluation.recount import jobs, span, take
from tests.support.evaluation_centre import NOW, PROVINCE, EvaluationCentre, latest_versions
from tests.support.evaluation_data import cases, readings

HALF_HOUR = timedelta(minutes=30)
DAY = timedelta(days=1)


@pytest.fixture
def told(centre: EvaluationCentre) -> EvaluationCentre:
    """With readings and cases of the province and of three communes, over 300 days."""
    chance = Random(3)
    units = [*centre.communes[:3], PROVINCE]
    centre.read(*readings(chance, units, NOW, 2000))
    centre.hear(*cases(chance, units, NOW, 200))
    return centre


def recounted(centre: EvaluationCentre, kpi: str, unit: str, at: datetime) -> float | None:
    """The KPI as of a moment, by what had happened before it."""
    definition = centre.catalog.kpis[kpi]
    just_before = at - timedelta(milliseconds=1)
    below = centre.catalog.vocabulary.units if unit == PROVINCE else {unit}
    if isinstance(definition.expression, MeasureAggregate):
        expression = definition.expression
        mine = [r for r in centre.readings if r.unit in below and r.measure == expression.measure]
        within = span(definition.window_text, just_before)
        return take(expression.take, mine, within, at, expression.per or DAY, expression.q or 0)
    held = [case for case in latest_versions(centre.versions, at) if case.unit in below]
    heard = any(case.updated_at < at and case.unit in below for case in centre.versions)
    return jobs(kpi, held, at, heard=heard, windows_at=just_before)


def compare(centre: EvaluationCentre, points: Sequence[Point], kpi: str, unit: str) -> None:
    expression = centre.catalog.kpis[kpi].expression
    error = 1e-9 if isinstance(expression, CaseTime) else 1e-12
    if isinstance(expression, MeasureAggregate):
        error = {"quantile": 0.01, "distinct": 0.02}.get(expression.take, error)
    for point in points:
        exact = recounted(centre, kpi, unit, point.time)
        assert point.value == (None if exact is None else pytest.approx(exact, rel=error, abs=1e-9)), (kpi, unit, point)


def test_a_day_by_half_hours_equals_its_recount(told: EvaluationCentre) -> None:
    end = NOW.replace(minute=17, second=0)
    compared = 0
    for definition in told.catalog.kpis.values():
        if (
            definition.sector != "test"
            or definition.roll_up is not RollUp.MERGE
            or definition.id.startswith(("f.", "t.few"))
        ):
            continue
        for unit in (PROVINCE, told.communes[0], told.communes[7]):
            points = told.evaluator.history(definition.id, unit, end - DAY, end, HALF_HOUR)
            assert [point.time for point in points] == [end - DAY + HALF_HOUR * n for n in range(1, 49)]
            compare(told, points[::6], definition.id, unit)
            compared += 1
    assert compared == 90


@pytest.mark.parametrize(
    "kpi", ["t.sum_today", "t.sum_month", "t.quantile_today", "job.open", "job.on_time", "job.age", "job.cost_month"]
)
def test_a_year_by_days_equals_its_recount(told: EvaluationCentre, kpi: str) -> None:
    end = datetime(2026, 11, 21, 17, tzinfo=UTC)  # midnight in the province
    points = told.evaluator.history(kpi, PROVINCE, end - 320 * DAY, end, DAY)
    assert len(points) == 320
    compare(told, points[::20], kpi, PROVINCE)


def test_the_last_point_is_the_present_value(told: EvaluationCentre) -> None:
    now = NOW + timedelta(seconds=30)  # a whole minute, behind all data
    present = told.anew(now - timedelta(milliseconds=1))
    for kpi in ("t.sum_of_communes", "t.mean_of_communes", "t.own_mean", "job.open_of_communes", "f.spread", "f.above"):
        for unit in (PROVINCE, told.communes[0]):
            [point] = told.evaluator.history(kpi, unit, now - DAY, now, DAY)
            assert point.value == pytest.approx(present[kpi, unit].value, rel=1e-12), kpi
            assert point.samples == present[kpi, unit].samples


def test_too_few_samples_have_no_value_in_the_past(centre: EvaluationCentre) -> None:
    unit = centre.communes[0]
    start = NOW.replace(second=0)
    centre.read(*[Reading("t.level", unit, start - timedelta(minutes=n), 1.0) for n in range(1, 31)])
    points = centre.evaluator.history("t.few", unit, start - timedelta(minutes=30), start, timedelta(minutes=10))
    assert [(point.samples, point.value) for point in points] == [(10, None), (20, 1), (30, 1)]


def test_archived_minutes_count_as_before(centre: EvaluationCentre) -> None:
    """Windows and steps that cut through an hour of a day whose minutes lie in Parquet alone."""
    units = centre.communes[:2]
    chance = Random(4)
    times = [NOW - timedelta(minutes=m) for m in (*range(1, 90), *range(7 * 1440 - 60, 7 * 1440 + 60))]
    centre.read(*[Reading("t.level", chance.choice(units), time, chance.randrange(99), "S") for time in times])
    centre.read(*[Reading("t.count", chance.choice(units), time, 1.0, f"S-{time}") for time in times])
    around = NOW.replace(minute=17, second=0) - 7 * DAY
    kpis = ("t.mean_24h", "t.quantile_1h", "t.distinct_1h", "t.last_1h")

    def past() -> list[list[Point]]:
        return [centre.evaluator.history(kpi, PROVINCE, around - DAY, around + DAY, HALF_HOUR) for kpi in kpis]

    present, before = centre.anew(), past()
    with centre.store.cursor() as cursor:
        with transaction(cursor, centre.store.path):
            while roll_up(cursor, centre.store.zone_hours, 0):
                pass
        today = int((NOW.timestamp() + 7 * 3600) // 86_400)
        while archive_slice(centre.store, cursor, today - 1):
            pass
        kinds = cursor.execute("SELECT DISTINCT kind FROM archive_files WHERE state = 'kept'").fetchall()
    assert {kind for (kind,) in kinds} == {"panes", "buckets", "registers"}
    assert any(point.value is not None for points in before for point in points)
    assert past() == before
    assert centre.anew() == present


@pytest.mark.parametrize(
    ("start", "end", "step", "words"),
    [
        pytest.param(NOW - DAY, NOW, timedelta(seconds=90), "whole number of minutes", id="a minute and a half"),
        pytest.param(NOW - DAY, NOW, timedelta(0), "whole number of minutes", id="no step"),
        pytest.param(NOW - 10 * DAY, NOW, timedelta(minutes=1), "more than 5000", id="14,400 points"),
    ],
)
def test_refused(centre: EvaluationCentre, start: datetime, end: datetime, step: timedelta, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        centre.evaluator.history("t.few", PROVINCE, start, end, step)


def test_an_unknown_kpi_or_unit_is_a_key_error(centre: EvaluationCentre) -> None:
    for kpi, unit in (("t.nothing", PROVINCE), ("t.few", "99999")):
        with pytest.raises(KeyError):
            centre.evaluator.history(kpi, unit, NOW - DAY, NOW, HALF_HOUR)


def test_nothing_between_the_end_and_the_start(centre: EvaluationCentre) -> None:
    assert centre.evaluator.history("t.few", PROVINCE, NOW, NOW - DAY, HALF_HOUR) == []
