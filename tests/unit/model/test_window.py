"""Windows begin at calendar borders of the province's zone and end with the running minute."""

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from ioc.model.window import Window

ZONE = ZoneInfo("Asia/Ho_Chi_Minh")


def local(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=ZONE)


@pytest.mark.parametrize(
    ("text", "now", "start"),
    [
        pytest.param("today", "2026-11-22 00:00:00", "2026-11-22 00:00", id="midnight belongs to the new day"),
        pytest.param("today", "2026-11-22 06:59:59", "2026-11-22 00:00", id="before 7 the UTC date is yesterday's"),
        pytest.param("month", "2026-12-01 00:00:30", "2026-12-01 00:00", id="a month begins"),
        pytest.param("quarter", "2026-12-31 23:59:59", "2026-10-01 00:00", id="last second of a quarter"),
        pytest.param("quarter", "2026-04-01 00:00:00", "2026-04-01 00:00", id="first second of a quarter"),
        pytest.param("year", "2026-11-22 08:00:00", "2026-01-01 00:00", id="year to date"),
        pytest.param("24h", "2026-11-22 08:41:10", "2026-11-21 08:42", id="sliding day ends with the running minute"),
        pytest.param("5m", "2026-11-22 08:41:10", "2026-11-22 08:37", id="five whole minutes"),
    ],
)
def test_bounds(text: Any, now: Any, start: Any) -> None:
    begin, end = Window.parse(text).bounds(local(now), ZONE)
    assert begin == local(start)
    assert end == local(now).replace(second=0) + timedelta(minutes=1)
    assert begin.tzinfo is UTC


@pytest.mark.parametrize(
    ("text", "now", "start", "end"),
    [
        pytest.param("yesterday", "2026-11-22 00:00:00", "2026-11-21", "2026-11-22", id="ends where today begins"),
        pytest.param("yesterday", "2026-03-01 12:00:00", "2026-02-28", "2026-03-01", id="over the end of February"),
        pytest.param("last_month", "2026-01-31 23:59:59", "2025-12-01", "2026-01-01", id="December from January"),
        pytest.param("last_quarter", "2026-02-10 08:00:00", "2025-10-01", "2026-01-01", id="quarter of the old year"),
        pytest.param("last_quarter", "2026-12-31 08:00:00", "2026-07-01", "2026-10-01", id="third quarter"),
        pytest.param("last_year", "2026-01-01 00:00:00", "2025-01-01", "2026-01-01", id="year that is just over"),
    ],
)
def test_closed_windows(text: Any, now: Any, start: Any, end: Any) -> None:
    window = Window.parse(text)
    assert window.closed
    assert window.bounds(local(now), ZONE) == (local(f"{start} 00:00"), local(f"{end} 00:00"))


@pytest.mark.parametrize("text", ["", "last", "0m", "5", "5s", "week", "-1h"])
def test_other_words_are_no_window(text: Any) -> None:
    with pytest.raises(ValueError, match="is none of"):
        Window.parse(text)
