"""Periods: how they are written, where they begin and end in the province's zone, what stood before them."""

from datetime import UTC, datetime
from itertools import pairwise

import pytest

from ioc.reports.periods import (
    PeriodLength,
    PeriodUnfit,
    before,
    closed_span,
    days_of,
    name_of,
    parse_span,
    year_before,
)
from ioc.settings import VIETNAM


@pytest.mark.parametrize(
    ("length", "text", "start", "end", "earlier", "last_year", "name"),
    [
        ("month", "2026-01", "2025-12-31T17", "2026-01-31T17", "2025-12", "2025-01", "tháng 01/2026"),
        ("quarter", "2026-Q1", "2025-12-31T17", "2026-03-31T17", "2025-Q4", "2025-Q1", "quý I/2026"),
        pytest.param("year", "2025", "2024-12-31T17", "2025-12-31T17", "2024", "2024", "năm 2025", id="year"),
        pytest.param(
            "week", "2026-W01", "2025-12-28T17", "2026-01-04T17", "2025-W52", "2025-W01", "tuần 1 (29/12–04/01/2026)",
            id="a week of two years",
        ),
        pytest.param(
            "week", "2026-W53", "2026-12-27T17", "2027-01-03T17", "2026-W52", "2025-W52", "tuần 53 (28/12–03/01/2027)",
            id="a 53rd week",
        ),
    ],
)  # fmt: skip
def test_a_period(length: str, text: str, start: str, end: str, earlier: str, last_year: str, name: str) -> None:
    span = parse_span(PeriodLength(length), text, VIETNAM)
    assert span.start == datetime.fromisoformat(f"{start}:00+00:00")
    assert span.end == datetime.fromisoformat(f"{end}:00+00:00")
    assert before(span, VIETNAM).label == earlier
    assert before(span, VIETNAM).end == span.start
    assert year_before(span, VIETNAM).label == last_year
    assert name_of(span, "vi", VIETNAM) == name


@pytest.mark.parametrize(
    ("length", "text"),
    [
        ("month", "2026-13"), ("month", "2026-Q1"), ("month", "2026"), ("month", "26-10"), ("month", "0000-10"),
        ("quarter", "2026-Q5"), ("week", "2026-W54"), ("week", "2025-W53"), ("year", "2026-01"), ("year", "../2026"),
    ],
)  # fmt: skip
def test_an_invalid_period_is_refused(length: str, text: str) -> None:
    with pytest.raises(PeriodUnfit, match=f"is not a {length}; write it as"):
        parse_span(PeriodLength(length), text, VIETNAM)


def test_the_period_that_ended_last() -> None:
    just_over = datetime(2026, 10, 31, 17, 0, tzinfo=UTC)
    assert closed_span(PeriodLength.MONTH, just_over, VIETNAM).label == "2026-10"
    assert closed_span(PeriodLength.MONTH, just_over.replace(hour=16, minute=59), VIETNAM).label == "2026-09"


def test_days_of_a_week_join_without_a_gap() -> None:
    span = parse_span(PeriodLength.WEEK, "2026-W47", VIETNAM)
    days = days_of(span)
    assert (len(days), days[0][0], days[-1][1]) == (7, span.start, span.end)
    assert all(earlier[1] == later[0] for earlier, later in pairwise(days))
