"""Durations as people write them."""

from datetime import timedelta

import pytest

from ioc.model.duration import MINUTES_AND_LONGER, DurationInvalid, parse_duration, parse_working_days
from ioc.model.window import Window


@pytest.mark.parametrize(
    ("text", "length"),
    [
        ("500ms", timedelta(milliseconds=500)),
        ("30s", timedelta(seconds=30)),
        ("15m", timedelta(minutes=15)),
        ("24h", timedelta(hours=24)),
        ("7d", timedelta(days=7)),
        ("999999d", timedelta(days=999_999)),
    ],
)
def test_durations(text: str, length: timedelta) -> None:
    assert parse_duration(text) == length


@pytest.mark.parametrize(
    ("text", "words"),
    [
        pytest.param("", "not a duration", id="nothing"),
        pytest.param("0m", "not a duration", id="zero"),
        pytest.param("05m", "not a duration", id="a leading zero"),
        pytest.param("-5m", "not a duration", id="negative"),
        pytest.param("1.5h", "not a duration", id="a fraction"),
        pytest.param("15 m", "not a duration", id="a space"),
        pytest.param("15m\n", "not a duration", id="a line end"),
        pytest.param("15", "not a duration", id="no unit"),
        pytest.param("15M", "not a duration", id="a unit in capitals"),
        pytest.param("15w", "not a duration", id="an unknown unit"),
        pytest.param("1wd", "not a duration", id="working days are not a length"),
        pytest.param("١٥m", "not a duration", id="digits of another script"),
        pytest.param("1000000d", "longer than 999999 days", id="beyond the range of dates"),
        pytest.param("9" * 17 + "s", "not a duration", id="too many digits"),
    ],
)
def test_refused(text: str, words: str) -> None:
    with pytest.raises(DurationInvalid, match=words):
        parse_duration(text)


def test_only_the_units_of_the_place_are_taken_and_named() -> None:
    with pytest.raises(DurationInvalid, match=r"'30s' is not a duration such as 15m, 24h, 7d$"):
        parse_duration("30s", MINUTES_AND_LONGER)
    with pytest.raises(DurationInvalid):
        parse_duration("1000000m", MINUTES_AND_LONGER, max_digits=6)


@pytest.mark.parametrize(
    ("text", "days"), [("15wd", 15), ("9999wd", 9999), ("10000wd", None), ("15d", None), ("0wd", None)]
)
def test_working_days(text: str, days: int | None) -> None:
    assert parse_working_days(text) == days


def test_a_window_of_a_number_beyond_all_bounds_is_refused_not_a_crash() -> None:
    with pytest.raises(ValueError, match="is none of now"):
        Window.parse("9" * 400 + "d")
