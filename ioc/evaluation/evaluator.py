"""The KPIs of all units, kept up with the store: piece by piece, what changed first."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from threading import Event, Lock
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from ioc.catalog import Catalog
from ioc.evaluation.case_kpis import Heard
from ioc.evaluation.changes import Changes
from ioc.evaluation.evaluation_plan import Plan
from ioc.evaluation.freshness import Column
from ioc.evaluation.history import Point, history, moment_column
from ioc.evaluation.history_limiter import Turns
from ioc.evaluation.kpi_group import Portion, portions_of, whole_minute
from ioc.evaluation.measure_kpis import Minutes
from ioc.evaluation.pane_reader import PaneReader
from ioc.evaluation.provenance import CasePage, Explanation, Provenance
from ioc.evaluation.published_values import Published, Telling
from ioc.evaluation.reporting_units import ReportingUnits
from ioc.evaluation.source_freshness import Feeding
from ioc.evaluation.value_cache import keep_values, read_kept
from ioc.evaluation.value_recorder import Recorder
from ioc.model.kpi import Formula, KpiDefinition, KpiValue, Target
from ioc.model.source import SourceState
from ioc.store import Clocks, Store, transaction

_JUDGED_EVERY = timedelta(seconds=1)
"""How often freshness is looked at where nothing else moves."""
_AT_ONCE = timedelta(0)
_NOTHING = Changes()


class Evaluator:
    """Values of every KPI of the catalogue for the province and its communes.

    The catalogue is evaluated in portions: a formula and all its parts, the KPIs over a case type, those over a window
    (see `portions`). Each portion is always of one moment as a whole; at the turn of a minute some are a second or two
    ahead of others, and each value says by its window which minute it is of.

    `values`, `history`, `explain` and `reload` may be called from any thread, all else belongs to one.
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
        """`sources` gives the states of all sources, `restated` when the latest closed period was last restated, by
        KPI and unit; both as they stand when asked. `kept_path`: where `keep` keeps the values for the next start."""
        self._store = store
        self._zone = zone
        self._sources = sources
        self._restated = restated
        self._kept_path = kept_path
        self._lock = Lock()
        self._turns = Turns()
        self._published: dict[str, Published] = {}
        self._telling = Telling()
        self._recorder = Recorder()
        self._listened_at: datetime | None = None
        self.reload(catalog)

    def reload(self, catalog: Catalog) -> None:
        """Take the definitions of `catalog`; everything is then computed anew by them. Raises StoreUnavailable when the
        store cannot take their clocks; the definitions of before then stay."""
        self._store.keep_clocks(Clocks.of_catalog(catalog))
        with self._lock:
            self._catalog = catalog
            self._plan = Plan.of(catalog)
            self._forget()

    def resume(self, now: datetime) -> list[KpiValue]:
        """The values that were kept before the last stop, published until they are computed anew; nothing once any
        were computed."""
        if self._kept_path is None or self._published:
            return []
        kept, written = read_kept(self._kept_path, self._catalog, self._plan, self._zone, now, self._restated())
        self._recorder.resume(written)
        for entry in kept.values():
            self._telling.told(entry)
        self._published = kept
        return self.values()

    def keep(self) -> None:
        """Keep the values for the next start, once all were computed."""
        if self._kept_path is not None and self.is_whole:
            at = min(portion.at for portion in self._portions if portion.at is not None)
            keep_values(self._kept_path, self._published, self._recorder.written, at)

    def evaluate(self, changes: Changes, now: datetime) -> list[KpiValue]:
        """Take in what commits changed since the last call, and the time that passed; returns the values that differ
        from those told last in value, samples, time or freshness. The first call reads everything, whatever `changes`.

        Raises StoreUnavailable; the next call then reads everything again.
        """
        self._listened_at = None
        for portion in self._portions:
            portion.judged_at = None  # what sources tell may be another at the same moment
        told = self._stepped(changes, now, _AT_ONCE)
        while self._is_due(now, _AT_ONCE):
            told += self._stepped(_NOTHING, now, _AT_ONCE)
        return told

    def step(self, changes: Changes, now: datetime) -> list[KpiValue]:
        """One piece of what `evaluate` does: first of what changed, then of what the clock moves. Raises as it does."""
        return self._stepped(changes, now, _JUDGED_EVERY)

    def is_due(self, now: datetime) -> bool:
        """Whether `step` has something to do."""
        return self._is_due(now, _JUDGED_EVERY)

    def is_at(self, now: datetime) -> bool:
        """Whether all values are of the minute of now."""
        return all(portion.is_at(now) for portion in self._portions)

    @property
    def is_touched(self) -> bool:
        """Whether anything that changed is not evaluated yet."""
        return any(portion.is_touched for portion in self._portions)

    @property
    def is_whole(self) -> bool:
        """Whether everything was computed since the start, or since the definitions were last taken."""
        return all(portion.at is not None for portion in self._portions)

    def published(self) -> Mapping[str, Published]:
        """All present values as columns, by KPI; never changed in place. Empty until every KPI has some."""
        published = self._published
        return published if published.keys() >= self._catalog.kpis.keys() else {}

    def values(self, kpi_id: str = "") -> list[KpiValue]:
        """All present values, or those of one KPI; none before they are computed or resumed."""
        published = self._published
        chosen = [entry for entry in published.values() if kpi_id in ("", entry.definition.id)]
        return [value for entry in chosen for value in entry.values()]

    def history(
        self, kpi_id: str, unit: str, start: datetime, end: datetime, step: timedelta, gone: Event | None = None
    ) -> list[Point]:
        """The KPI of a unit as it would have stood at the end of each step in (start, end], from panes and cases, by
        the definition in force. `gone` is set once nobody waits for it. Raises KeyError for an unknown KPI or unit,
        ValueError for steps that are no whole minutes or too many, HistoryStopped, StoreUnavailable."""
        with (
            self._turns.turn(gone or Event()) as turn,
            self._store.cursor() as cursor,
            turn.of(cursor),
            transaction(cursor, self._store.path),
        ):
            reader = PaneReader(cursor, self._store.archive_dir, self._store.zone_hours)
            return history(reader, self._catalog, kpi_id, unit, start, end, step, self._zone)

    def explain(
        self, kpi_id: str, unit: str, at: datetime | None, now: datetime, page: CasePage | None = None
    ) -> Explanation:
        """What the value of a KPI and unit is made of, as it stands (`at` None) or as it stood at a moment. `page`:
        list the cases behind it, too. Raises KeyError for a KPI, a unit, or a pair without values, StoreUnavailable."""
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
        [value] = Published(
            definition, (unit,), column, window, definition.target_of(at.astimezone(self._zone).year)
        ).values()
        return value

    def record(self, now: datetime) -> int:
        """Write into `kpi_values` what changed since the last record, at most once a minute; returns how many rows.
        Raises StoreUnavailable; what was to be written is written at the next call."""
        published = self._published
        shown = [(entry.definition, entry.units, entry.column) for entry in published.values()]
        return self._recorder.record(self._store, shown, now)

    def _forget(self) -> None:
        """Nothing that was read is kept; what was published stays until it is computed anew."""
        self._feeding = Feeding()
        self._heard = Heard(self._plan)
        self._minutes = Minutes.of(self._plan)
        self._reporting = ReportingUnits(self._catalog, self._plan, self._heard)
        self._portions = [Portion(some, self._zone, self._heard) for some in portions_of(self._catalog)]
        self._running: tuple[Portion, Iterator[None], datetime] | None = None
        self._read_at: datetime | None = None
        self._listened_at = None
        self._targets: tuple[int, dict[str, Target | None]] = (0, {})
        self._placed: dict[str, tuple[Column, Column]] = {}
        self._placed_reports: dict[str, tuple[NDArray[np.bool_], NDArray[np.bool_]]] = {}

    def _is_due(self, now: datetime, every: timedelta) -> bool:
        return self._running is not None or any(
            portion.is_touched or portion.is_late(now) or _passed(portion.judged_at, now, every)
            for portion in self._portions
        )

    def _stepped(self, changes: Changes, now: datetime, every: timedelta) -> list[KpiValue]:
        states = self._sources() if changes.fed or _passed(self._listened_at, now, every) else None
        with self._lock:
            try:
                self._take(changes, now)
                if states is not None:
                    self._feeding.listen(states, now)
                    self._listened_at = now
                return self._piece(now, every)
            except BaseException:
                self._forget()
                raise

    def _take(self, changes: Changes, now: datetime) -> None:
        """Read what all portions share."""
        for portion in self._portions:
            portion.take(changes)
        first = self._read_at is None
        turned = first or whole_minute(self._read_at or now) != whole_minute(now)
        if not turned and changes == _NOTHING:
            return
        with self._store.cursor() as cursor, transaction(cursor, self._store.path):
            self._feeding.take(cursor, changes.fed, now)
            if turned or changes.earliest_minute:
                reader = PaneReader(cursor, self._store.archive_dir, self._store.zone_hours)
                self._minutes = self._minutes.advanced(reader, self._plan, changes.earliest_minute, now)
            if first:
                self._reporting.read(PaneReader(cursor, self._store.archive_dir, self._store.zone_hours))
                self._heard.read(cursor, None, None)
            elif changes.case_types:
                self._heard.read(cursor, changes.case_types, changes.units)
        self._read_at = now

    def _piece(self, now: datetime, every: timedelta) -> list[KpiValue]:
        running = self._running[0] if self._running else None
        for portion in self._portions:
            if portion.is_touched and not portion.has_cases and portion is not running:
                for _ in portion.run(self._store, self._minutes, now):
                    pass
                return self._publish([portion], now)
        if self._running is None:
            late = [portion for portion in self._portions if portion.is_touched]
            late = late or [portion for portion in self._portions if portion.is_late(now)]
            if not late:
                due = [portion for portion in self._portions if _passed(portion.judged_at, now, every)]
                return self._publish(due, now)
            self._running = late[0], late[0].run(self._store, self._minutes, now), now
        portion, pieces, began = self._running
        if next(pieces, _OVER) is not _OVER:
            return []
        self._running = None
        return self._publish([portion], began)

    def _publish(self, portions: Sequence[Portion], now: datetime) -> list[KpiValue]:
        """Judge the portions by the clock, and publish what they say. A column is kept as it is while nothing about it
        moves."""
        bounds = {window: window.bounds(now, self._zone) for window in self._plan.windows}
        targets, units, restated = self._targets_of(now), self._plan.units_of, self._restated()
        before, after = self._published, dict[str, Published]()
        for portion in portions:
            columns = portion.columns(now, self._feeding)
            for kpi_id, column in columns.items():
                self._reporting.note(self._catalog.kpis[kpi_id], column)
            for kpi_id, column in columns.items():
                definition = self._catalog.kpis[kpi_id]
                after[kpi_id] = Published(
                    definition,
                    units[definition.per],
                    self._spoken_of(definition, column),
                    bounds[definition.window],
                    targets[kpi_id],
                    restated.get(kpi_id, {}),
                    self._reported(definition),
                )
        told = [value for kpi_id, entry in after.items() for value in self._telling.news(before.get(kpi_id), entry)]
        if after.keys() <= before.keys() <= self._catalog.kpis.keys():
            self._published = before | after
        else:
            both = before | after
            self._published = {kpi_id: both[kpi_id] for kpi_id in self._catalog.kpis if kpi_id in both}
        return told

    def _targets_of(self, now: datetime) -> Mapping[str, Target | None]:
        year = now.astimezone(self._zone).year
        if self._targets[0] != year:
            self._targets = year, {kpi_id: kpi.target_of(year) for kpi_id, kpi in self._catalog.kpis.items()}
        return self._targets[1]

    def _reported(self, definition: KpiDefinition) -> NDArray[np.bool_]:
        """The entries of the units that the KPI speaks of; the same object while nothing changed."""
        flags = self._reporting.of(definition)
        known = self._placed_reports.get(definition.id)
        if known is None or known[0] is not flags:
            known = self._placed_reports[definition.id] = (flags, flags[self._plan.places[definition.per]])
        return known[1]

    def _spoken_of(self, definition: KpiDefinition, column: Column) -> Column:
        """The entries of the units that the KPI speaks of; the same object for the same column."""
        known = self._placed.get(definition.id)
        if known is None or known[0] is not column:
            known = self._placed[definition.id] = (column, column.at(self._plan.places[definition.per]))
        return known[1]


_OVER = object()


def _passed(since: datetime | None, now: datetime, every: timedelta) -> bool:
    """Whether so much time went by, or the clock was set back; with _AT_ONCE whether it is another moment."""
    return since is None or since > now or (now != since and now - since >= every)
