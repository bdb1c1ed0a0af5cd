"""Working days: weekends, days off, days worked in their place, and where the calendar ends."""

from __future__ import annotations

from datetime import date

import pytest

from ioc.model.calendar import Calendar, Mark, YearState

WHY = Mark({"vi": "v", "en": "e"}, "b")
CALENDAR = Calendar(
    date(2026, 1, 1),
    date(2026, 12, 31),
    {date(2026, 8, 31): WHY, date(2026, 9, 1): WHY, date(2026, 9, 2): Mark({}, "b", certain=False)},
    {date(2026, 8, 22): WHY},
    {2026: YearState.DECIDED},
)


@pytest.mark.parametrize(
    ("since", "until", "days"),
    [
        pytest.param("2026-08-17", "2026-08-17", 0, id="the same day"),
        pytest.param("2026-08-17", "2026-08-18", 1, id="the day itself does not count, the last does"),
        pytest.param("2026-08-21", "2026-08-23", 1, id="a Saturday that is worked"),
        pytest.param("2026-08-28", "2026-09-03", 1, id="a weekend and three days off"),
        pytest.param("2026-09-03", "2026-08-28", -1, id="backwards"),
        pytest.param("2026-08-29", "2026-08-30", 0, id="within a weekend"),
    ],
)
def test_working_days(since: str, until: str, days: int) -> None:
    assert CALENDAR.working_days(date.fromisoformat(since), date.fromisoformat(until)) == days


@pytest.mark.parametrize(
    ("since", "days", "until"),
    [
        pytest.param("2026-08-28", 1, "2026-09-03", id="over a weekend and three days off"),
        pytest.param("2026-08-21", 1, "2026-08-22", id="to a Saturday that is worked"),
        pytest.param("2026-08-29", 0, "2026-08-29", id="none"),
    ],
)
def test_add_working_days(since: str, days: int, until: str) -> None:
    assert CALENDAR.add_working_days(date.fromisoformat(since), days) == date.fromisoformat(until)


def test_what_the_calendar_does_not_know_is_said() -> None:
    with pytest.raises(ValueError, match="2027-01-01 lies outside 2026-01-01 to 2026-12-31"):
        CALENDAR.is_working(date(2027, 1, 1))
    with pytest.raises(ValueError, match="where the calendar ends"):
        CALENDAR.add_working_days(date(2026, 12, 30), 5)
    assert CALENDAR.state_of(2026) is YearState.DECIDED
    assert CALENDAR.is_certain(date(2026, 8, 31))
    assert not CALENDAR.is_certain(date(2026, 9, 2))
