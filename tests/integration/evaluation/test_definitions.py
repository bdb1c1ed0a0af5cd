"""Definitions that change while the centre runs, and the record of what was shown."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from ioc.evaluation import Changes, Evaluator
from ioc.model.kpi import Freshness
from ioc.model.reading import Reading
from ioc.settings import VIETNAM
from ioc.store.times import naive
from tests.support.evaluation_centre import NOW, PACK, PROVINCE, EvaluationCentre, by_kpi_and_unit

NEW = """
[[kpi]]
id = "t.new"
name = { vi = "Mới", en = "New" }
unit_of_measure = "m"
window = "today"
basis = "thử"
aggregate = { measure = "t.level", take = "max" }
target = [{ year = 2025, at_least = 1 }, { year = 2026, at_least = 2 }, { year = 2027, at_least = 3 }]
"""


def test_a_new_definition_has_its_value_and_its_whole_history_at_once(centre: EvaluationCentre) -> None:
    unit = centre.communes[0]
    centre.evaluated(centre.read(*[Reading("t.level", unit, NOW - timedelta(hours=n), 10.0 - n) for n in range(5)]))
    centre.redefine(PACK + NEW)
    told = by_kpi_and_unit(centre.evaluator.evaluate(Changes(), NOW + timedelta(seconds=1)))
    assert told["t.new", unit].value == 10
    assert {kpi for kpi, _ in told} == {"t.new"}, "what did not change is not told again"
    points = centre.evaluator.history("t.new", unit, NOW - timedelta(hours=4), NOW, timedelta(hours=1))
    assert [point.value for point in points] == [6, 7, 8, 9]


def test_a_changed_definition_is_told_with_its_new_version(centre: EvaluationCentre) -> None:
    unit = centre.communes[0]
    before = centre.evaluated(centre.read(*[Reading("t.level", unit, NOW, value) for value in (1.0, 5.0)]))
    centre.redefine(PACK.replace('window = "24h"', 'window = "25h"', 1))
    [told] = [v for v in centre.evaluator.evaluate(Changes(), NOW) if v.unit == unit]
    assert (told.id, told.value) == ("t.mean_24h", 3)
    assert told.definition_version != before["t.mean_24h", unit].definition_version


def test_a_definition_that_is_gone_has_no_value(centre: EvaluationCentre) -> None:
    centre.redefine(PACK + NEW)
    centre.evaluated()
    centre.redefine(PACK)
    centre.evaluated()
    assert centre.evaluator.values("t.new") == []
    assert len(centre.evaluator.values("t.few")) == 1 + len(centre.communes)


@pytest.mark.parametrize(
    ("now", "at_least"),
    [
        pytest.param(datetime.fromisoformat("2026-12-31T16:59:59+00:00"), 2, id="last second of the year"),
        pytest.param(datetime.fromisoformat("2026-12-31T17:00:00+00:00"), 3, id="first second of the next"),
        pytest.param(datetime.fromisoformat("2031-06-01T00:00:00+00:00"), 3, id="later: the latest that was set"),
        pytest.param(datetime.fromisoformat("2020-06-01T00:00:00+00:00"), None, id="before the first there is none"),
    ],
)
def test_the_target_is_that_of_the_province_s_year(
    centre: EvaluationCentre, now: datetime, at_least: float | None
) -> None:
    centre.redefine(PACK + NEW)
    target = centre.evaluated(now=now)["t.new", PROVINCE].target
    assert (target.at_least if target else None) == at_least


def test_values_are_recorded_when_they_look_different_and_at_most_once_a_minute(centre: EvaluationCentre) -> None:
    unit = centre.communes[0]
    centre.redefine(PACK + NEW)

    def record(value: float, seconds: int) -> list[tuple[float | None, str]]:
        now = NOW + timedelta(seconds=seconds)
        centre.evaluated(centre.read(Reading("t.level", unit, NOW, value)), now)
        centre.evaluator.record(now)
        with centre.store.cursor() as cursor:
            return cursor.execute(
                "SELECT value, freshness FROM kpi_values WHERE kpi = 't.new' AND unit = ? ORDER BY evaluated_at", [unit]
            ).fetchall()

    first = [(5.0, Freshness.LIVE.value)]
    assert record(5.0, 0) == first
    assert record(7.0, 5) == first, "within the minute"
    assert record(7.0, 60) == [*first, (7.0, "live")]
    assert record(7.01, 120) == [*first, (7.0, "live")], "looks the same with one digit"
    assert record(8.0, 180) == [*first, (7.0, "live"), (8.0, "live")]


def test_after_a_restart_only_what_looks_different_is_recorded(centre: EvaluationCentre) -> None:
    unit, path = centre.communes[0], centre.folder / "values.npz"

    def evaluator() -> Evaluator:
        return Evaluator(centre.catalog, centre.store, VIETNAM, kept_path=path)

    before, after = evaluator(), evaluator()
    before.evaluate(Changes(), NOW)
    before.record(NOW)
    before.keep()
    later = NOW + timedelta(minutes=1)
    after.resume(later)
    changes = centre.read(Reading("t.level", unit, NOW, 5.0))
    told = {(value.id, value.unit) for value in after.evaluate(changes, later) if value.value == 5.0}
    assert 0 < after.record(later) < sum(centre.units_of(definition) for definition in centre.catalog.kpis.values())
    with centre.store.cursor() as cursor:
        again = cursor.execute("SELECT kpi, unit FROM kpi_values WHERE evaluated_at > ?", [naive(NOW)]).fetchall()
    assert told <= set(again)
    assert {row for row in again if row[1] not in (unit, PROVINCE)} == set()


def test_no_data_is_recorded_as_null(centre: EvaluationCentre) -> None:
    centre.evaluated()
    rows = centre.evaluator.record(NOW)
    assert rows == sum(centre.units_of(definition) for definition in centre.catalog.kpis.values())
    with centre.store.cursor() as cursor:
        found = cursor.execute("SELECT DISTINCT value, as_of, samples, freshness FROM kpi_values").fetchall()
    assert found == [(None, None, 0, "no_data")]
