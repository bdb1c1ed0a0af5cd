"""Stretches of minutes cut into days, hours and minutes."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ioc.evaluation.pane_reader import LevelRange, split_by_level

DAY, HOUR = 1440, 60
LENGTH = {"minute": 1, "hour": HOUR, "day": DAY}


@pytest.mark.parametrize(
    ("start", "end", "expected"),
    [
        pytest.param(5, 5, [], id="nothing"),
        pytest.param(5, 65, [LevelRange("minute", 5, 65)], id="no whole hour"),
        pytest.param(60, 120, [LevelRange("hour", 1, 2)], id="one hour"),
        pytest.param(
            59,
            121,
            [LevelRange("minute", 59, 60), LevelRange("minute", 120, 121), LevelRange("hour", 1, 2)],
            id="edges",
        ),
        pytest.param(17 * HOUR, 41 * HOUR, [LevelRange("day", 1, 2)], id="a day of UTC+7 begins at 17:00"),
        pytest.param(
            16 * HOUR + 30,
            42 * HOUR,
            [LevelRange("minute", 990, 1020), LevelRange("day", 1, 2), LevelRange("hour", 41, 42)],
            id="day with a half hour before and an hour behind",
        ),
        pytest.param(0, 24 * HOUR, [LevelRange("hour", 0, 24)], id="24 hours that are no day"),
    ],
)
def test_pieces(start: int, end: int, expected: list[LevelRange]) -> None:
    assert split_by_level(start, end, 7) == expected


@settings(max_examples=60)
@given(st.integers(0, 2 * DAY), st.integers(0, 3 * DAY), st.integers(-12, 14))
def test_each_minute_lies_in_exactly_one_piece(start: int, length: int, zone_hours: int) -> None:
    covered: list[int] = []
    for piece in split_by_level(start, start + length, zone_hours):
        offset = zone_hours * HOUR if piece.level == "day" else 0
        size = LENGTH[piece.level]
        covered += range(piece.start * size - offset, piece.end * size - offset)
    assert sorted(covered) == list(range(start, start + length))
