"""Packs of the province's life and the indices through the real store: public figures, and values worked by hand."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from ioc.evaluation import Evaluator
from ioc.model.kpi import Freshness
from ioc.model.reading import Reading
from ioc.settings import VIETNAM
from ioc.store import Store
from tests.support.catalogs import hue, kpis_of
from tests.support.evaluation_centre import PROVINCE, EvaluationCentre

NOON = datetime(2026, 11, 22, 12, 0, tzinfo=VIETNAM).astimezone(UTC)
CATALOG = hue()
COMMUNES = [unit.code for unit in CATALOG.vocabulary.units.values() if unit.kind in ("ward", "commune")]


class LifeCentre(EvaluationCentre):
    """An evaluation centre that is asked for the past and for the band of a value."""

    def past(self, kpi: str, unit: str, at: datetime) -> float | None:
        step = timedelta(minutes=1)
        (point,) = self.evaluator.history(kpi, unit, at - step, at, step)
        return point.value

    def band(self, kpi: str, value: float | None) -> str:
        assert value is not None
        band = self.catalog.kpis[kpi].band_of(value)
        assert band is not None
        return band.name["en"]


MakeLifeCentre = Callable[..., LifeCentre]


@pytest.fixture
def centre_of(tmp_path: Path) -> Iterator[MakeLifeCentre]:
    stores: list[Store] = []

    def make(*kpis: str) -> LifeCentre:
        catalog = kpis_of(CATALOG, kpis)
        place = tmp_path / str(len(stores))
        stores.append(Store.open(place / "ioc.duckdb", place / "archive", zone=VIETNAM))
        return LifeCentre(stores[-1], catalog, Evaluator(catalog, stores[-1], VIETNAM), place)

    yield make
    for store in stores:
        store.close()


def survey(at: datetime, osi: float, tii: float, hci: float) -> list[Reading]:
    return [Reading(f"egdi.{part}", PROVINCE, at, value) for part, value in (("osi", osi), ("tii", tii), ("hci", hci))]


def test_egdi_of_viet_nam(centre_of: MakeLifeCentre) -> None:
    """UN E-Government Survey 2020: OSI 0.6529, TII 0.6694, HCI 0.6779 give 0.6667, High; 2018: 0.5931."""
    centre = centre_of("egdi.index", "egdi.rank_distance")
    of_2018, of_2020 = datetime(2018, 7, 19, 2, tzinfo=UTC), datetime(2020, 7, 10, 2, tzinfo=UTC)
    centre.read(*survey(of_2018, 0.7361, 0.3890, 0.6543), *survey(of_2020, 0.6529, 0.6694, 0.6779))
    centre.read(Reading("egdi.rank", PROVINCE, of_2018, 88), Reading("egdi.rank", PROVINCE, of_2020, 86))
    index = centre.catalog.kpis["egdi.index"]
    assert [(line.at.year, line.value) for line in index.references] == [(2020, 0.6667)]
    in_2020 = centre.past("egdi.index", PROVINCE, datetime(2020, 12, 31, tzinfo=UTC))
    assert in_2020 is not None
    assert round(in_2020, index.digits) == 0.6667
    assert centre.band("egdi.index", in_2020) == "High"
    in_2018 = centre.past("egdi.index", PROVINCE, datetime(2019, 12, 31, tzinfo=UTC))
    assert in_2018 == pytest.approx(0.5931, abs=5e-5)
    assert centre.past("egdi.index", PROVINCE, datetime(2018, 1, 1, tzinfo=UTC)) is None
    assert centre.past("egdi.rank_distance", PROVINCE, datetime(2020, 12, 31, tzinfo=UTC)) == 86 - 70
    values = centre.evaluated(now=NOON)
    assert values["egdi.index", PROVINCE].freshness is Freshness.STALE, "the survey of 2020 is old in 2026"
    assert {unit for kpi, unit in values if kpi == "egdi.index"} == {PROVINCE}, "the country's figure, not a commune's"
    assert values["egdi.rank_distance", PROVINCE].value == 86 - 50, "from 2026 on the target is the top 50"


@pytest.mark.parametrize(
    ("value", "band"),
    [(0.7501, "Very high"), (0.75, "High"), (0.5001, "High"), (0.5, "Middle"), (0.25, "Low"), (0.0, "Low")],
)
def test_bands_of_egdi_begin_above_their_bound(value: float, band: str) -> None:
    found = CATALOG.kpis["egdi.index"].band_of(value)
    assert found is not None
    assert found.name["en"] == band


def hours(measure: str, unit: str, means: list[float | None], until: datetime) -> list[Reading]:
    """Two readings an hour whose mean is given, the newest hour first."""
    return [
        Reading(measure, unit, until - timedelta(hours=age + 1) + timedelta(minutes=minute), mean + shift, "AQ-01")
        for age, mean in enumerate(means)
        if mean is not None
        for minute, shift in ((10, -mean / 4), (40, mean / 4))
    ]


# Breakpoints of QĐ 1459/QĐ-TCMT and points between them.
PM25 = [
    *((0, 0), (12.5, 25), (25, 50), (37.5, 75), (50, 100), (65, 125), (80, 150), (115, 175), (150, 200)),
    *((200, 250), (250, 300), (300, 350), (350, 400), (425, 450), (500, 500), (640, 500)),
]
PM10 = [(0, 0), (50, 50), (100, 75), (150, 100), (250, 150), (350, 200), (385, 250), (420, 300), (500, 400), (600, 500)]


@pytest.mark.parametrize(
    ("measure", "kpi", "points"),
    [
        pytest.param("air.pm25", "air.vn_aqi_pm25", PM25, id="PM2.5"),
        pytest.param("air.pm10", "air.vn_aqi_pm10", PM10, id="PM10"),
    ],
)
def test_vn_aqi_at_breakpoints_and_between(
    centre_of: MakeLifeCentre, measure: str, kpi: str, points: list[tuple[float, float]]
) -> None:
    centre = centre_of(kpi)
    units = dict(zip(COMMUNES, points, strict=False))
    centre.read(*(r for unit, (mass, _) in units.items() for r in hours(measure, unit, [float(mass)] * 12, NOON)))
    values = centre.evaluated(now=NOON - timedelta(seconds=1))
    assert {unit: values[kpi, unit].value for unit in units} == {
        unit: pytest.approx(index, abs=1e-9) for unit, (_, index) in units.items()
    }
    for unit, (_, index) in units.items():
        assert centre.past(kpi, unit, NOON) == pytest.approx(index, abs=1e-9)


@pytest.mark.parametrize(
    ("index", "band"),
    [
        pytest.param(50, "Good", id="50 is good"),
        pytest.param(51, "Moderate", id="51 is moderate"),
        pytest.param(100, "Moderate", id="100 is moderate"),
        pytest.param(101, "Unhealthy for sensitive groups", id="101"),
        pytest.param(151, "Poor", id="151"),
        pytest.param(201, "Very poor", id="201"),
        pytest.param(301, "Hazardous", id="301"),
    ],
)
def test_bands_of_vn_aqi(index: float, band: str) -> None:
    found = CATALOG.kpis["air.vn_aqi"].band_of(index)
    assert found is not None
    assert found.name["en"] == band


@pytest.mark.parametrize(
    ("means", "mass"),
    [
        pytest.param([40.0, 50.0], (40 + 0.8 * 50) / 1.8, id="the newest two hours"),
        pytest.param([None, 50.0, 40.0], (0.8 * 50 + 0.64 * 40) / (0.8 + 0.64), id="the newest hour is missing"),
        pytest.param([60.0, None, 60.0, 12.0], None, id="a low old hour makes w one half"),
        pytest.param([60.0, None, None, 60.0, 60.0], math.nan, id="one of the newest three is not enough"),
        pytest.param([None] * 3 + [60.0] * 9, math.nan, id="none of the newest three"),
    ],
)
def test_nowcast_needs_two_of_the_newest_three_hours(
    centre_of: MakeLifeCentre, means: list[float | None], mass: float | None
) -> None:
    centre = centre_of("air.vn_aqi")
    unit = COMMUNES[3]
    centre.read(*hours("air.pm25", unit, means, NOON), *hours("air.pm10", unit, [50.0] * 12, NOON))
    values = centre.evaluated(now=NOON - timedelta(seconds=1))
    nowcast, index = values["air.pm25_nowcast", unit], values["air.vn_aqi", unit]
    if mass is not None and math.isnan(mass):
        assert (nowcast.value, nowcast.freshness) == (None, Freshness.NO_DATA)
        assert index.value is None, "an index without one of its parts says nothing"
        assert centre.past("air.pm25_nowcast", unit, NOON) is None
        return
    expected = mass if mass is not None else (60 + 60 / 4 + 12 / 8) / (1 + 1 / 4 + 1 / 8)
    assert nowcast.value == pytest.approx(expected)
    assert centre.past("air.pm25_nowcast", unit, NOON) == pytest.approx(expected)


KIM_LONG = [
    pytest.param(0.0, 0.0, "Below alarm 1", id="low water"),
    pytest.param(0.99, 0.99, "Below alarm 1", id="a hand below level 1"),
    pytest.param(1.0, 1.0, "At or above alarm 1", id="level 1"),
    pytest.param(1.5, 1.5, "At or above alarm 1", id="half way to level 2"),
    pytest.param(2.0, 2.0, "At or above alarm 2", id="level 2"),
    pytest.param(3.49, 2 + 1.49 / 1.5, "At or above alarm 2", id="a hand below level 3"),
    pytest.param(3.5, 3.0, "At or above alarm 3", id="level 3"),
    pytest.param(5.81, 3.0, "At or above alarm 3", id="beyond level 3"),
    pytest.param(-0.4, 0.0, "Below alarm 1", id="below the gauge's zero"),
]


@pytest.mark.parametrize(("level", "stage", "band"), KIM_LONG)
def test_flood_stage_steps_at_the_stations_alarm_levels(
    centre_of: MakeLifeCentre, level: float, stage: float, band: str
) -> None:
    centre = centre_of("flood.stage")
    at = NOON - timedelta(minutes=20)
    centre.read(
        Reading("river.kim_long", COMMUNES[0], at, level, "KIM-LONG"),
        Reading("river.phu_oc", COMMUNES[5], at, -0.2, "PHU-OC"),
    )
    values = centre.evaluated(now=NOON)
    assert values["river.kim_long.stage", PROVINCE].value == pytest.approx(stage)
    assert values["flood.stage", PROVINCE].value == pytest.approx(stage)
    assert centre.band("river.kim_long.stage", values["river.kim_long.stage", PROVINCE].value) == band


def test_alarm_levels_are_each_stations_own() -> None:
    """1.6 m is above level 1 at both, 2.5 m above level 2 at Kim Long alone."""
    found = {
        constant_id: constant.at(NOON.date())
        for constant_id, constant in CATALOG.constants.items()
        if constant_id.startswith("flood.")
    }
    assert found == {
        **{f"flood.kim_long.bd{n}": level for n, level in ((1, 1.0), (2, 2.0), (3, 3.5))},
        **{f"flood.phu_oc.bd{n}": level for n, level in ((1, 1.5), (2, 3.0), (3, 4.5))},
    }


@pytest.mark.parametrize("rise", [0.36, -0.24, 0.0], ids=["rising", "falling", "standing"])
def test_rate_of_rise(centre_of: MakeLifeCentre, rise: float) -> None:
    centre = centre_of("river.kim_long.rise")
    centre.read(
        *(
            Reading("river.kim_long", COMMUNES[0], NOON - timedelta(minutes=5 * n), 2 - rise * n / 12, "KIM-LONG")
            for n in range(1, 40)
        )
    )
    value = centre.evaluated(now=NOON - timedelta(seconds=1))["river.kim_long.rise", PROVINCE].value
    assert value == pytest.approx(rise, abs=abs(rise) * 0.06)


def test_rain_of_one_three_and_twenty_four_hours(centre_of: MakeLifeCentre) -> None:
    centre = centre_of("rain.sum_1h", "rain.sum_3h", "rain.sum_24h")
    here, there = COMMUNES[0], COMMUNES[1]
    ages = [0.1, 0.9, 2.5, 5, 23, 25]
    centre.read(
        *(Reading("rain.fall", here, NOON - timedelta(hours=age), 10.0, "RG-01") for age in ages),
        Reading("rain.fall", there, NOON - timedelta(minutes=5), 0.0, "RG-02"),
    )
    values = centre.evaluated(now=NOON - timedelta(seconds=1))
    assert [values[f"rain.sum_{span}", here].value for span in ("1h", "3h", "24h")] == [20, 30, 50]
    assert values["rain.sum_24h", PROVINCE].value == 25, "the mean of the units, not the sum of the gauges"
    assert centre.band("rain.sum_24h", 50) == "Moderate rain"
    assert centre.band("rain.sum_24h", 100.1) == "Very heavy rain"
    assert values["rain.sum_1h", COMMUNES[2]].value is None, "no gauge is no data, not 0 mm"


def test_revenue_against_the_plan_of_its_own_year(centre_of: MakeLifeCentre) -> None:
    centre = centre_of("budget.revenue_rate")
    centre.read(
        *(
            Reading("budget.revenue_plan", PROVINCE, datetime(year, 1, 1, 2, tzinfo=UTC), plan)
            for year, plan in ((2025, 12_500), (2026, 14_200))
        ),
        *(
            Reading("budget.revenue", PROVINCE, datetime(year, month, 5, 5, tzinfo=UTC), 500.0)
            for year in (2025, 2026)
            for month in range(1, 11)
        ),
    )
    assert centre.evaluated(now=NOON)["budget.revenue_rate", PROVINCE].value == pytest.approx(100 * 5000 / 14_200)
    of_2025 = centre.past("budget.revenue_rate", PROVINCE, datetime(2025, 12, 31, 12, tzinfo=UTC))
    assert of_2025 == pytest.approx(100 * 5000 / 12_500)
