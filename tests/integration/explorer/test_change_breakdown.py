"""The parts of a breakdown add up to the change, for every kind of KPI."""

import tomllib
from datetime import timedelta

import pytest

from ioc.explorer.change_breakdown import ChangeCalculator
from ioc.settings import VIETNAM
from tests.integration.explorer.filled_centre import FilledCentre
from tests.support.evaluation_centre import NOW, PACK, PROVINCE

OURS = {kpi["id"]: kpi for kpi in tomllib.loads(PACK)["kpi"] if isinstance(kpi["window"], str)}
MOMENT = NOW.replace(second=0)


@pytest.mark.parametrize("kpi", OURS)
def test_what_the_groups_made_is_the_change(told: FilledCentre, kpi: str) -> None:
    definition = told.catalog.kpis[kpi]
    changes = ChangeCalculator(told.reader, told.catalog, VIETNAM)
    for unit in (PROVINCE, told.units[1]):
        if told.catalog.vocabulary.units[unit].level not in definition.per:
            continue
        change = changes.change(definition, unit, MOMENT - timedelta(days=2), MOMENT)
        if change.method in ("no_value", "not_additive"):
            continue
        assert change.after.value is not None
        assert change.before.value is not None
        moved = change.after.value - change.before.value
        for grouping in change.groupings:
            made = sum(group.total for group in grouping.groups) + (grouping.rest.total if grouping.rest else 0)
            assert made == pytest.approx(moved, abs=1e-9), grouping.by
        if change.method == "formula":
            assert sum(part.effect for part in change.parts) == pytest.approx(moved, abs=1e-9)
        else:
            assert change.groupings or unit != PROVINCE


@pytest.mark.parametrize(
    ("take", "by"),
    [
        pytest.param("count", {"unit", "channel", "service", "status"}, id="cases by all they have"),
        pytest.param("ratio", {"unit", "channel", "service", "status"}, id="a ratio of cases, too"),
        pytest.param("aggregate", {"unit"}, id="readings by unit only"),
    ],
)
def test_a_province_is_told_apart_by(told: FilledCentre, take: str, by: set[str]) -> None:
    changes = ChangeCalculator(told.reader, told.catalog, VIETNAM)
    found = set()
    for kpi, row in OURS.items():
        if take in row and row.get("roll_up", "merge") == "merge":
            change = changes.change(told.catalog.kpis[kpi], PROVINCE, MOMENT - timedelta(hours=5), MOMENT)
            found |= {grouping.by for grouping in change.groupings}
    assert found == by


def test_what_cannot_be_told_apart_says_so(told: FilledCentre) -> None:
    changes = ChangeCalculator(told.reader, told.catalog, VIETNAM)
    largest = next(k for k, row in OURS.items() if row.get("aggregate", {}).get("take") == "max")
    change = changes.change(told.catalog.kpis[largest], PROVINCE, MOMENT - timedelta(hours=5), MOMENT)
    assert (change.method, change.groupings) == ("not_additive", [])
