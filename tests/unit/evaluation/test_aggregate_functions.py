"""What is taken of a measure's panes."""

import math
from datetime import timedelta

import numpy as np
import pytest

from ioc.evaluation.aggregate_functions import Moments, aggregate_moments, aggregate_rows, nowcast
from ioc.model.kpi import MeasureAggregate

READINGS = [4.0, 1.0, 7.0, 4.0]
PANES = {
    "n": np.array([3, 1]),
    "sum": np.array([12.0, 4.0]),
    "sum_squares": np.array([66.0, 16.0]),
    "least": np.array([1.0, 4.0]),
    "most": np.array([7.0, 4.0]),
    "newest": np.array([100, 50]),
}


@pytest.mark.parametrize(
    ("take", "value"),
    [
        pytest.param("count", 4, id="count"),
        pytest.param("sum", 16, id="sum"),
        pytest.param("mean", 4, id="mean"),
        pytest.param("min", 1, id="min"),
        pytest.param("max", 7, id="max"),
        pytest.param("rate", 16 / 120 * 60, id="rate a minute over two minutes"),
        pytest.param("stddev", math.sqrt(sum((x - 4) ** 2 for x in READINGS) / 4), id="deviation of the readings"),
    ],
)
def test_moments(take: str, value: float) -> None:
    expression = MeasureAggregate("m", take, per=timedelta(minutes=1))
    moments = Moments.of(PANES, np.array([1, 1]), 3)
    taken = aggregate_moments(expression, moments, 120.0)
    assert taken[1] == pytest.approx(value)
    assert np.isnan(taken[[0, 2]]).all(), "without readings there is no value, not 0"
    assert (moments.n.tolist(), moments.newest.tolist()) == ([0, 4, 0], [-1, 100, -1])


def test_last_of_several_subjects_is_the_mean_of_theirs() -> None:
    part = {"last": np.array([10.0, 20.0, 5.0])}
    taken = aggregate_rows(MeasureAggregate("m", "last"), part, np.array([0, 0, 2]), 3, 0)
    assert (taken[0], taken[2]) == (15, 5)
    assert np.isnan(taken[1])


def test_a_deviation_of_equal_readings_is_never_the_root_of_a_negative() -> None:
    value = 0.1
    panes = {
        **PANES,
        "n": np.array([3, 0]),
        "sum": np.array([3 * value, 0]),
        "sum_squares": np.array([3 * value**2, 0]),
    }
    taken = aggregate_moments(MeasureAggregate("m", "stddev"), Moments.of(panes, np.array([0, 0]), 1), 1.0)
    assert taken[0] == pytest.approx(0, abs=1e-8)


# Nowcast of VN_AQI, by hand after QĐ 1459/QĐ-TCMT.

FALLING = [10.0, 20, 40, 40, 40, 40, 40, 40, 40, 40, 40, 40]


@pytest.mark.parametrize(
    ("means", "value"),
    [
        pytest.param([30.0] * 12, 30.0, id="even hours give their mean"),
        pytest.param([48.0, 60.0], (48 + 0.8 * 60) / 1.8, id="w is least by greatest: 48/60"),
        pytest.param(
            FALLING,
            sum(c / 2**i for i, c in enumerate(FALLING)) / sum(1 / 2**i for i in range(12)),
            id="w is never below one half",
        ),
        pytest.param([None, 20.0, 20.0], 20.0, id="two of the newest three are enough"),
        pytest.param([20.0, None, None, 20.0, 20.0], math.nan, id="one of the newest three is not"),
        pytest.param([None, 40.0, 50.0], (0.8 * 40 + 0.64 * 50) / (0.8 + 0.64), id="a missing hour has no weight"),
        pytest.param([0.0] * 12, 0.0, id="clean air is no division by zero"),
        pytest.param([30.0] * 12 + [900.0], 30.0, id="a thirteenth hour does not count"),
    ],
)
def test_nowcast(means: list[float | None], value: float) -> None:
    rows = [(age, mean) for age, mean in enumerate(means) if mean is not None]
    age = np.array([age for age, _ in rows], np.int64)
    n = np.full(len(rows), 6, np.int64)
    total = np.array([6 * mean for _, mean in rows])
    # The second entry has no rows at all.
    taken = nowcast(np.zeros(len(rows), np.int64), age, n, total, 2)
    assert taken[0] == pytest.approx(value, rel=1e-12, nan_ok=True)
    assert math.isnan(taken[1])


def test_the_sum_of_halves_as_the_decision_writes_it_is_nearly_the_same() -> None:
    written = sum(c * 0.5 ** (i + 1) for i, c in enumerate(FALLING))
    taken = nowcast(np.zeros(12, np.int64), np.arange(12), np.ones(12, np.int64), np.array(FALLING), 1)
    assert taken[0] == pytest.approx(written, rel=3e-4)
