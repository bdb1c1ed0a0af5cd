"""Find which closed periods of which KPIs late or corrected data affects."""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import duckdb

from ioc.catalog import Catalog
from ioc.evaluation.periods import Period
from ioc.evaluation.source_freshness import FeedKey, feed_key
from ioc.model.kpi import Formula, KpiDefinition, MeasureAggregate
from ioc.model.window import Window
from ioc.store.source_feeds import CASE_TYPE

_DAY = timedelta(days=1)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_COLUMNS = ("received_at", "due_at", "closed_at", "updated_at")
_ANY = ""


@dataclass(frozen=True, slots=True)
class KpiInput:
    """An input of a KPI: measure or case type, the time column of cases that must lie in the window, and the window."""

    key: FeedKey
    at: str
    window: Window


def kpi_inputs(definition: KpiDefinition, catalog: Catalog) -> tuple[KpiInput, ...]:
    """Return the inputs of a KPI, of a formula those of its parts, each once."""
    return tuple(dict.fromkeys(_leaves(definition, catalog)))


def _leaves(definition: KpiDefinition, catalog: Catalog) -> Iterator[KpiInput]:
    expression = definition.expression
    if isinstance(expression, Formula):
        for part in expression.parts:
            yield from _leaves(catalog.kpis[part], catalog)
    elif key := feed_key(definition):
        at = "" if isinstance(expression, MeasureAggregate) else expression.at
        yield KpiInput(key, at, definition.window)


@dataclass(frozen=True)
class AffectedDays:
    """Affected days (since 1970, of the zone, sorted) by feed key and column; measures have the column ''.

    A column that is not among the keys of its case type is assumed to affect the days of every column and all between.
    """

    days: Mapping[tuple[FeedKey, str], Sequence[int]]
    zone_hours: int

    def touches(self, needed: KpiInput, period: Period, zone: ZoneInfo) -> bool:
        """Return whether any of the days lies in the input's window at the end of the period."""
        at = period.end if needed.window.closed else period.end - timedelta(milliseconds=1)
        start, end = (self._day(moment) for moment in needed.window.bounds(at, zone))
        days = self.days.get((needed.key, needed.at))
        if days is not None:
            position = bisect_left(days, start)
            return position < len(days) and days[position] < max(end, start + 1)
        spread = [day for (key, _), some in self.days.items() if key == needed.key for day in some]
        return bool(spread) and min(spread) < max(end, start + 1) and max(spread) >= start

    def _day(self, moment: datetime) -> int:
        return (moment - _EPOCH + timedelta(hours=self.zone_hours)) // _DAY


def read_affected_days(
    cursor: duckdb.DuckDBPyConnection, keys: Iterable[FeedKey], until: datetime, zone_hours: int
) -> AffectedDays:
    """Read which days the batches of `late_batches` up to `until` (naive UTC) affect, for these feed keys.

    Days of readings come from the batches, days of cases from all versions of the cases that changed.
    """
    days: dict[tuple[FeedKey, str], set[int]] = defaultdict(set)
    for kind, key in keys:
        rows = cursor.execute(
            "SELECT DISTINCT first_day, last_day FROM late_batches WHERE kind = ? AND word = ? AND applied_at <= ?",
            [kind, key, until],
        ).fetchall()
        if kind != CASE_TYPE:
            for first, last in rows:
                days[(kind, key), _ANY].update(range(first, last + 1))
            continue
        for column in _COLUMNS:
            found = cursor.execute(_DAYS_OF_CASES.format(column=column), [zone_hours, key, key, until]).fetchall()
            days[(kind, key), column].update(day for (day,) in found)
        # A state at a moment is affected from the earliest change on.
        days[(kind, key), _ANY].update(days[(kind, key), "updated_at"])
    return AffectedDays({key: sorted(some) for key, some in days.items()}, zone_hours)


_DAYS_OF_CASES = """
SELECT DISTINCT (epoch_ms({column}) // 3600000 + ?) // 24 FROM case_changes
WHERE case_type = ? AND {column} IS NOT NULL AND case_id IN (
    SELECT case_id FROM case_changes WHERE case_type = ? AND date_trunc('millisecond', applied_at) IN (
        SELECT date_trunc('millisecond', applied_at) FROM late_batches WHERE applied_at <= ?))"""
