"""Merging rows of panes: any order, any split."""

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ioc.evaluation.parts import KINDS, Part, merged

ROW = st.tuples(
    st.integers(1, 3), st.integers(1, 2), st.integers(0, 2), st.integers(1, 9), st.integers(-5, 5), st.integers(0, 9)
)


def part(kind: str, rows: Sequence[tuple[int, ...]]) -> Part:
    columns = np.array(rows, np.int64).reshape(-1, 6).T
    measure, unit, key, n, value, at = columns
    given = {
        "panes": {"n": n, "sum": value, "sum_squares": value**2, "least": value, "most": value, "newest": at},
        "subjects": {"subject": key, "n": n, "last_at": at, "last": value},
        "buckets": {"bucket": key, "n": n},
        "registers": {"register": key, "rank": n},
        "hours": {"hour": key, "n": n, "sum": value},
    }
    return {"measure": measure, "unit": unit, **given[kind]}


@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=40)
@given(rows=st.lists(ROW, max_size=12), cut=st.integers(0, 12))
def test_any_order_and_split_merges_alike(kind: str, rows: list[tuple[int, ...]], cut: int) -> None:
    key = ("measure", "unit", *KINDS[kind].key)
    at_once = merged(KINDS[kind], [part(kind, rows)], key)
    first = merged(KINDS[kind], [part(kind, rows[::-1][:cut])], key)
    in_two = merged(KINDS[kind], [part(kind, rows[::-1][cut:]), first], key)
    assert {name: values.tolist() for name, values in at_once.items()} == {
        name: values.tolist() for name, values in in_two.items()
    }
    keys = list(zip(*(at_once[name].tolist() for name in key), strict=True))
    assert keys == sorted({tuple(row[: len(key)]) for row in rows})


def test_the_latest_of_equal_times_is_the_largest() -> None:
    rows = [(1, 1, 0, 1, 5, 3), (1, 1, 0, 1, -2, 3), (1, 1, 0, 1, 9, 2)]
    assert merged(KINDS["subjects"], [part("subjects", rows)], ("unit", "subject"))["last"].tolist() == [5]
