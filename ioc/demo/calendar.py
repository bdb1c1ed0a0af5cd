"""Calculate with the working days of Vietnamese offices.

These are Monday to Friday without public holidays (Labour Code 2019, article 112).

Days are counted since 1970-01-01 in the province's zone.
"""

from datetime import date, timedelta

import numpy as np
import numpy.typing as npt

from ioc.demo.noise import Ints

EPOCH = date(1970, 1, 1)
MS_A_DAY = 86_400_000
MS_AN_HOUR = 3_600_000
MS_A_MINUTE = 60_000
# First day of the lunar year.
TET = (
    date(2024, 2, 10),
    date(2025, 1, 29),
    date(2026, 2, 17),
    date(2027, 2, 6),
    date(2028, 1, 26),
    date(2029, 2, 13),
    date(2030, 2, 3),
)
# Tenth day of the third lunar month.
HUNG_KINGS = (
    date(2024, 4, 18),
    date(2025, 4, 7),
    date(2026, 4, 26),
    date(2027, 4, 16),
    date(2028, 4, 4),
    date(2029, 4, 23),
    date(2030, 4, 12),
)
_FIXED = ((1, 1), (4, 30), (5, 1), (9, 1), (9, 2))


def day_number(day: date) -> int:
    """Return the number of a day."""
    return (day - EPOCH).days


def date_of(day: int) -> date:
    """Return the date of a day's number."""
    return EPOCH + timedelta(days=day)


def _holidays() -> npt.NDArray[np.datetime64]:
    days = {date(year, month, day) for year in range(2024, 2031) for month, day in _FIXED}
    days.update(tet + timedelta(days=offset) for tet in TET for offset in range(-2, 5))
    days.update(HUNG_KINGS)
    return np.array(sorted(days), "datetime64[D]")


_OFFICES = np.busdaycalendar(weekmask="1111100", holidays=_holidays())
_TET_DAYS = np.array([day_number(day) for day in TET], np.int64)


def _dates(days: Ints) -> npt.NDArray[np.datetime64]:
    return np.asarray(days, np.int64).astype("datetime64[D]")


def is_working(days: Ints) -> npt.NDArray[np.bool_]:
    """Return for each day whether offices work."""
    return np.asarray(np.is_busday(_dates(days), busdaycal=_OFFICES))


def working_day(days: Ints, offset: Ints | int = 0) -> Ints:
    """Return the `offset`-th working day after the first working day on or after each day."""
    moved = np.busday_offset(_dates(days), offset, roll="forward", busdaycal=_OFFICES)
    return np.asarray(moved.astype(np.int64))


def weekday(days: Ints) -> Ints:
    """Return the weekday of each day, 0 for Monday; 1970-01-01 was a Thursday."""
    return np.asarray((np.asarray(days) + 3) % 7)


def days_to_tet(days: Ints) -> Ints:
    """Return the days until the next lunar new year, 0 on the day itself; a large number after the last known one."""
    at = np.searchsorted(_TET_DAYS, days)
    known = np.append(_TET_DAYS, np.int64(10**6))
    return np.asarray(known[at] - days)


def month(days: Ints) -> Ints:
    """Return the month of each day, 1 to 12."""
    return np.asarray(_dates(days).astype("datetime64[M]").astype(np.int64) % 12 + 1)
