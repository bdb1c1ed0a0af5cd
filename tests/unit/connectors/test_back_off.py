"""Waits between attempts at a source that fails."""

from typing import Any

import pytest

from connectors.back_off import BackOff


def middle(least: float, most: float) -> float:
    return (least + most) / 2


def waits(back_off: BackOff, count: int) -> list[float]:
    return [round(back_off.next_s(), 2) for _ in range(count)]


@pytest.mark.parametrize(
    ("longest_s", "expected"),
    [
        pytest.param(900, [0.5, 1, 2, 4, 8, 16, 32], id="doubles"),
        pytest.param(3, [0.5, 1, 2, 3, 3], id="never longer than its bound"),
        pytest.param(0.2, [0.5, 0.5], id="never shorter than half a second"),
    ],
)
def test_waits_double_up_to_the_bound(longest_s: Any, expected: Any) -> None:
    assert waits(BackOff(longest_s, middle), len(expected)) == expected


def test_spread_never_goes_over_the_bound() -> None:
    most = BackOff(1, lambda _least, most: most)
    assert [round(most.next_s(), 2) for _ in range(3)] == [0.65, 1, 1]


def test_success_begins_at_the_shortest_wait() -> None:
    back_off = BackOff(60, middle)
    waits(back_off, 5)
    back_off.succeeded()
    assert waits(back_off, 2) == [0.5, 1]


def test_what_the_source_asks_for_is_kept() -> None:
    back_off = BackOff(1, lambda least, _most: least)
    assert back_off.next_s(120) == 120
