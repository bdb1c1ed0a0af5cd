"""Quantiles and distinct counts through reducer, store and windows."""

from __future__ import annotations

from datetime import timedelta

import numpy as np
import pytest

from ioc.model.reading import Reading
from tests.support.evaluation_centre import NOW, PROVINCE, EvaluationCentre


def test_quantiles_are_within_one_percent(centre: EvaluationCentre) -> None:
    chance = np.random.default_rng(5)
    values = chance.lognormal(4, 1.5, 6000)
    units = centre.communes[:5]
    made = [
        Reading("t.level", units[n % 5], NOW - timedelta(seconds=float(chance.uniform(0, 3000))), float(value))
        for n, value in enumerate(values)
    ]
    for start in range(0, len(made), 1500):
        centre.read(*made[start : start + 1500])
    told = centre.evaluated()
    for place, unit in enumerate([*units, PROVINCE]):
        mine = np.sort(values if unit == PROVINCE else values[place::5])
        exact = mine[int(0.95 * (len(mine) - 1))]
        assert told["t.quantile_1h", unit].value == pytest.approx(exact, rel=0.01)
        assert told["t.quantile_1h", unit].samples == len(mine)


def test_distinct_counts_are_within_two_percent(centre: EvaluationCentre) -> None:
    first, second = centre.communes[:2]
    # 2,000 subjects in one commune, 3,000 in another, 1,000 of them in both; many are heard several times.
    for unit, low, high in ((first, 0, 2000), (second, 1000, 4000)):
        for minutes in (1, 20, 200):
            centre.read(
                *[
                    Reading("t.count", unit, NOW - timedelta(minutes=minutes), 1.0, f"camera-{number}")
                    for number in range(low, high)
                ]
            )
    told = centre.evaluated()
    for unit, exact in ((first, 2000), (second, 3000), (PROVINCE, 4000)):
        assert told["t.distinct_today", unit].value == pytest.approx(exact, rel=0.02)
        assert told["t.distinct_1h", unit].value == pytest.approx(exact, rel=0.02)
