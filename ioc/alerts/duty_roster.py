"""List who is on duty from when to when, and which hours no shift covers."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from itertools import pairwise
from zoneinfo import ZoneInfo

from ioc.alerts.schedules import people_on_shift
from ioc.model.routing import Schedule


class DutyKind(StrEnum):
    """Why these people are on duty."""

    SHIFT = "shift"
    EXCEPTION = "exception"
    OTHERWISE = "otherwise"
    """No shift covers these hours: the schedule's stand-ins are on duty, if it names any."""


@dataclass(frozen=True, slots=True)
class DutyPeriod:
    """The people on duty in [since, until), aware times; `why` is the reason of an exception."""

    since: datetime
    until: datetime
    kind: DutyKind
    people: tuple[str, ...]
    why: str = ""


def duty_periods(schedule: Schedule, since: datetime, until: datetime, zone: ZoneInfo) -> tuple[DutyPeriod, ...]:
    """Return the periods that make up [since, until), ascending; neighbours with the same people are merged."""
    edges = sorted({since, until, *(edge for edge in _edges(schedule, since, until, zone) if since < edge < until)})
    found: list[DutyPeriod] = []
    for start, end in pairwise(edges):
        kind, people, why = _at(schedule, start.astimezone(zone))
        last = found[-1] if found else None
        if last is not None and (last.kind, last.people, last.why) == (kind, people, why):
            found[-1] = DutyPeriod(last.since, end, kind, people, why)
        else:
            found.append(DutyPeriod(start, end, kind, people, why))
    return tuple(found)


def _at(schedule: Schedule, local: datetime) -> tuple[DutyKind, tuple[str, ...], str]:
    for exception in reversed(schedule.exceptions):
        if exception.since <= local < exception.until:
            return DutyKind.EXCEPTION, exception.people, exception.why
    people = people_on_shift(schedule, local)
    return (DutyKind.SHIFT, people, "") if people else (DutyKind.OTHERWISE, schedule.otherwise, "")


def _edges(schedule: Schedule, since: datetime, until: datetime, zone: ZoneInfo) -> Iterator[datetime]:
    """Yield the moments at which duty may change: shift times of every day, and the ends of exceptions."""
    for exception in schedule.exceptions:
        yield from (exception.since, exception.until)
    day, last = since.astimezone(zone).date(), until.astimezone(zone).date()
    times = {clock for shift in schedule.shifts for clock in (shift.since, shift.until)}
    times |= {datetime.min.time()}
    while day <= last:
        for clock in times:
            yield datetime.combine(day, clock, zone).astimezone(UTC)
        day += timedelta(days=1)
