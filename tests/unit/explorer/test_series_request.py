"""Times of points, and what is refused."""

from datetime import UTC, datetime, timedelta

import pytest

from ioc.explorer.series_request import MONTH, a_year_before, stretch
from ioc.settings import VIETNAM


def at(text: str) -> datetime:
    """A day, or a time, of the province."""
    return datetime.fromisoformat(text).replace(tzinfo=VIETNAM).astimezone(UTC)


@pytest.mark.parametrize(
    ("start", "end", "step", "times"),
    [
        pytest.param("2026-11-01", "2026-11-03", "1d", ["2026-11-02", "2026-11-03"], id="the end of each day"),
        pytest.param("2026-01-15", "2026-03-31", MONTH, ["2026-02-01", "2026-03-01"], id="months that ended"),
        pytest.param("2025-11-01", "2026-01-01", MONTH, ["2025-12-01", "2026-01-01"], id="over the year's end"),
        pytest.param("2026-11-01", "2026-11-01T05:00", "1d", [], id="less than a step"),
    ],
)
def test_points_stand_at_the_ends_of_steps(start: str, end: str, step: str, times: list[str]) -> None:
    assert stretch(at(start), at(end), step, VIETNAM).times == tuple(map(at, times))


@pytest.mark.parametrize("step", ["", "1", "d", "0d", "1w", "month"])
def test_a_step_of_another_form_is_refused(step: str) -> None:
    with pytest.raises(ValueError, match="is none of"):
        stretch(at("2026-11-01"), at("2026-11-03"), step, VIETNAM)


def test_too_many_points_are_refused() -> None:
    with pytest.raises(ValueError, match="too many"):
        stretch(at("2026-01-01"), at("2026-11-03"), "1h", VIETNAM)


@pytest.mark.parametrize(
    ("start", "step", "before"),
    [
        pytest.param("2026-11-22", "1d", "2025-11-23", id="the same day of the calendar"),
        pytest.param("2024-02-28", "1d", "2023-02-28", id="29 February is 28 in other years"),
        pytest.param("2026-02-15", MONTH, "2025-03-01", id="the same month"),
    ],
)
def test_a_year_before(start: str, step: str, before: str) -> None:
    of = stretch(at(start), at(start) + timedelta(days=40), step, VIETNAM)
    earlier = a_year_before(of, VIETNAM)
    assert earlier.times[0] == at(before)
    assert len(earlier.times) == len(of.times)
