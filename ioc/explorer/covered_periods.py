"""The period that each point of a series covers, and whether its value is provisional."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from ioc.model.window import Window, WindowKind

_MILLISECOND = timedelta(milliseconds=1)
_CALENDAR = frozenset({WindowKind.TODAY, WindowKind.MONTH, WindowKind.QUARTER, WindowKind.YEAR})


@dataclass(frozen=True, slots=True)
class CoveredPeriod:
    """The window [start, end) in UTC of the value at `end`; `start` is None where it has no beginning.

    `partial` says why the value does not cover a whole period: `running` (the calendar period goes on after `end`)
    or `data` (data began after the period did); empty for a whole period.
    """

    start: datetime | None
    end: datetime
    partial: str = ""


def covered_periods(
    window: Window, ends: Sequence[datetime], zone: ZoneInfo, first_day: date | None = None
) -> tuple[CoveredPeriod, ...]:
    """Return one entry per point.

    `first_day` is the first local day with data for everything behind the KPI.
    """
    return tuple(_covered(window, end, zone, first_day) for end in ends)


def _covered(window: Window, end: datetime, zone: ZoneInfo, first_day: date | None) -> CoveredPeriod:
    start, until = window.bounds(end - _MILLISECOND, zone)
    if window.kind in (WindowKind.NOW, WindowKind.ALWAYS):
        return CoveredPeriod(None, until)
    if window.kind in _CALENDAR and window.bounds(until, zone)[0] == start:
        return CoveredPeriod(start, until, "running")
    if first_day is not None and start.astimezone(zone).date() < first_day:
        return CoveredPeriod(start, until, "data")
    return CoveredPeriod(start, until)
