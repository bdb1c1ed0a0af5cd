from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from ioc.demo.habits import ClockAhead, LosesPower
from ioc.demo.places import World
from ioc.demo.world import air, documents, lgsp, traffic
from ioc.demo.world.readings import MEASURES, SUBJECTS, Readings
from tests.unit.demo.moments import at, day

HOUR_MS = 3_600_000
Make = Callable[[World, int, int], Readings]
KINDS: list[Make] = [air.readings, traffic.readings, lgsp.readings, documents.of_communes]


def of(readings: Readings, measure: str) -> np.ndarray:
    return readings.value[readings.measure == MEASURES.index(measure)]


@pytest.mark.parametrize("make", KINDS, ids=lambda make: make.__module__.rsplit(".", 1)[-1])
def test_an_interval_is_the_same_whole_or_in_parts(world: World, make: Make) -> None:
    begin, middle, end = at("2026-11-23 08:00"), at("2026-11-23 08:25"), at("2026-11-23 09:00")
    whole = set(zip(*(column.tolist() for column in make(world, begin, end).columns()), strict=True))
    parts = [make(world, begin, middle), make(world, middle, end)]
    pieces = set(zip(*(column.tolist() for column in Readings.joined(parts).columns()), strict=True))
    assert len(whole) == len(make(world, begin, end)) > 0
    assert whole == pieces


@pytest.mark.parametrize("make", KINDS, ids=lambda make: make.__module__.rsplit(".", 1)[-1])
def test_another_seed_gives_other_values(world: World, make: Make) -> None:
    other = World(world.seed + 1, world.zone, world.units, world.names, world.wards)
    begin, end = at("2026-11-23 08:00"), at("2026-11-23 09:00")
    assert make(world, begin, end).value.tolist() != make(other, begin, end).value.tolist()


@pytest.mark.parametrize(
    ("moment", "least", "most"),
    [
        pytest.param("2026-11-23 09:00", 1000, 1450, id="about 1,200 a minute in office hours"),
        pytest.param("2026-11-23 22:30", 20, 150, id="little late in the evening"),
        pytest.param("2026-11-23 01:30", 250, 600, id="the nightly synchronisation"),
        pytest.param("2026-11-22 09:00", 80, 350, id="little on Sunday"),
    ],
)
def test_lgsp_transactions_a_minute(world: World, moment: str, least: int, most: int) -> None:
    total = of(lgsp.readings(world, at(moment), at(moment) + HOUR_MS // 2), "lgsp.transactions").sum()
    assert least < total / 30 < most


def test_lgsp_fails_seldom_and_its_slow_tail_is_below_two_seconds(world: World) -> None:
    made = lgsp.readings(world, at("2026-11-23 08:00"), at("2026-11-23 12:00"))
    assert 0.985 < 1 - of(made, "lgsp.failures").sum() / of(made, "lgsp.transactions").sum() < 0.999
    assert 600 < np.percentile(of(made, "lgsp.latency"), 95) < 2000


@pytest.mark.parametrize("date", ["2026-01-14", "2026-07-14", "2026-11-23"])
def test_air_is_plausible(world: World, date: str) -> None:
    fine = of(air.readings(world, at(f"{date} 00:00"), at(f"{date} 00:00") + 24 * HOUR_MS, 600_000), "air.pm25")
    assert 12 < fine.mean() < 50
    assert fine.min() >= 2
    assert fine.max() < 90


def test_a_coarse_step_samples_the_fine_series(world: World) -> None:
    begin, end = at("2026-11-23 08:00"), at("2026-11-23 09:00")
    fine, coarse = air.readings(world, begin, end), air.readings(world, begin, end, 60_000)
    on_the_minute = fine.where(fine.time_ms % 60_000 == 0)
    assert [c.tolist() for c in on_the_minute.columns()] == [c.tolist() for c in coarse.columns()]


def test_a_station_loses_power_for_an_hour_on_every_other_day(world: World) -> None:
    habit = LosesPower()
    out_ms = []
    for number in range(day("2026-11-01"), day("2026-11-21")):
        begin = at("2026-11-01 00:00") + (number - day("2026-11-01")) * 24 * HOUR_MS
        made = air.readings(world, begin, begin + 24 * HOUR_MS, 60_000)
        heard = made.where((made.subject == habit.station_index) & (made.measure == MEASURES.index("air.pm25")))
        out_ms.append(24 * HOUR_MS - len(heard) * 60_000)
    assert set(out_ms) <= {0, *range(59 * 60_000, 62 * 60_000, 60_000)}
    assert 4 <= sum(1 for out in out_ms if out) <= 16


def test_the_wrong_clock_is_ten_minutes_ahead_and_never_in_the_true_series(world: World) -> None:
    begin, end = at("2026-11-23 08:00"), at("2026-11-23 09:00")
    wrong = air.with_wrong_clock(world, begin, end)
    assert (wrong.time_ms - begin).tolist() == [(10 + 15 * quarter) * 60_000 for quarter in range(4)]
    assert SUBJECTS[wrong.subject[0]] == "AQ-11"
    assert ClockAhead().station_index not in air.readings(world, begin, end).subject


@pytest.mark.parametrize(
    ("moment", "slowest", "fastest"),
    [
        pytest.param("2026-11-23 07:00", 24, 33, id="the morning peak is slow"),
        pytest.param("2026-11-23 14:00", 30, 38, id="the afternoon flows"),
        pytest.param("2026-11-23 02:00", 36, 43, id="the night is free"),
    ],
)
def test_speed(world: World, moment: str, slowest: float, fastest: float) -> None:
    speeds = of(traffic.readings(world, at(moment), at(moment) + HOUR_MS // 2), "traffic.speed")
    assert slowest < speeds.mean() < fastest


def test_documents_are_mostly_electronic(world: World) -> None:
    made = documents.of_communes(world, at("2026-11-23 00:00"), at("2026-11-24 00:00"))
    sent = of(made, "document.sent").sum()
    assert 2500 < sent < 5000
    assert 0.95 < of(made, "document.sent_electronic").sum() / sent < 0.985
    assert of(made, "document.refused").sum() > 0


def test_departments_of_a_day_fit_into_its_file(world: World) -> None:
    made = documents.of_departments(world, day("2026-11-23"))
    assert made.time_ms.min() == at("2026-11-23 07:00")
    assert made.time_ms.max() == at("2026-11-23 16:00")
    assert {world.units[unit] for unit in made.unit} == {"46"}
