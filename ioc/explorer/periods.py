"""The time that each point of a series covers, and whether its value is still provisional."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import duckdb

from ioc.catalog import Catalog
from ioc.evaluation.reach import leaves
from ioc.model.kpi import KpiDefinition
from ioc.model.window import Window, WindowKind

_MILLISECOND = timedelta(milliseconds=1)
_CALENDAR = frozenset({WindowKind.TODAY, WindowKind.MONTH, WindowKind.QUARTER, WindowKind.YEAR})
_FIRST_HEARD = {
    "measure": "SELECT min(day) FROM day_panes JOIN measure_codes ON code = measure WHERE id = ?",
    "case_type": "SELECT min(updated_at) FROM case_changes WHERE case_type = ?",
}


@dataclass(frozen=True, slots=True)
class CoveredPeriod:
    """[start, end) in UTC, the window of the value at `end`; `start` is None where the window has no beginning.

    `partial` says why the value is not that of a whole period: `running` (the calendar period goes on after `end`) or
    `data` (data began only after the period did); empty for a whole period.
    """

    start: datetime | None
    end: datetime
    partial: str = ""


def covered_periods(
    window: Window, ends: Sequence[datetime], zone: ZoneInfo, first_day: date | None = None
) -> tuple[CoveredPeriod, ...]:
    """One entry per point. `first_day` is the first local day with data of everything behind the KPI."""
    return tuple(_covered(window, end, zone, first_day) for end in ends)


def first_day_of_data(
    cursor: duckdb.DuckDBPyConnection, catalog: Catalog, definition: KpiDefinition, zone: ZoneInfo
) -> date | None:
    """The first local day on which all measures and case types behind a KPI had data; None while one of them has none."""
    latest: date | None = None
    for word in dict.fromkeys(leaf.word for leaf in leaves(definition, catalog)):
        kind, name = word
        [(found,)] = cursor.execute(_FIRST_HEARD[kind], [name]).fetchall()
        if found is None:
            return None
        day = (
            found.replace(tzinfo=UTC).astimezone(zone).date()
            if isinstance(found, datetime)
            else date(1970, 1, 1) + timedelta(days=found)
        )
        latest = day if latest is None else max(latest, day)
    return latest


def _covered(window: Window, end: datetime, zone: ZoneInfo, first_day: date | None) -> CoveredPeriod:
    start, until = window.bounds(end - _MILLISECOND, zone)
    if window.kind in (WindowKind.NOW, WindowKind.ALWAYS):
        return CoveredPeriod(None, until)
    if window.kind in _CALENDAR and window.bounds(until, zone)[0] == start:
        return CoveredPeriod(start, until, "running")
    if first_day is not None and start.astimezone(zone).date() < first_day:
        return CoveredPeriod(start, until, "data")
    return CoveredPeriod(start, until)
