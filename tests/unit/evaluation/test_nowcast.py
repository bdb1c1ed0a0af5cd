"""Nowcast of VN_AQI, by hand after QĐ 1459/QĐ-TCMT."""

import math

import numpy as np
import pytest

from ioc.evaluation.nowcast import nowcast

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
