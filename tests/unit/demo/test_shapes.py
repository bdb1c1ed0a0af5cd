from __future__ import annotations

import numpy as np
import pytest

from ioc.demo import calendar, shapes
from tests.unit.demo.moments import day


@pytest.mark.parametrize(
    ("date", "works"),
    [
        pytest.param("2026-11-23", True, id="a Monday"),
        pytest.param("2026-11-22", False, id="a Sunday"),
        pytest.param("2026-09-02", False, id="national day on a Wednesday"),
        pytest.param("2026-02-17", False, id="the first day of Tết"),
        pytest.param("2026-02-23", True, id="the Monday after Tết"),
        pytest.param("2027-04-16", False, id="the Hùng kings' day, a Friday"),
    ],
)
def test_working_days(date: str, works: bool) -> None:
    assert bool(calendar.is_working(np.array([day(date)]))[0]) is works


@pytest.mark.parametrize(
    ("from_date", "offset", "to_date"),
    [
        pytest.param("2026-11-20", 1, "2026-11-23", id="a weekend is passed over"),
        pytest.param("2026-11-21", 0, "2026-11-23", id="a Saturday counts from Monday"),
        pytest.param("2026-02-13", 1, "2026-02-23", id="the Tết holidays are passed over"),
    ],
)
def test_working_day_after(from_date: str, offset: int, to_date: str) -> None:
    assert int(calendar.working_day(np.array([day(from_date)]), offset)[0]) == day(to_date)


@pytest.mark.parametrize(
    ("busier", "quieter", "ratio"),
    [
        pytest.param("2026-11-23", "2026-11-27", 1.2, id="Monday brings more than Friday"),
        pytest.param("2026-11-25", "2026-11-21", 5, id="a Saturday has under a fifth"),
        pytest.param("2026-11-22", "2026-02-17", 5, id="Tết has less than a Sunday"),
        pytest.param("2026-07-08", "2026-11-25", 1.2, id="summer brings school records"),
        pytest.param("2026-02-04", "2026-11-25", 1.2, id="the weeks before Tết are full"),
    ],
)
def test_dossiers_of_day(busier: str, quieter: str, ratio: float) -> None:
    levels = shapes.dossiers_of_day(np.array([day(busier), day(quieter)]))
    assert levels[0] >= ratio * levels[1] > 0


def office(date: str, hour: float) -> float:
    return float(shapes.office(np.array([day(date)]), np.array([hour]))[0])


def traffic(date: str, hour: float) -> float:
    return float(shapes.by_weekday(shapes.TRAFFIC, shapes.TRAFFIC_WEEKEND, np.array([day(date)]), np.array([hour]))[0])


@pytest.mark.parametrize(
    ("busier", "quieter"),
    [
        pytest.param(office("2026-11-23", 9), office("2026-11-23", 12.3), id="offices: a morning, not lunch"),
        pytest.param(office("2026-11-26", 15), office("2026-11-27", 15), id="offices: Friday afternoon is thin"),
        pytest.param(office("2026-11-27", 9), office("2026-11-28", 9), id="offices: nothing on Saturday"),
        pytest.param(traffic("2026-11-23", 7.2), traffic("2026-11-23", 10), id="traffic: the morning peak"),
        pytest.param(traffic("2026-11-23", 17.3), traffic("2026-11-23", 14), id="traffic: the evening peak"),
        pytest.param(traffic("2026-11-23", 7.2), traffic("2026-11-22", 7.2), id="traffic: no peak on Sunday morning"),
    ],
)
def test_hours(busier: float, quieter: float) -> None:
    assert busier > 1.3 * quieter


def test_two_thirds_arrive_from_8_to_11() -> None:
    hours = shapes.arrival_hour(shapes.ONLINE, np.linspace(0, 1, 10_000, endpoint=False))
    assert 0.6 < ((hours >= 8) & (hours < 11)).mean() < 0.72


def test_lgsp_synchronises_at_night() -> None:
    night, batch = shapes.level(shapes.LGSP, np.array([0.5, 1.5]))
    assert batch > 5 * night
