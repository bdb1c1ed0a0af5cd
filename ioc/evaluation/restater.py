"""Publish values of closed periods once, and record what changes them later.

A value counts as published when its period has been over for SETTLES_AFTER (data under way comes in meanwhile) and no
late data has come for QUIET_FOR, however long ago the period was: so the first load of a history, or of a new source's
past, publishes when it is through and restates nothing. Only a steady stream of late data cannot delay it for longer
than MAX_WAIT. What had no value was not published; it is published when it has one.

The value of a closed period is what the definition gives for it by all that is known, as the windows `yesterday`,
`last_month` … show it. It is computed again when data that reaches into it is applied later, and when the definition
has another version. If it differs, both values, the time and the cause are recorded in the transaction that replaces
the value, so that a crash leaves neither half of it. The batches that may have changed something stay in `late_batches`
until everything they affect has been examined.
"""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import islice
from zoneinfo import ZoneInfo

import duckdb
import numpy as np

from ioc.catalog import Catalog
from ioc.evaluation.affected_periods import KpiInput, kpi_inputs, read_affected_days
from ioc.evaluation.case_sql import timestamp
from ioc.evaluation.freshness import Column
from ioc.evaluation.history import closed_columns
from ioc.evaluation.pane_reader import PaneReader
from ioc.evaluation.periods import KIND_OF, Period, PeriodKind, closed_periods, period_from
from ioc.evaluation.source_freshness import FeedKey
from ioc.model.kpi import KpiDefinition
from ioc.store import Store, transaction
from ioc.store.restatements import PublishedValue, RestatedValue, publish, read_late_batches, republish, restate
from ioc.store.source_feeds import read_feeds
from ioc.store.times import aware, naive

SETTLES_AFTER = timedelta(minutes=15)
QUIET_FOR = timedelta(seconds=60)
MAX_WAIT = timedelta(hours=1)
MAX_DELAY = timedelta(seconds=30)
"""Late data is examined once no more of it came for LULL, and at the latest after this."""
LULL = timedelta(seconds=3)
PERIODS_BACK = {PeriodKind.DAY: 28, PeriodKind.MONTH: 13, PeriodKind.QUARTER: 5, PeriodKind.YEAR: 2}
"""How many past periods are published; longer ones then stay watched for good."""
DAYS_WATCHED = timedelta(days=29)
"""A day is watched while its minutes are kept."""
_AT_ONCE = 8
_SAME = 1e-9
_Published = dict[str, set[Period]]


@dataclass(frozen=True, slots=True)
class RestatementTask:
    """One KPI and some of its periods. `publishes`: values without a row get one; otherwise only rows are compared."""

    kpi: str
    periods: tuple[Period, ...]
    publishes: bool


