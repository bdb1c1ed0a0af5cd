"""Series of many units in one pass say what the history of each says, to the last digit."""

import tomllib
from datetime import timedelta

import pytest

from ioc.explorer.asked import stretch
from ioc.explorer.series import series
from ioc.settings import VIETNAM
from tests.integration.evaluation.conftest import NOW, PACK
from tests.integration.explorer.conftest import Told

OURS = [kpi["id"] for kpi in tomllib.loads(PACK)["kpi"] if isinstance(kpi["window"], str)]


@pytest.mark.parametrize("kpi", OURS)
def test_every_kind_of_kpi_is_what_the_history_says(told: Told, kpi: str) -> None:
    definition = told.catalog.kpis[kpi]
    units = [u for u in reversed(told.units) if told.catalog.vocabulary.units[u].level in definition.per]
    start, end = NOW - timedelta(hours=50), NOW
    found = series(told.reader, told.catalog, definition, units, stretch(start, end, "5h", VIETNAM), VIETNAM)
    assert [one.unit for one in found] == units
    for one in found:
        points = told.centre.evaluator.history(kpi, one.unit, start, end, timedelta(hours=5))
        assert list(one.values) == [point.value for point in points]
        assert list(one.samples) == [point.samples for point in points]
