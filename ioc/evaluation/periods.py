"""Closed periods: days, months, quarters and years of the province's zone that are over."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from itertools import islice
from zoneinfo import ZoneInfo

from ioc.model.window import Window, WindowKind
from ioc.store.times import aware


class PeriodKind(StrEnum):
    DAY = "day"
    MONTH = "month"
    QUARTER = "quarter"
    YEAR = "year"


KIND_OF = {
    WindowKind.TODAY: PeriodKind.DAY,
    WindowKind.YESTERDAY: PeriodKind.DAY,
    WindowKind.MONTH: PeriodKind.MONTH,
    WindowKind.LAST_MONTH: PeriodKind.MONTH,
    WindowKind.QUARTER: PeriodKind.QUARTER,
    WindowKind.LAST_QUARTER: PeriodKind.QUARTER,
    WindowKind.YEAR: PeriodKind.YEAR,
    WindowKind.LAST_YEAR: PeriodKind.YEAR,
}
"""The period that a window covers once it is over; other windows have none."""
_LAST = {
    PeriodKind.DAY: Window(WindowKind.YESTERDAY),
    PeriodKind.MONTH: Window(WindowKind.LAST_MONTH),
    PeriodKind.QUARTER: Window(WindowKind.LAST_QUARTER),
    PeriodKind.YEAR: Window(WindowKind.LAST_YEAR),
}


@dataclass(frozen=True, slots=True, order=True)
class Period:
    """[start, end) in UTC."""

    kind: PeriodKind
    start: datetime
    end: datetime


def closed_periods(kind: PeriodKind, now: datetime, zone: ZoneInfo, count: int) -> list[Period]:
    """Return the `count` periods that ended last, the latest first."""
    return list(islice(_backwards(kind, now, zone), count))


def period_from(kind: str, start: datetime, end: datetime) -> Period:
    """Return a period from the store's naive UTC times."""
    return Period(PeriodKind(kind), aware(start), aware(end))


def _backwards(kind: PeriodKind, now: datetime, zone: ZoneInfo) -> Iterator[Period]:
    while True:
        start, end = _LAST[kind].bounds(now, zone)
        yield Period(kind, start, end)
        now = start
