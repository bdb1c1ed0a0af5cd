"""The SQL that the explorer shows returns, over the lab's views, what the chart shows."""

import tomllib
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import duckdb
import pytest

from ioc.explorer.covered_periods import covered_periods
from ioc.explorer.kpi_sql import write_sql
from ioc.explorer.series import KpiReader, series
from ioc.explorer.series_request import stretch
from ioc.settings import VIETNAM
from tests.integration.explorer.filled_centre import FilledCentre
from tests.integration.explorer.lab_views import lab_views
from tests.support.evaluation_centre import NOW, PACK

OURS = {kpi["id"]: kpi for kpi in tomllib.loads(PACK)["kpi"] if isinstance(kpi["window"], str)}
NOT_IN_VIEWS = ("quantile", "distinct", "nowcast")


@pytest.fixture(scope="module")
def lab(told: FilledCentre) -> Iterator[duckdb.DuckDBPyConnection]:
    with lab_views(told.reader, told.catalog) as lab:
        yield lab


def local(time: datetime | None) -> datetime | None:
    return None if time is None else time.astimezone(VIETNAM).replace(tzinfo=None)


@pytest.mark.parametrize("step", ["6h", "1M"])
@pytest.mark.parametrize("kpi", OURS)
def test_the_sql_of_every_kind_gives_what_is_shown(
    told: FilledCentre, lab: duckdb.DuckDBPyConnection, kpi: str, step: str
) -> None:
    definition = told.catalog.kpis[kpi]
    units = [u for u in told.units[:2] if told.catalog.vocabulary.units[u].level in definition.per]
    end = NOW.astimezone(VIETNAM).replace(hour=0, minute=0, second=0)
    start = end - timedelta(days=100 if step == "1M" else 4)
    of = stretch(start.astimezone(UTC), end.astimezone(UTC), step, VIETNAM)
    written = write_sql(told.catalog, definition, units, of, step, VIETNAM)
    if written.reads != "definition":
        assert written.why
        assert written.reads in written.sql
        assert OURS[kpi].get("aggregate", {}).get("take") in (*NOT_IN_VIEWS, None, "last")
        return
    shown = series(KpiReader(told.reader, told.catalog, VIETNAM), definition, units, of)
    covered = covered_periods(definition.window, of.times, VIETNAM)
    expected = {
        (local(period.start), local(period.end), one.unit): (value, samples)
        for one in shown
        for period, value, samples in zip(covered, one.values, one.samples, strict=True)
    }
    rows = lab.execute(written.sql).fetchall()
    found = {(start, end, unit): (value, samples) for start, end, unit, value, samples in rows}
    assert found.keys() == expected.keys()
    for key, (value, samples) in expected.items():
        assert found[key][1] == samples, key
        assert found[key][0] == (None if value is None else pytest.approx(value, rel=1e-9, abs=1e-9)), key
