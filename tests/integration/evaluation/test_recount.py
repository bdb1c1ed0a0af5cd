"""Every kind of KPI in every window against an independent count of the raw readings and cases."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from random import Random

import pytest

from ioc.evaluation import Evaluator
from ioc.model.kpi import CaseTime, Freshness, KpiValue, MeasureAggregate, RollUp
from ioc.model.reading import Reading
from ioc.settings import VIETNAM
from ioc.store.roll_up import roll_up
from ioc.store.store import transaction
from tests.integration.evaluation.recount import jobs, span, take
from tests.support.evaluation_centre import NOW, PROVINCE, EvaluationCentre, latest_versions
from tests.support.evaluation_data import cases, readings

MOMENTS = [
    pytest.param(NOW, id="afternoon"),
    pytest.param(datetime(2026, 11, 22, 17, 0, 2, tzinfo=UTC), id="two seconds past local midnight"),
    pytest.param(datetime(2026, 11, 30, 16, 59, 59, tzinfo=UTC), id="last second of a month"),
    pytest.param(datetime(2026, 9, 30, 17, 1, 0, tzinfo=UTC), id="first minutes of a quarter"),
    pytest.param(datetime(2026, 12, 31, 17, 0, 40, tzinfo=UTC), id="first minute of a year, in UTC still the old one"),
]


def filled(centre: EvaluationCentre, now: datetime) -> list[str]:
    """Fill three communes and the province with data; return the communes."""
    communes = centre.communes[:3]
    chance = Random(now.isoformat())
    made = readings(chance, [*communes, PROVINCE], now, 1500)
    for start in range(0, len(made), 400):
        centre.read(*made[start : start + 400], now=now)
    centre.hear(*cases(chance, [*communes, PROVINCE], now, 150))
    return communes


@pytest.mark.parametrize("now", MOMENTS)
def test_every_kpi_equals_its_recount(centre: EvaluationCentre, now: datetime) -> None:
    compare(centre, filled(centre, now), centre.evaluated(now=now), now)


@pytest.mark.parametrize("seed", [0, *(pytest.param(seed, marks=pytest.mark.soak) for seed in range(1, 10))])
def test_corrected_readings_count_with_their_last_value(centre: EvaluationCentre, seed: int) -> None:
    """Values, repeats, corrections and corrections back, with roll-ups, evaluations and a store opened anew between."""
    communes = filled(centre, NOW)
    chance = Random(seed)
    made = readings(chance, [*communes, PROVINCE], NOW, 300)
    sent = [*made, *(replace(r, value=r.value + chance.choice([0, 0, 8])) for r in chance.choices(made, k=600))]
    held: dict[tuple[str, str, str, datetime], Reading] = {}
    place = 0
    while place < len(sent):
        part = sent[place : place + chance.randrange(1, 400)]
        place += len(part)
        changes = centre.correct(*part)
        held |= {(r.measure, r.unit, r.subject, r.time): r for r in part}
        if chance.random() < 0.5:
            centre.evaluated(changes)
        else:
            centre.store.reopen()
            centre.evaluator = Evaluator(centre.catalog, centre.store, VIETNAM)
        with centre.store.cursor() as cursor, transaction(cursor, centre.store.path):
            roll_up(cursor, centre.store.zone_hours, oldest_minute=0)
    centre.readings += held.values()
    compare(centre, communes, centre.evaluated(), NOW)


def compare(
    centre: EvaluationCentre, communes: list[str], values: dict[tuple[str, str], KpiValue], now: datetime
) -> None:
    held = latest_versions(centre.versions)
    compared = 0
    for definition in centre.catalog.kpis.values():
        if definition.sector != "test" or definition.roll_up is not RollUp.MERGE or definition.id == "t.few":
            continue
        for unit in (PROVINCE, *communes, centre.communes[5]):
            below = [PROVINCE, *communes] if unit == PROVINCE else [unit]
            value = values[definition.id, unit]
            if isinstance(definition.expression, MeasureAggregate):
                expression = definition.expression
                mine = [r for r in centre.readings if r.unit in below and r.measure == expression.measure]
                per = expression.per or timedelta(0)
                within = span(definition.window_text, now)
                exact = take(expression.take, mine, within, now, per, expression.q or 0)
                error = {"quantile": 0.01, "distinct": 0.02}.get(expression.take, 1e-12)
                assert value.window_from == within[0]
                assert value.samples == sum(within[0] <= r.time < within[1] for r in mine)
            elif definition.id.startswith("job."):
                cases_below = [case for case in held if case.unit in below]
                heard = any(version.unit in below for version in centre.versions)
                exact = jobs(definition.id, cases_below, now, heard=heard)
                error = 1e-9 if isinstance(definition.expression, CaseTime) else 1e-12
            else:
                continue
            assert value.value == (None if exact is None else pytest.approx(exact, rel=error, abs=1e-9)), value
            assert (value.freshness is Freshness.NO_DATA) == (exact is None)
            compared += 1
    assert compared == 30 * 5


def test_roll_ups_and_formulas_follow_from_the_values_of_units(centre: EvaluationCentre) -> None:
    communes = filled(centre, NOW)
    values = centre.evaluated()

    def of(kpi: str, unit: str = PROVINCE) -> float | None:
        return values[kpi, unit].value

    means = [of("t.mean_of_communes", unit) for unit in communes]
    assert of("t.mean_of_communes") == pytest.approx(sum(mean or 0 for mean in means) / 3)
    assert of("t.sum_of_communes") == sum(of("t.sum_today", unit) or 0 for unit in communes)
    assert of("t.own_mean") != of("t.mean_of_communes")
    assert of("job.open_of_communes") == sum(of("job.open", unit) or 0 for unit in communes)
    assert (of("job.open_of_communes") or 0) < (of("job.open") or 0), "the province has cases of its own"
    for unit in (PROVINCE, *communes):
        low, high = of("t.min_today", unit), of("t.max_month", unit)
        assert low is not None
        assert high is not None
        assert of("f.spread", unit) == high - min(low, 0)
        received, counted = of("job.received_today", unit), of("t.sum_today", unit)
        assert counted is not None
        assert of("f.per_job", unit) == (pytest.approx(counted / received) if received else -1)
    assert of("f.above") == pytest.approx(sum(2 * (of("f.spread", unit) or 0) + 1 for unit in communes) / 3)
    parts = [values["t.sum_today", PROVINCE], values["job.received_today", PROVINCE]]
    assert values["f.per_job", PROVINCE].samples == min(part.samples for part in parts)
    assert values["f.per_job", PROVINCE].as_of == min(part.as_of for part in parts if part.as_of)


def test_without_any_data_everything_is_no_data_and_nothing_is_zero(centre: EvaluationCentre) -> None:
    values = centre.evaluated()
    assert len(values) == sum(centre.units_of(definition) for definition in centre.catalog.kpis.values())
    assert {(v.value, v.samples, v.as_of, v.freshness) for v in values.values()} == {(None, 0, None, Freshness.NO_DATA)}
