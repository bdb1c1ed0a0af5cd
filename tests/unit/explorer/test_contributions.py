"""Contributions of groups and parts to a change: worked by hand, and always adding up."""

from collections.abc import Mapping

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ioc.explorer.contributions import MAX_EXACT_PARTS, ChangeGroup, Real, largest, of_amount, of_formula, of_ratio

COUNTS = st.tuples(st.integers(0, 1000), st.integers(0, 1000))


def test_a_rate_that_falls_in_one_place_is_its_own_doing() -> None:
    groups = [ChangeGroup("a", (90, 80), (100, 100)), ChangeGroup("b", (90, 90), (100, 100))]
    a, b = of_ratio(groups, 100)
    assert (a.rate, a.mix, a.total) == pytest.approx((-5.0, 0.0, -5.0))
    assert (b.rate, b.mix, b.total) == pytest.approx((0.0, 0.0, 0.0))


def test_more_cases_where_it_is_worse_is_mix() -> None:
    groups = [ChangeGroup("good", (100, 100), (100, 100)), ChangeGroup("bad", (0, 0), (100, 300))]
    found = of_ratio(groups, 100)
    assert [one.rate for one in found] == [0.0, 0.0]
    assert sum(one.mix for one in found) == pytest.approx(25.0 - 50.0)


def test_a_group_that_is_new_is_all_mix() -> None:
    found = {
        one.key: one
        for one in of_ratio([ChangeGroup("old", (50, 50), (100, 100)), ChangeGroup("new", (0, 100), (0, 100))], 100)
    }
    assert found["new"].before is None
    assert found["new"].rate == 0
    assert sum(one.total for one in found.values()) == pytest.approx(75 - 50)


@given(st.lists(st.tuples(COUNTS, COUNTS), min_size=1, max_size=8))
def test_contributions_to_a_ratio_add_up(rows: list[tuple[tuple[int, int], tuple[int, int]]]) -> None:
    groups = [ChangeGroup(str(i), (min(n[0], d[0]), min(n[1], d[1])), (d[0], d[1])) for i, (n, d) in enumerate(rows)]
    below = [sum(group.d[at] for group in groups) for at in (0, 1)]
    found = of_ratio(groups, 100)
    if 0 in below:
        assert found == []
        return
    ratio = [100 * sum(group.n[at] for group in groups) / below[at] for at in (0, 1)]
    assert sum(one.total for one in found) == pytest.approx(ratio[1] - ratio[0], abs=1e-9)
    for one in found:
        assert one.total == one.rate + one.mix


def test_the_largest_and_the_rest_are_the_whole() -> None:
    found = of_amount([ChangeGroup(str(i), (0, i)) for i in range(1, 11)])
    kept, rest = largest(found, 3)
    assert [one.key for one in kept] == ["10", "9", "8"]
    assert rest is not None
    assert sum(one.total for one in kept) + rest.total == 55
    assert largest(found, 10)[1] is None


def product(values: Mapping[str, Real]) -> Real:
    return np.multiply.reduce(list(values.values()))


def total(values: Mapping[str, Real]) -> Real:
    return np.add.reduce(list(values.values()))


def test_a_sum_is_told_by_its_parts_alone() -> None:
    assert of_formula(total, {"a": 1, "b": 2}, {"a": 4, "b": 0}) == pytest.approx({"a": 3, "b": -2})


def test_a_product_is_shared_alike() -> None:
    assert of_formula(product, {"a": 1, "b": 1}, {"a": 3, "b": 3}) == pytest.approx({"a": 4, "b": 4})


@pytest.mark.parametrize("size", [1, 5, MAX_EXACT_PARTS, MAX_EXACT_PARTS + 4])
def test_effects_add_up_however_many_parts(size: int) -> None:
    chance = np.random.default_rng(size)
    before, after = ({str(i): float(v) for i, v in enumerate(chance.uniform(0.5, 2, size))} for _ in range(2))
    found = of_formula(product, before, after)
    assert found is not None
    moved = np.prod(list(after.values())) - np.prod(list(before.values()))
    assert sum(found.values()) == pytest.approx(moved)


def test_a_mixture_without_value_is_not_told_apart() -> None:
    def quotient(values: Mapping[str, Real]) -> Real:
        with np.errstate(all="ignore"):
            return values["a"] / values["b"]

    assert of_formula(quotient, {"a": 1, "b": 1}, {"a": 2, "b": 0}) is None
