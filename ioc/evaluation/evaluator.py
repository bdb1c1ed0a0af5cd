"""Keep the KPIs of all units up to date with the store: group by group, changed data first."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from threading import Event, Lock
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from ioc.catalog import Catalog
from ioc.evaluation.case_kpis import CaseActivity
from ioc.evaluation.changes import Changes
from ioc.evaluation.evaluation_plan import EvaluationPlan
from ioc.evaluation.freshness import Column
from ioc.evaluation.history import Point, history, moment_column
from ioc.evaluation.history_limiter import HistoryLimiter
from ioc.evaluation.kpi_group import KpiGroup, split_catalog, whole_minute
from ioc.evaluation.measure_kpis import SharedMinutes
from ioc.evaluation.pane_reader import PaneReader
from ioc.evaluation.provenance import CasePage, Explanation, Provenance
from ioc.evaluation.published_values import PublishedKpi, SentValues
from ioc.evaluation.reporting_units import ReportingUnits
from ioc.evaluation.source_freshness import SourceFreshness
from ioc.evaluation.value_cache import keep_values, read_kept
from ioc.evaluation.value_recorder import ValueRecorder
from ioc.model.kpi import Formula, KpiDefinition, KpiValue, Target
from ioc.model.source import SourceState
from ioc.store import Clocks, Store, transaction

_REFRESH_EVERY = timedelta(seconds=1)
"""How often freshness is computed again where nothing else changes."""
_AT_ONCE = timedelta(0)
_NOTHING = Changes()


class Evaluator:
    """Values of every KPI of the catalogue for the province and its communes.

    The catalogue is evaluated in groups: a formula and all its parts, the KPIs over a case type, those over a window
    (see `split_catalog`). All values of a group are of one moment; at the turn of a minute some groups are a second or
    two ahead of others, and the window of each value says which minute it is of.

    `values`, `history`, `explain` and `reload` may be called from any thread, everything else belongs to one.
    """

    def __init__(
        self,
        catalog: Catalog,
        store: Store,
        zone: ZoneInfo,
        *,
        sources: Callable[[], Sequence[SourceState]] = tuple,
        restated: Callable[[], Mapping[str, Mapping[str, datetime]]] = dict,
        kept_path: Path | None = None,
    ) -> None:
        """Take the definitions of `catalog`.

        `sources` returns the current states of all sources, `restated` when the latest closed period was last restated,
        by KPI and unit. `kept_path`: where `keep` keeps the values for the next start.
        """
        self._store = store
        self._zone = zone
        self._sources = sources
        self._restated = restated
        self._kept_path = kept_path
        self._lock = Lock()
        self._history_limiter = HistoryLimiter()
        self._published: dict[str, PublishedKpi] = {}
        self._sent_values = SentValues()
        self._recorder = ValueRecorder()
        self._sources_read_at: datetime | None = None
        self.reload(catalog)

    def reload(self, catalog: Catalog) -> None:
        """Take the definitions of `catalog`; everything is then computed again.

        Raises StoreUnavailable when the store cannot store their clocks; the previous definitions then stay.
        """
        self._store.keep_clocks(Clocks.of_catalog(catalog))
        with self._lock:
            self._catalog = catalog
            self._plan = EvaluationPlan.of(catalog)
            self._forget()

    def resume(self, now: datetime) -> list[KpiValue]:
        """Publish the values that were kept at the last stop, until they are computed again.

        Return them; nothing once any value was computed.
        """
        if self._kept_path is None or self._published:
            return []
        kept, written = read_kept(self._kept_path, self._catalog, self._plan, self._zone, now, self._restated())
        self._recorder.resume(written)
        for entry in kept.values():
            self._sent_values.mark_sent(entry)
        self._published = kept
        return self.values()

    def keep(self) -> None:
        """Keep the values for the next start, once all were computed."""
        if self._kept_path is not None and self.is_whole:
            at = min(group.at for group in self._groups if group.at is not None)
            keep_values(self._kept_path, self._published, self._recorder.written, at)

    def evaluate(self, changes: Changes, now: datetime) -> list[KpiValue]:
        """Evaluate what commits changed since the last call and what the passing of time changes.

        Return the values that differ from those sent last in value, samples, time or freshness. The first call reads
        everything, whatever `changes`. Raises StoreUnavailable; the next call then reads everything again.
        """
        self._sources_read_at = None
        for group in self._groups:
            group.refreshed_at = None  # the states of sources may differ at the same moment
        values = self._step(changes, now, _AT_ONCE)
        while self._is_due(now, _AT_ONCE):
            values += self._step(_NOTHING, now, _AT_ONCE)
        return values

    def step(self, changes: Changes, now: datetime) -> list[KpiValue]:
        """Do one step of `evaluate`: first what changed, then what the clock affects. Raises as it does."""
        return self._step(changes, now, _REFRESH_EVERY)

    def is_due(self, now: datetime) -> bool:
        """Return whether `step` has something to do."""
        return self._is_due(now, _REFRESH_EVERY)

    def is_at(self, now: datetime) -> bool:
        """Return whether all values are of the current minute."""
        return all(group.is_at(now) for group in self._groups)

    @property
    def has_pending(self) -> bool:
        """Whether any change is not evaluated yet."""
        return any(group.has_pending for group in self._groups)

    @property
    def is_whole(self) -> bool:
        """Whether everything was computed since the start, or since the last reload."""
        return all(group.at is not None for group in self._groups)

    def published(self) -> Mapping[str, PublishedKpi]:
        """Return all current values as columns, by KPI; never changed in place. Empty until every KPI has some."""
        published = self._published
        return published if published.keys() >= self._catalog.kpis.keys() else {}

    def values(self, kpi_id: str = "") -> list[KpiValue]:
        """Return all current values, or those of one KPI; none before they are computed or resumed."""
        published = self._published
        chosen = [entry for entry in published.values() if kpi_id in ("", entry.definition.id)]
        return [value for entry in chosen for value in entry.values()]

    def history(
        self, kpi_id: str, unit: str, start: datetime, end: datetime, step: timedelta, gone: Event | None = None
    ) -> list[Point]:
        """Return the KPI of a unit at the end of each step in (start, end], by the current definition.

        It is computed from panes and cases. `gone` is set once nobody waits for it. Raises KeyError for an unknown KPI
        or unit, ValueError for steps that are not whole minutes or too many, HistoryStopped and StoreUnavailable.
        """
        with (
            self._history_limiter.run(gone or Event()) as run,
            self._store.cursor() as cursor,
            run.interrupting(cursor),
            transaction(cursor, self._store.path),
        ):
            reader = PaneReader(cursor, self._store.archive_dir, self._store.zone_hours)
            return history(reader, self._catalog, kpi_id, unit, start, end, step, self._zone)

    def explain(
        self, kpi_id: str, unit: str, at: datetime | None, now: datetime, page: CasePage | None = None
    ) -> Explanation:
        """Return what the value of a KPI and unit is made of, now (`at` None) or at a moment.

        `page`: also list the cases behind it. Raises KeyError for a KPI, a unit, or a pair without values, and
        StoreUnavailable.
        """
        catalog = self._catalog
        definition = catalog.kpis[kpi_id]
        parts = definition.expression.parts if isinstance(definition.expression, Formula) else ()
        with self._store.cursor() as cursor, transaction(cursor, self._store.path):
            reader = PaneReader(cursor, self._store.archive_dir, self._store.zone_hours)
            if at is None:
                found = {kpi: self._present(kpi, unit) for kpi in (kpi_id, *parts)}
            else:
                found = {kpi: self._past(reader, catalog.kpis[kpi], unit, at) for kpi in (kpi_id, *parts)}
            value = found[kpi_id]
            if value is None:
                raise KeyError(unit)
            behind = Provenance(reader, catalog, self._zone)
            return Explanation(
                definition,
                value,
                [part for kpi in parts if (part := found[kpi]) is not None],
                behind.constants(definition, value),
                behind.feeds(definition),
                behind.cases(definition, value, at, now, page),
                behind.panes(definition, value),
            )

    def _present(self, kpi_id: str, unit: str) -> KpiValue | None:
        entry = self._published.get(kpi_id)
        if entry is None or unit not in entry.units:
            return None
        return next(entry.values(np.array([entry.units.index(unit)])))

    def _past(self, reader: PaneReader, definition: KpiDefinition, unit: str, at: datetime) -> KpiValue | None:
        known = self._catalog.vocabulary.units.get(unit)
        if known is None or known.level not in definition.per:
            return None
        column = moment_column(reader, self._catalog, definition, unit, at, self._zone)
        window = definition.window.bounds(at - timedelta(milliseconds=1), self._zone)
        [value] = PublishedKpi(
            definition, (unit,), column, window, definition.target_of(at.astimezone(self._zone).year)
        ).values()
        return value

    def record(self, now: datetime) -> int:
        """Write to `kpi_values` what changed since the last record, at most once a minute; return how many rows.

        Raises StoreUnavailable; the values are then written at the next call.
        """
        published = self._published
        shown = [(entry.definition, entry.units, entry.column) for entry in published.values()]
        return self._recorder.record(self._store, shown, now)

    def _forget(self) -> None:
        """Forget everything that was read; what was published stays until it is computed again."""
        self._source_freshness = SourceFreshness()
        self._activity = CaseActivity(self._plan)
        self._minutes = SharedMinutes.of(self._plan)
        self._reporting = ReportingUnits(self._catalog, self._plan, self._activity)
        self._groups = [KpiGroup(some, self._zone, self._activity) for some in split_catalog(self._catalog)]
        self._running: tuple[KpiGroup, Iterator[None], datetime] | None = None
        self._read_at: datetime | None = None
        self._sources_read_at = None
        self._targets: tuple[int, dict[str, Target | None]] = (0, {})
        self._own_columns: dict[str, tuple[Column, Column]] = {}
        self._own_reports: dict[str, tuple[NDArray[np.bool_], NDArray[np.bool_]]] = {}

    def _is_due(self, now: datetime, every: timedelta) -> bool:
        return self._running is not None or any(
            group.has_pending or group.is_late(now) or _passed(group.refreshed_at, now, every) for group in self._groups
        )

    def _step(self, changes: Changes, now: datetime, every: timedelta) -> list[KpiValue]:
        states = self._sources() if changes.fed or _passed(self._sources_read_at, now, every) else None
        with self._lock:
            try:
                self._read_shared(changes, now)
                if states is not None:
                    self._source_freshness.update(states, now)
                    self._sources_read_at = now
                return self._work(now, every)
            except BaseException:
                self._forget()
                raise

    def _read_shared(self, changes: Changes, now: datetime) -> None:
        """Read what all groups share."""
        for group in self._groups:
            group.add_changes(changes)
        first = self._read_at is None
        is_new_minute = first or whole_minute(self._read_at or now) != whole_minute(now)
        if not is_new_minute and changes == _NOTHING:
            return
        with self._store.cursor() as cursor, transaction(cursor, self._store.path):
            self._source_freshness.note_feeds(cursor, changes.fed, now)
            if is_new_minute or changes.earliest_minute:
                reader = PaneReader(cursor, self._store.archive_dir, self._store.zone_hours)
                self._minutes = self._minutes.advanced(reader, self._plan, changes.earliest_minute, now)
            if first:
                self._reporting.read(PaneReader(cursor, self._store.archive_dir, self._store.zone_hours))
                self._activity.read(cursor, None, None)
            elif changes.case_types:
                self._activity.read(cursor, changes.case_types, changes.units)
        self._read_at = now

    def _work(self, now: datetime, every: timedelta) -> list[KpiValue]:
        running = self._running[0] if self._running else None
        for group in self._groups:
            if group.has_pending and not group.has_cases and group is not running:
                for _ in group.run(self._store, self._minutes, now):
                    pass
                return self._publish([group], now)
        if self._running is None:
            late = [group for group in self._groups if group.has_pending]
            late = late or [group for group in self._groups if group.is_late(now)]
            if not late:
                due = [group for group in self._groups if _passed(group.refreshed_at, now, every)]
                return self._publish(due, now)
            self._running = late[0], late[0].run(self._store, self._minutes, now), now
        group, pieces, began = self._running
        if next(pieces, _OVER) is not _OVER:
            return []
        self._running = None
        return self._publish([group], began)

    def _publish(self, groups: Sequence[KpiGroup], now: datetime) -> list[KpiValue]:
        """Compute freshness of the groups, and publish their values.

        A column stays the same object while nothing changes.
        """
        bounds = {window: window.bounds(now, self._zone) for window in self._plan.windows}
        targets, units, restated = self._targets_of(now), self._plan.units_of, self._restated()
        before, after = self._published, dict[str, PublishedKpi]()
        for group in groups:
            columns = group.columns(now, self._source_freshness)
            for kpi_id, column in columns.items():
                self._reporting.note(self._catalog.kpis[kpi_id], column)
            for kpi_id, column in columns.items():
                definition = self._catalog.kpis[kpi_id]
                after[kpi_id] = PublishedKpi(
                    definition,
                    units[definition.per],
                    self._own_column(definition, column),
                    bounds[definition.window],
                    targets[kpi_id],
                    restated.get(kpi_id, {}),
                    self._reported(definition),
                )
        values = [
            value
            for kpi_id, entry in after.items()
            for value in self._sent_values.changed_values(before.get(kpi_id), entry)
        ]
        if after.keys() <= before.keys() <= self._catalog.kpis.keys():
            self._published = before | after
        else:
            both = before | after
            self._published = {kpi_id: both[kpi_id] for kpi_id in self._catalog.kpis if kpi_id in both}
        return values

    def _targets_of(self, now: datetime) -> Mapping[str, Target | None]:
        year = now.astimezone(self._zone).year
        if self._targets[0] != year:
            self._targets = year, {kpi_id: kpi.target_of(year) for kpi_id, kpi in self._catalog.kpis.items()}
        return self._targets[1]

    def _reported(self, definition: KpiDefinition) -> NDArray[np.bool_]:
        """Return the entries of the KPI's own units; the same object while nothing changed."""
        flags = self._reporting.of(definition)
        known = self._own_reports.get(definition.id)
        if known is None or known[0] is not flags:
            known = self._own_reports[definition.id] = (flags, flags[self._plan.positions[definition.per]])
        return known[1]

    def _own_column(self, definition: KpiDefinition, column: Column) -> Column:
        """Return the entries of the KPI's own units; the same object for the same column."""
        known = self._own_columns.get(definition.id)
        if known is None or known[0] is not column:
            known = self._own_columns[definition.id] = (column, column.at(self._plan.positions[definition.per]))
        return known[1]


_OVER = object()


def _passed(since: datetime | None, now: datetime, every: timedelta) -> bool:
    """Return whether so much time has passed, or the clock was set back; with _AT_ONCE whether it is another moment."""
    return since is None or since > now or (now != since and now - since >= every)
