"""Which closed periods of which KPIs late or corrected data reaches."""

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
from ioc.evaluation.source_freshness import Word, word_of
from ioc.model.kpi import Formula, KpiDefinition, MeasureAggregate
from ioc.model.window import Window
from ioc.store.source_feeds import CASE_TYPE

_DAY = timedelta(days=1)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_COLUMNS = ("received_at", "due_at", "closed_at", "updated_at")
_ANY = ""


@dataclass(frozen=True, slots=True)
class Leaf:
    """What a KPI asks of the data in the end: a word, of cases the column that must lie in the window, the window."""

    word: Word
    at: str
    window: Window


def leaves(definition: KpiDefinition, catalog: Catalog) -> tuple[Leaf, ...]:
    """Of a formula those of its parts, each once."""
    return tuple(dict.fromkeys(_leaves(definition, catalog)))


def _leaves(definition: KpiDefinition, catalog: Catalog) -> Iterator[Leaf]:
    expression = definition.expression
    if isinstance(expression, Formula):
        for part in expression.parts:
            yield from _leaves(catalog.kpis[part], catalog)
    elif word := word_of(definition):
        at = "" if isinstance(expression, MeasureAggregate) else expression.at
        yield Leaf(word, at, definition.window)


@dataclass(frozen=True)
class Reached:
    """Days (since 1970, of the zone, sorted) by word and column; measures have the column ''. A column that is not
    among the keys of its case type is taken to reach the days of every column and all between."""

    days: Mapping[tuple[Word, str], Sequence[int]]
    zone_hours: int

    def touches(self, leaf: Leaf, period: Period, zone: ZoneInfo) -> bool:
        """Whether any of it lies in the leaf's window at the end of the period."""
        at = period.end if leaf.window.closed else period.end - timedelta(milliseconds=1)
        start, end = (self._day(moment) for moment in leaf.window.bounds(at, zone))
        days = self.days.get((leaf.word, leaf.at))
        if days is not None:
            place = bisect_left(days, start)
            return place < len(days) and days[place] < max(end, start + 1)
        spread = [day for (word, _), some in self.days.items() if word == leaf.word for day in some]
        return bool(spread) and min(spread) < max(end, start + 1) and max(spread) >= start

    def _day(self, moment: datetime) -> int:
        return (moment - _EPOCH + timedelta(hours=self.zone_hours)) // _DAY


def read_reached(cursor: duckdb.DuckDBPyConnection, words: Iterable[Word], until: datetime, zone_hours: int) -> Reached:
    """What the batches of `late_batches` up to `until` (naive UTC) reached, of these words: the days of readings as the
    batches tell them, those of cases from all versions of the cases that changed."""
    days: dict[tuple[Word, str], set[int]] = defaultdict(set)
    for kind, word in words:
        rows = cursor.execute(
            "SELECT DISTINCT first_day, last_day FROM late_batches WHERE kind = ? AND word = ? AND applied_at <= ?",
            [kind, word, until],
        ).fetchall()
        if kind != CASE_TYPE:
            for first, last in rows:
                days[(kind, word), _ANY].update(range(first, last + 1))
            continue
        for column in _COLUMNS:
            found = cursor.execute(_DAYS_OF_CASES.format(column=column), [zone_hours, word, word, until]).fetchall()
            days[(kind, word), column].update(day for (day,) in found)
        # A state that holds at a moment is touched from the earliest change on.
        days[(kind, word), _ANY].update(days[(kind, word), "updated_at"])
    return Reached({key: sorted(some) for key, some in days.items()}, zone_hours)


_DAYS_OF_CASES = """
SELECT DISTINCT (epoch_ms({column}) // 3600000 + ?) // 24 FROM case_changes
WHERE case_type = ? AND {column} IS NOT NULL AND case_id IN (
    SELECT case_id FROM case_changes WHERE case_type = ? AND date_trunc('millisecond', applied_at) IN (
        SELECT date_trunc('millisecond', applied_at) FROM late_batches WHERE applied_at <= ?))"""
