"""Hours in which a rule's alerts may make noise."""

from collections.abc import Callable, Iterable
from datetime import date, datetime, timedelta

from ioc.model.rule import ActiveHours

IsWorkingDay = Callable[[date], bool]
"""The province's calendar: days off, and days made up for."""


def is_active(hours: tuple[ActiveHours, ...], local: datetime, is_working_day: IsWorkingDay) -> bool:
    """Whether one of the stretches holds at a moment of the province's own time; always, when there are none. A
    stretch over midnight belongs to the day on which it began."""
    return not hours or any(_holds(stretch, local, is_working_day) for stretch in hours)


def _holds(stretch: ActiveHours, local: datetime, is_working_day: IsWorkingDay) -> bool:
    return any(_begun_on(stretch, local, day, is_working_day) for day in _days(local))


def _days(local: datetime) -> Iterable[date]:
    return local.date(), local.date() - timedelta(days=1)


def _begun_on(stretch: ActiveHours, local: datetime, day: date, is_working_day: IsWorkingDay) -> bool:
    chosen = is_working_day(day) if stretch.working_days else day.weekday() in stretch.weekdays
    if not chosen:
        return False
    over_midnight = stretch.until <= stretch.since
    if day == local.date():
        return local.time() >= stretch.since and (over_midnight or local.time() < stretch.until)
    return over_midnight and local.time() < stretch.until
