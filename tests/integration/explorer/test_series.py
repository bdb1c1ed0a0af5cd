"""Series of many units in one pass equal the history of each unit, to the last digit."""

import tomllib
from datetime import UTC, datetime, timedelta

import pytest

from ioc.explorer.series import KpiReader, as_published, series
from ioc.explorer.series_request import SeriesPoints, stretch
from ioc.settings import VIETNAM
from tests.integration.explorer.filled_centre import FilledCentre
from tests.support.evaluation_centre import NOW, PACK

OURS = [kpi["id"] for kpi in tomllib.loads(PACK)["kpi"] if isinstance(kpi["window"], str)]


@pytest.mark.parametrize("kpi", OURS)
def test_every_kind_of_kpi_is_what_the_history_says(told: FilledCentre, kpi: str) -> None:
    definition = told.catalog.kpis[kpi]
    units = [u for u in reversed(told.units) if told.catalog.vocabulary.units[u].level in definition.per]
    start, end = NOW - timedelta(hours=50), NOW
    found = series(KpiReader(told.reader, told.catalog, VIETNAM), definition, units, stretch(start, end, "5h", VIETNAM))
    assert [one.unit for one in found] == units
    for one in found:
        points = told.centre.evaluator.history(kpi, one.unit, start, end, timedelta(hours=5))
        assert list(one.values) == [point.value for point in points]
        assert list(one.samples) == [point.samples for point in points]


def test_a_point_at_the_end_of_a_closed_period_is_its_value_as_published(told: FilledCentre) -> None:
    end = NOW.replace(hour=0, minute=0, second=0, microsecond=0)
    stretch = SeriesPoints((end - timedelta(days=1), end, end + timedelta(hours=6)), False)
    definition = told.catalog.kpis["t.mean_24h"]
    units = told.units[:2]
    found = series(KpiReader(told.reader, told.catalog, VIETNAM), definition, units, stretch)
    row = [definition.id, units[1], "day", end - timedelta(days=1), end, 12.5, 7, definition.version, end]
    row = [value.astimezone(UTC).replace(tzinfo=None) if isinstance(value, datetime) else value for value in row]
    told.reader.cursor.execute(f"INSERT INTO published_periods VALUES ({', '.join('?' * len(row))})", row)
    shown = as_published(told.reader, definition, found, stretch)
    told.reader.cursor.execute("DELETE FROM published_periods WHERE value = 12.5")
    assert shown[0] == found[0]
    assert shown[1].values == (found[1].values[0], 12.5, found[1].values[2])
    assert shown[1].samples == (found[1].samples[0], 7, found[1].samples[2])
