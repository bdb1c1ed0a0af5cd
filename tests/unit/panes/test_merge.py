"""Merging rows of panes: any order, any split."""

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ioc.panes.merge import concatenate, merge_rows
from ioc.panes.roll_up import hours_to_days, minutes_to_hours
from ioc.panes.schema import PANES, READ, Columns

ROW = st.tuples(
    st.integers(1, 3), st.integers(1, 2), st.integers(0, 2), st.integers(1, 9), st.integers(-5, 5), st.integers(0, 9)
)


def part(kind: str, rows: Sequence[tuple[int, ...]]) -> Columns:
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


@pytest.mark.parametrize("kind", READ)
@settings(max_examples=40)
@given(rows=st.lists(ROW, max_size=12), cut=st.integers(0, 12))
def test_any_order_and_split_merges_alike(kind: str, rows: list[tuple[int, ...]], cut: int) -> None:
    key = ("measure", "unit", *READ[kind].key)
    at_once = merge_rows(part(kind, rows), READ[kind], key)
    first = merge_rows(part(kind, rows[::-1][:cut]), READ[kind], key)
    in_two = merge_rows(concatenate([first, part(kind, rows[::-1][cut:])]), READ[kind], key)
    assert {name: values.tolist() for name, values in at_once.items()} == {
        name: values.tolist() for name, values in in_two.items()
    }
    keys = list(zip(*(at_once[name].tolist() for name in key), strict=True))
    assert keys == sorted({tuple(row[: len(key)]) for row in rows})


def test_the_latest_of_equal_times_is_the_largest() -> None:
    rows = [(1, 1, 0, 1, 5, 3), (1, 1, 0, 1, -2, 3), (1, 1, 0, 1, 9, 2)]
    assert merge_rows(part("subjects", rows), READ["subjects"], ("unit", "subject"))["last"].tolist() == [5]


def panes(rows: Sequence[tuple[int, int, int, int, float]]) -> Columns:
    """Single readings as panes; a row is (measure, unit, subject, time, value)."""
    measure, unit, subject, time = (np.array([row[i] for row in rows], np.int32) for i in range(4))
    value = np.array([row[4] for row in rows])
    at = time.astype(np.int64) * 60_000
    return {
        "measure": measure, "unit": unit, "subject": subject, "time": time, "n": np.ones(len(rows), np.int32),
        "sum": value, "sum_squares": value * value, "least": value, "most": value,
        "first_at": at, "first": value, "last_at": at, "last": value,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("times", "subjects"),
    [
        pytest.param((0, 3), (0, 3), id="keys close together are counted"),
        pytest.param((0, 400), (0, 60), id="keys further apart are marked"),
        pytest.param((-30_000_000, 30_000_000), (0, 2**30), id="keys far apart are sorted"),
        pytest.param((-(2**31), 2**31 - 1), (-(2**31), 2**31 - 1), id="more keys than a number of 64 bits holds"),
    ],
)
def test_stored_panes_merge_as_a_plain_recount(times: tuple[int, int], subjects: tuple[int, int]) -> None:
    chance = np.random.default_rng(4)
    picks = [tuple(int(chance.integers(*span, endpoint=True)) for span in ((1, 2), (1, 3), subjects, times))
             for _ in range(300)]  # fmt: skip
    rows = [(*picks[int(chance.integers(0, 300))], float(chance.integers(-9, 9))) for _ in range(900)]
    merged = merge_rows(panes(rows), PANES)  # type: ignore[arg-type]
    keys = list(zip(*(merged[name].tolist() for name in PANES.key), strict=True))
    assert keys == sorted({row[:4] for row in rows})
    for index, key in enumerate(keys):
        values = [row[4] for row in rows if row[:4] == key]
        expected = (len(values), sum(values), min(values), max(values), min(values), max(values))
        assert tuple(merged[name][index] for name in ("n", "sum", "least", "most", "first", "last")) == expected


def test_hours_and_days_of_a_zone_merge_to_the_same_readings() -> None:
    minutes = panes([(1, 1, 0, minute, 1.0) for minute in range(16 * 60 + 30, 18 * 60)])
    hours = merge_rows(minutes_to_hours(minutes), PANES)
    days = merge_rows(hours_to_days(hours, 7), PANES)
    assert dict(zip(hours["time"].tolist(), hours["n"].tolist(), strict=True)) == {16: 30, 17: 60}
    assert dict(zip(days["time"].tolist(), days["n"].tolist(), strict=True)) == {0: 30, 1: 60}, "the day ends at 17:00"
