"""What a case's clock says, counted again in plain Python, day by day and version by version."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, time, timedelta
from typing import Any

from ioc.model.calendar import Calendar
from ioc.model.case import Case, CaseClock
from ioc.settings import VIETNAM

DAY = timedelta(days=1)
MS = timedelta(milliseconds=1)
OFF_2026 = {
    *(date(2026, 1, day) for day in (1, 2)), *(date(2026, 2, day) for day in (16, 17, 18, 19, 20)),
    date(2026, 4, 27), date(2026, 4, 30), date(2026, 5, 1), date(2026, 8, 31), date(2026, 9, 1), date(2026, 9, 2),
}  # fmt: skip
MADE_UP_2026 = {date(2026, 1, 10), date(2026, 8, 22)}
CALENDAR = Calendar(
    date(2025, 1, 1), date(2027, 12, 31),
    dict.fromkeys(OFF_2026, None), dict.fromkeys(MADE_UP_2026, None),  # type: ignore[arg-type]
)  # fmt: skip
"""Only the days count here."""


def is_working(day: date) -> bool:
    return day in MADE_UP_2026 or (day.weekday() < 5 and day not in OFF_2026)


def day_of(moment: datetime) -> date:
    return moment.astimezone(VIETNAM).date()


def end_of(day: date) -> datetime:
    return datetime.combine(day + DAY, time(), VIETNAM) - MS


def later(day: date, days: int) -> date:
    while days:
        day += DAY
        days -= is_working(day)
    return day


def days_between(since: datetime, until: datetime) -> int:
    first, last = day_of(since), day_of(until)
    return sum(is_working(first + DAY * n) for n in range(1, (last - first).days + 1))


def moved(moment: datetime, days: int) -> datetime:
    if days == 0:
        return moment
    day = day_of(moment - MS)
    return end_of(later(day, days)) + MS - (datetime.combine(day + DAY, time(), VIETNAM) - moment)


def holding(versions: Sequence[Case], until: datetime | None = None) -> list[Case]:
    """One version a time, in the order of time, before `until`; of those of one time the one that arrived last.
    `versions` in the order of arrival; one that comes again changes nothing."""
    held: dict[datetime, Case] = {}
    seen: list[Case] = []
    for version in versions:
        if version not in seen:
            seen.append(version)
            held[version.updated_at] = version
    return [version for at, version in sorted(held.items()) if until is None or at < until]


def clock_says(versions: Sequence[Case], clock: CaseClock) -> tuple[datetime | None, int]:
    """`deadline_at` and `pauses` after all the versions (holding ones, in order)."""
    last = versions[-1]
    stops: list[list[datetime | None]] = []
    stands, promised_at, promise = False, None, None
    for version in versions:
        stand = version.status in clock.pauses_in and version.closed_at is None
        if stand and not stands:
            stops.append([version.updated_at, None])
        elif stands and not stand:
            stops[-1][1] = version.updated_at
        stands = stand
        if version.due_at != promise:
            promise, promised_at = version.due_at, version.updated_at
    due = last.due_at
    if due is None:
        if clock.due_in is None:
            return None, len(stops)
        promised_at, received = None, day_of(last.received_at)
        due = end_of(later(received, clock.due_in) if clock.working else received + DAY * clock.due_in)
    stood: Any = 0 if clock.working else timedelta()
    for since, until in stops:
        assert since is not None
        since = max(since, promised_at or since)
        if until is not None and until <= since:
            continue
        if since > (moved(due, stood) if clock.working else due + stood):
            break
        if until is None:
            return None, len(stops)
        stood += days_between(since, until) if clock.working else until - since
    return (moved(due, stood) if clock.working else due + stood), len(stops)
