"""The same name has the same meaning: KPIs that differ only in their window share their condition."""

from dataclasses import replace

import pytest

from ioc.catalog.same_names import differing_conditions
from ioc.model.kpi import CaseCount, Expression, KpiDefinition, MeasureAggregate
from ioc.model.window import Window
from tests.support.catalogs import hue


def kpi(kpi_id: str, name: str, expression: Expression, window: str = "today", unit: str = "hồ sơ") -> KpiDefinition:
    return KpiDefinition(kpi_id, "s", {"vi": name, "en": name}, unit, Window.parse(window), window, expression, "v")


SETTLED = CaseCount("dossier", "status = 'settled'", "closed_at")
CLOSED = CaseCount("dossier", "status in ('settled', 'returned')", "closed_at")


def test_the_shipped_catalogue_has_one_meaning_a_name() -> None:
    assert differing_conditions(hue().kpis) == []
    today, month = hue().kpis["dossier.settled_today"], hue().kpis["dossier.settled_month"]
    assert today.expression == month.expression


@pytest.mark.parametrize(
    ("name", "expression", "unit", "faults"),
    [
        pytest.param("Hồ sơ xong trong tháng", CLOSED, "hồ sơ", ["b"], id="another condition"),
        pytest.param("Hồ sơ xong trong tháng", SETTLED, "hồ sơ", [], id="the same condition"),
        pytest.param(
            "Hồ sơ xong trong tháng", replace(SETTLED, where="status  =\n'settled'"), "hồ sơ", [], id="other blanks"
        ),
        pytest.param("Hồ sơ đóng trong tháng", CLOSED, "hồ sơ", [], id="another name"),
        pytest.param("Hồ sơ xong trong tháng", CLOSED, "%", [], id="another unit of measure"),
        pytest.param("Hồ sơ xong trong tháng", MeasureAggregate("m", "sum"), "hồ sơ", [], id="not over cases"),
    ],
)
def test_a_name_that_means_two_things_is_a_fault(
    name: str, expression: Expression, unit: str, faults: list[str]
) -> None:
    found = differing_conditions(
        {"a": kpi("a", "Hồ sơ xong hôm nay", SETTLED), "b": kpi("b", name, expression, "month", unit)}
    )
    assert [fault.kpi for fault in found] == faults
    assert all("'settled'" in fault.message and "a with the same name" in fault.message for fault in found)
