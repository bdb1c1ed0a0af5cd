"""Evaluation in pieces: whatever arrives between them, values equal those of a whole evaluation, never a mixture."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from random import Random

import pytest

from ioc.evaluation import Changes, Evaluator
from ioc.evaluation.kpi_group import split_catalog
from ioc.model.kpi import Formula, Freshness, KpiValue
from ioc.model.reading import Reading
from ioc.settings import VIETNAM
from tests.support.catalogs import hue
from tests.support.evaluation_centre import NOW, PROVINCE, EvaluationCentre, MakeCentre, by_kpi_and_unit
from tests.support.evaluation_data import cases, readings

STARTS = [
    pytest.param(NOW, id="an afternoon"),
    pytest.param(datetime(2026, 11, 30, 16, 59, 20, tzinfo=UTC), id="before the turn of a day and a month"),
]


@pytest.mark.parametrize("now", STARTS)
@pytest.mark.parametrize("seed", [1, pytest.param(2, marks=pytest.mark.soak), pytest.param(3, marks=pytest.mark.soak)])
def test_pieces_in_any_interruption_give_what_the_whole_gives(
    centre: EvaluationCentre, now: datetime, seed: int
) -> None:
    chance = Random(seed)
    units = [*centre.communes[:2], PROVINCE]
    shown: dict[tuple[str, str], KpiValue] = {}
    unfinished = 0
    for number in range(8):
        now += timedelta(seconds=chance.choice([1, 6, 25, 61]))
        told = [centre.read(*readings(chance, units, now, 40), now=now)] if chance.random() < 0.7 else []
        told += [centre.hear(*cases(chance, units, now, 5, first=number * 5))] if chance.random() < 0.7 else []
        shown |= by_kpi_and_unit(centre.evaluator.step(Changes.of(told), now))
        for _ in range(chance.randrange(8)):
            now += timedelta(milliseconds=chance.choice([1, 40, 900]))
            shown |= by_kpi_and_unit(centre.evaluator.step(Changes(), now))
            formulas_agree_with_their_parts(centre)
        unfinished += centre.evaluator.is_due(now)
    assert unfinished > 2
    shown |= by_kpi_and_unit(centre.evaluator.evaluate(Changes(), now))
    values, anew = by_kpi_and_unit(centre.evaluator.values()), centre.anew(now)
    assert facts(values) == facts(anew) == facts(shown)
    assert {key: v.as_of for key, v in values.items()} == {key: v.as_of for key, v in anew.items()}


def facts(values: dict[tuple[str, str], KpiValue]) -> dict[tuple[str, str], tuple[float | None, int, Freshness]]:
    """All but times; a rate moves with each second, but is looked at when its data or the minute moves."""
    return {key: (v.value, v.samples, v.freshness) for key, v in values.items() if not key[0].startswith("t.rate")}


def formulas_agree_with_their_parts(centre: EvaluationCentre) -> None:
    values = by_kpi_and_unit(centre.evaluator.values())
    for (kpi, unit), value in values.items():
        expression = centre.catalog.kpis[kpi].expression
        if isinstance(expression, Formula):
            parts = [values[part, unit] for part in expression.parts if (part, unit) in values]
            assert {part.window_to for part in parts if not centre.catalog.kpis[part.id].window.closed} <= {
                value.window_to
            }
            assert value.samples == min(part.samples for part in parts) or unit == PROVINCE
    for unit in centre.communes[:2]:
        if ("f.spread", unit) in values:
            low, high, spread = (values[kpi, unit].value for kpi in ("t.min_today", "t.max_month", "f.spread"))
            assert spread == (None if low is None or high is None else high - min(low, 0))


def test_what_changed_comes_before_what_the_clock_moved(centre: EvaluationCentre) -> None:
    unit = centre.communes[0]
    centre.evaluated()
    later = NOW + timedelta(minutes=1)
    told = by_kpi_and_unit(centre.evaluator.step(centre.read(Reading("t.level", unit, later, 5.0), now=later), later))
    while centre.evaluator.has_pending:
        told |= by_kpi_and_unit(centre.evaluator.step(Changes(), later))
    assert told["t.count_1h", unit].value == 1
    assert told["f.spread", unit].value == 5
    assert centre.evaluator.is_due(later)
    assert not centre.evaluator.is_at(later)


def test_a_catalogue_is_divided_whole_and_formulas_stay_with_their_parts() -> None:
    groups = split_catalog(hue())
    assert sorted(kpi for group in groups for kpi in group.kpis) == sorted(hue().kpis)
    assert len(groups) > 20
    for group in groups:
        assert list(group.kpis) == [kpi for kpi in hue().kpis if kpi in group.kpis]
        for kpi in group.kpis.values():
            if isinstance(kpi.expression, Formula):
                assert group.kpis.keys() >= set(kpi.expression.parts)


@pytest.mark.parametrize(
    ("later", "shown"),
    [
        pytest.param(timedelta(seconds=40), True, id="soon after"),
        pytest.param(timedelta(hours=10), False, id="on another day"),
        pytest.param(timedelta(seconds=-40), False, id="the clock was set back"),
    ],
)
def test_after_a_start_the_values_of_before_stand_until_they_are_computed(
    centre: EvaluationCentre, later: timedelta, shown: bool
) -> None:
    path = centre.folder / "kept" / "values.npz"

    def started() -> Evaluator:
        return Evaluator(centre.catalog, centre.store, VIETNAM, kept_path=path)

    before, unit = started(), centre.communes[0]
    before.evaluate(centre.read(Reading("t.count", unit, NOW, 5.0)), NOW)
    before.keep()
    after = started()
    resumed = after.resume(NOW + later)
    assert resumed == (before.values() if shown else [])
    assert after.published() == {} or shown
    changes = centre.read(Reading("t.count", unit, NOW, 2.0))
    told = by_kpi_and_unit(after.evaluate(changes, NOW + timedelta(seconds=50)))
    assert told["t.sum_today", unit].value == 7
    assert (len(told) < len(before.values())) == shown
    assert by_kpi_and_unit(after.values()) == centre.anew(NOW + timedelta(seconds=50))


def test_kept_values_of_other_definitions_or_in_a_damaged_file_are_not_shown(centre_of: MakeCentre) -> None:
    centre = centre_of()
    path = centre.folder / "kept" / "values.npz"
    before = Evaluator(centre.catalog, centre.store, VIETNAM, kept_path=path)
    before.evaluate(Changes(), NOW)
    before.keep()
    text = (centre.folder / "pack.toml").read_text(encoding="utf-8")
    centre.redefine(text.replace("closed_at is null and due_at < now", "closed_at is null and due_at <= now"))
    after = Evaluator(centre.catalog, centre.store, VIETNAM, kept_path=path)
    resumed = {value.id for value in after.resume(NOW)}
    assert "job.overdue" not in resumed
    assert "job.open" in resumed
    path.write_bytes(path.read_bytes()[:100])
    assert Evaluator(centre.catalog, centre.store, VIETNAM, kept_path=path).resume(NOW) == []