class Restater:
    """`step` does one small piece of work at a time and belongs to one thread; `restated` may be called from any."""

    def __init__(self, store: Store, zone: ZoneInfo, catalog: Callable[[], Catalog]) -> None:
        self._store = store
        self._zone = zone
        self._get_catalog = catalog
        self._catalog: Catalog | None = None
        self._began: datetime | None = None
        self._published: _Published = {}
        self._empty: _Published = {}
        self._late_at: datetime | None = None
        self._tasks: deque[RestatementTask] = deque()
        self._round_until: datetime | None = None
        self._leaves: dict[str, tuple[KpiInput, ...]] = {}
        self._latest: tuple[Period, ...] = ()
        self._restated: dict[str, dict[str, datetime]] = {}

    def restated(self) -> Mapping[str, Mapping[str, datetime]]:
        """Return when the value of the latest closed period was last restated, by KPI and unit, where it was."""
        return self._restated

    def step(self, now: datetime) -> bool:
        """Do one piece of work; return True when there may be more.

        Raises StoreUnavailable; the piece is then done later.
        """
        with self._store.cursor() as cursor:
            if self._began is None:
                self._began = now
                self._read_published(cursor)
            self._follow_catalog(cursor)
            self._follow_calendar(cursor, now)
            if self._tasks:
                self._do(cursor, self._tasks[0], now)
                self._tasks.popleft()
                return True
            if self._round_until is not None:
                with transaction(cursor, self._store.path):
                    cursor.execute("DELETE FROM late_batches WHERE applied_at <= ?", [self._round_until])
                self._round_until = None
                return True
            return self._begin_round(cursor, now) or self._begin_publishing(cursor, now)

    def put_off(self) -> None:
        """Move the task that the store did not answer to the end."""
        self._tasks.rotate(-1)

    def give_up(self) -> None:
        """Drop the task that failed; its values are compared again when something affects them."""
        if self._tasks:
            task = self._tasks.popleft()
            self._empty[task.kpi].update(task.periods)

    def _read_published(self, cursor: duckdb.DuckDBPyConnection) -> None:
        rows = cursor.execute("SELECT DISTINCT kpi, period, period_from, period_to FROM published_periods").fetchall()
        self._published, self._empty = defaultdict(set), defaultdict(set)
        for kpi, kind, start, end in rows:
            self._published[kpi].add(period_from(kind, start, end))

    def _follow_catalog(self, cursor: duckdb.DuckDBPyConnection) -> None:
        """Compare published values again after a change of their definitions."""
        catalog = self._get_catalog()
        if catalog is self._catalog:
            return
        self._catalog = catalog
        self._leaves = {kpi.id: kpi_inputs(kpi, catalog) for kpi in catalog.kpis.values() if kpi.window.kind in KIND_OF}
        self._empty.clear()
        rows = cursor.execute(
            "SELECT DISTINCT kpi, period, period_from, period_to, definition_version FROM published_periods"
        ).fetchall()
        changed: dict[str, set[Period]] = defaultdict(set)
        for kpi, kind, start, end, version in rows:
            if self._kind(kpi) == kind and catalog.kpis[kpi].version != version:
                changed[kpi].add(period_from(kind, start, end))
        for kpi, periods in changed.items():
            self._tasks += _tasks(kpi, periods, publishes=False)

    def _follow_calendar(self, cursor: duckdb.DuckDBPyConnection, now: datetime) -> None:
        """Note that another period is the latest when one ends."""
        latest = tuple(closed_periods(kind, now, self._zone, 1)[0] for kind in PeriodKind)
        if latest == self._latest:
            return
        self._latest = latest
        self._empty.clear()
        old = naive(now - DAYS_WATCHED)
        with transaction(cursor, self._store.path):
            cursor.execute("DELETE FROM published_periods WHERE period = 'day' AND period_from < ?", [old])
        for periods in self._published.values():
            periods -= {p for p in periods if p.kind is PeriodKind.DAY and naive(p.start) < old}
        self._read_restated(cursor)

    def _read_restated(self, cursor: duckdb.DuckDBPyConnection) -> None:
        """Read when the latest closed periods were last restated."""
        found: dict[str, dict[str, datetime]] = defaultdict(dict)
        for period in self._latest:
            rows = cursor.execute(
                "SELECT kpi, unit, max(restated_at) FROM restatements WHERE period = ? AND period_from = ? "
                "GROUP BY kpi, unit",
                [period.kind.value, naive(period.start)],
            ).fetchall()
            for kpi, unit, at in rows:
                found[kpi][unit] = aware(at)
        self._restated = dict(found)

    def _begin_round(self, cursor: duckdb.DuckDBPyConnection, now: datetime) -> bool:
        """Make tasks of what late data affects, once it has paused for a moment."""
        rows = cursor.execute(
            "SELECT kind, word, min(applied_at), max(applied_at), max(applied_at) FILTER (late > 0) FROM late_batches "
            "GROUP BY ALL"
        ).fetchall()
        if not rows:
            return False
        late_times = [at for *_, at in rows if at is not None]
        if late_times:
            self._late_at = max(late_times).replace(tzinfo=UTC)
        oldest, newest = min(row[2] for row in rows), max(row[3] for row in rows)
        if naive(now) - newest < LULL and naive(now) - oldest < MAX_DELAY:
            return False
        keys: list[FeedKey] = [(kind, word) for kind, word, *_ in rows]
        affected = read_affected_days(cursor, keys, newest, self._store.zone_hours)
        for kpi, inputs in self._leaves.items():
            mine = [leaf for leaf in inputs if leaf.key in keys]
            for known, publishes in ((self._published[kpi], False), (self._empty[kpi], True)):
                of_kind = {p for p in known if p.kind is self._kind(kpi)}
                touched = {p for p in of_kind if any(affected.touches(leaf, p, self._zone) for leaf in mine)}
                if publishes:
                    known -= touched
                elif touched:
                    self._tasks += _tasks(kpi, touched, publishes=False)
        self._round_until = newest
        return True

    def _begin_publishing(self, cursor: duckdb.DuckDBPyConnection, now: datetime) -> bool:
        """Make tasks of periods that are over and settled, and have no rows yet.

        The latest of all KPIs come first, and among those the long ones, which reports wait for.
        """
        assert self._began is not None
        fed = read_feeds(cursor).keys()
        quiet = now - max(self._began, self._late_at or self._began) >= QUIET_FOR
        ranked: list[tuple[int, bool, RestatementTask]] = []
        for kind in PeriodKind:
            settled = [
                period
                for period in closed_periods(kind, now, self._zone, PERIODS_BACK[kind])
                if now - period.end >= SETTLES_AFTER and (quiet or now - max(self._began, period.end) >= MAX_WAIT)
            ]
            for kpi, inputs in self._leaves.items():
                if self._kind(kpi) is kind and all(leaf.key in fed for leaf in inputs):
                    due = set(settled) - self._published[kpi] - self._empty[kpi]
                    tasks = _tasks(kpi, due, publishes=True)
                    ranked += [(rank, kind is PeriodKind.DAY, task) for rank, task in enumerate(tasks)]
        self._tasks += [task for *_, task in sorted(ranked, key=lambda entry: entry[:2])]
        return bool(self._tasks)

    def _do(self, cursor: duckdb.DuckDBPyConnection, task: RestatementTask, now: datetime) -> None:
        """Compute and compare in one snapshot of the store, and write in the same transaction."""
        assert self._catalog is not None
        definition = self._catalog.kpis.get(task.kpi)
        if definition is None or task.kpi not in self._leaves:
            return
        with transaction(cursor, self._store.path):
            before = _read_rows(cursor, task)
            after = {(value.unit, value.period_from): value for value in self._computed(cursor, definition, task, now)}
            fresh = [value for key, value in after.items() if key not in before and value.value is not None]
            pairs = [(before[key], value) for key, value in after.items() if key in before]
            differing = [(old, new) for old, new in pairs if not _is_same(old, new)]
            changes = self._caused(cursor, task.kpi, differing)
            if task.publishes:
                publish(cursor, fresh)
            renamed = [new for old, new in pairs if old.definition_version != new.definition_version]
            replaced = {(new.unit, new.period_from): new for new in (*renamed, *(new for _, new in differing))}
            republish(cursor, list(replaced.values()))
            restate(cursor, changes, now)
        if task.publishes:
            for period in task.periods:
                there = any(value.period_from == period.start for value in fresh) or any(
                    start == period.start for _, start in before
                )
                (self._published if there else self._empty)[task.kpi].add(period)
        elif fresh:
            # More units have a value now; they are published with the next that are, when no more comes.
            self._published[task.kpi] -= {p for p in task.periods if any(p.start == v.period_from for v in fresh)}
        if changes:
            self._read_restated(cursor)

    def _computed(
        self, cursor: duckdb.DuckDBPyConnection, definition: KpiDefinition, task: RestatementTask, now: datetime
    ) -> Iterator[PublishedValue]:
        assert self._catalog is not None
        reader = PaneReader(cursor, self._store.archive_dir, self._store.zone_hours)
        ends = [period.end for period in task.periods]
        for unit, column in closed_columns(reader, self._catalog, definition, ends, self._zone):
            for period, (value, samples) in zip(task.periods, _rows(column), strict=True):
                yield PublishedValue(
                    definition.id, unit, period.kind.value, period.start, period.end, value, samples,
                    definition.version, now,
                )  # fmt: skip

    def _caused(
        self, cursor: duckdb.DuckDBPyConnection, kpi: str, differing: Sequence[tuple[PublishedValue, PublishedValue]]
    ) -> list[RestatedValue]:
        keys = list(dict.fromkeys(leaf.key for leaf in self._leaves[kpi]))
        changes = []
        batches = {}
        for old, new in differing:
            if new.period_from not in batches:
                days = [self._day(new.period_from), self._day(new.period_to - timedelta(milliseconds=1))]
                batches[new.period_from] = read_late_batches(cursor, keys, *days)
            cause = "data" if old.definition_version == new.definition_version else "definition"
            changes.append(RestatedValue(old, new, cause, batches[new.period_from]))
        return changes

    def _kind(self, kpi: str) -> PeriodKind | None:
        """Return the kind of the KPI's periods; None for a KPI without periods, or one no longer in the catalogue."""
        assert self._catalog is not None
        return KIND_OF[self._catalog.kpis[kpi].window.kind] if kpi in self._leaves else None

    def _day(self, moment: datetime) -> int:
        return int((moment.timestamp() + self._store.zone_hours * 3600) // 86_400)


def _tasks(kpi: str, periods: set[Period], *, publishes: bool) -> Iterator[RestatementTask]:
    """Yield tasks of few periods each, so that no piece takes long; the latest first."""
    left = iter(sorted(periods, reverse=True))
    while some := tuple(islice(left, _AT_ONCE)):
        # A task's periods are of one kind, since a KPI's all are.
        yield RestatementTask(kpi, some, publishes)


def _read_rows(cursor: duckdb.DuckDBPyConnection, task: RestatementTask) -> dict[tuple[str, datetime], PublishedValue]:
    # As literals: a list among the parameters costs thirty times the query.
    starts = ", ".join(timestamp(period.start) for period in task.periods)
    rows = cursor.execute(
        "SELECT kpi, unit, period, period_from, period_to, value, samples, definition_version, published_at "
        f"FROM published_periods WHERE kpi = ? AND period = ? AND period_from IN ({starts})",
        [task.kpi, task.periods[0].kind.value],
    ).fetchall()
    found = [
        PublishedValue(kpi, unit, period, aware(start), aware(end), value, samples, version, aware(at))
        for kpi, unit, period, start, end, value, samples, version, at in rows
    ]
    return {(value.unit, value.period_from): value for value in found}


def _rows(column: Column) -> Iterator[tuple[float | None, int]]:
    for value, samples in zip(column.value.tolist(), column.samples.tolist(), strict=True):
        yield (value if value == value else None), samples


def _is_same(old: PublishedValue, new: PublishedValue) -> bool:
    """Return whether two values are equal but for the order in which sums were added."""
    if old.value is None or new.value is None:
        return old.value is new.value
    return bool(np.isclose(old.value, new.value, rtol=_SAME, atol=_SAME))
