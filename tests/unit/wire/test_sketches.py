"""Sketches: promised errors, and merging in any order."""

import numpy as np
import pytest

from ioc.wire.sketches import (
    REGISTERS,
    RELATIVE_ERROR,
    bucket_values,
    buckets_of,
    distinct_counts,
    quantiles,
    registers_of,
)

CHANCE = np.random.default_rng(1)
HAIR = 1e-9


@pytest.mark.parametrize(
    "values",
    [
        pytest.param(CHANCE.lognormal(3, 2, 10_000), id="latencies over many magnitudes"),
        pytest.param(CHANCE.normal(0, 10, 10_000), id="negatives"),
        pytest.param(np.full(100, 31.5), id="one value"),
        pytest.param(np.array([0.0, 5.0, 0.0, 1e-12]), id="zeros"),
        pytest.param(np.array([1e200, -1e200, 1e-8]), id="far apart"),
        pytest.param(CHANCE.integers(1, 1000, 10_000).astype(float), id="whole numbers"),
    ],
)
@pytest.mark.parametrize("q", [0.001, 0.05, 0.5, 0.95, 0.999])
def test_a_quantile_is_within_one_percent(values: np.ndarray, q: float) -> None:
    exact = np.sort(values)[int(q * (len(values) - 1))]
    zeros, ones = np.zeros(len(values), np.int64), np.ones(len(values), np.int64)
    found = quantiles(zeros, buckets_of(values), ones, q, 2)
    assert abs(found[0] - exact) <= abs(exact) * RELATIVE_ERROR * (1 + HAIR) + HAIR
    assert np.isnan(found[1])


def test_buckets_stand_in_the_order_of_their_values() -> None:
    values = np.sort(CHANCE.normal(0, 1000, 5000))
    assert (np.diff(buckets_of(values).astype(int)) >= 0).all()
    assert (np.diff(bucket_values(np.arange(-30_000, 30_000, 500))) > 0).all()


def test_the_widest_values_keep_within_the_bucket_s_type() -> None:
    assert buckets_of(np.array([1.7e308, -1.7e308])).tolist() == [32_767, -32_767]


@pytest.mark.parametrize("subjects", [1, 10, 100, 1000, 5000, 20_000, 100_000])
def test_a_distinct_count_is_within_two_percent(subjects: int) -> None:
    names = [f"AQ-{number:06d}" for number in range(subjects)]
    register, rank = registers_of(names)
    greatest = np.zeros(REGISTERS, np.int64)
    np.maximum.at(greatest, register, rank)
    held = np.flatnonzero(greatest)
    counted = distinct_counts(np.zeros(len(held), np.int64), greatest[held], 2)
    assert abs(counted[0] / subjects - 1) <= 0.02
    assert counted[1] == 0


def test_registers_depend_on_the_name_alone() -> None:
    alone, _ = registers_of(["Trạm số 7"])
    beside, _ = registers_of(["x", "Trạm số 7", "a much longer name than the one before"])
    assert alone[0] == beside[1]
    assert len(registers_of([])[0]) == 0
