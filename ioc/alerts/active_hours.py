"""Decide whether a rule's alerts may make noise at a time of day and week."""

from collections.abc import Callable, Iterable
from datetime import date, datetime, timedelta

from ioc.model.rule import ActiveHours

IsWorkingDay = Callable[[date], bool]
"""The province's calendar, with public holidays and the days worked instead of them."""


def is_active(hours: tuple[ActiveHours, ...], local: datetime, is_working_day: IsWorkingDay) -> bool:
    """Return whether one of the periods includes `local`, in the province's time zone; True when there are none.

    A period over midnight belongs to the day on which it began.
    """
    return not hours or any(_includes(period, local, is_working_day) for period in hours)


def _includes(period: ActiveHours, local: datetime, is_working_day: IsWorkingDay) -> bool:
    return any(_includes_on(period, local, day, is_working_day) for day in _days(local))


def _days(local: datetime) -> Iterable[date]:
    return local.date(), local.date() - timedelta(days=1)


def _includes_on(period: ActiveHours, local: datetime, day: date, is_working_day: IsWorkingDay) -> bool:
    chosen = is_working_day(day) if period.working_days else day.weekday() in period.weekdays
    if not chosen:
        return False
    over_midnight = period.until <= period.since
    if day == local.date():
        return local.time() >= period.since and (over_midnight or local.time() < period.until)
    return over_midnight and local.time() < period.until
