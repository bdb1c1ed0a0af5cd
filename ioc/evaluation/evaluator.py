"""The KPIs of all units, kept up with the store once a second."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import lru_cache
from threading import Event, Lock
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from ioc.catalog import Catalog
from ioc.clock import from_ms, to_ms
from ioc.evaluation.aggregates import Aggregates
from ioc.evaluation.changes import Changes
from ioc.evaluation.constants import in_force
from ioc.evaluation.feeding import Feeding
from ioc.evaluation.history import Point, history, moment_column
from ioc.evaluation.judging import STATES, Column, Judged, judge, rolled_up
from ioc.evaluation.plan import Plan
from ioc.evaluation.provenance import CasePage, Explanation, Provenance
from ioc.evaluation.reading import PaneReader
from ioc.evaluation.recording import Recorder
from ioc.evaluation.scans import Scans
from ioc.evaluation.takes import NEVER, Vectors, Whole
from ioc.evaluation.turns import Turns
from ioc.evaluation.vectors import formula_vectors
from ioc.model.kpi import Formula, KpiDefinition, KpiValue, MeasureAggregate, Target
from ioc.model.source import SourceState
from ioc.store import Clocks, Store, transaction

_TOLD_EVERY_MS = 5 * 60_000
"""How far the time of a value over cases moves on before that alone is told: the word of a source that nothing is new
moves those of all units, and would be sent to every screen each minute. `values` has it at once."""


_INSTANT = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class Published:
    """A KPI's values as they stand, one entry a unit of `units`, with the window they speak of. `restated` says when
    the latest closed period of a unit was last restated, of those where it was."""

    definition: KpiDefinition
    units: tuple[str, ...]
    column: Column
    window: tuple[datetime, datetime]
    target: Target | None
    restated: Mapping[str, datetime] = field(default_factory=dict)

    def values(self, places: NDArray[np.intp] | None = None) -> Iterator[KpiValue]:
        """Of the entries, or of all."""
        definition, (start, end) = self.definition, self.window
        column = self.column if places is None else self.column.at(places)
        units = self.units if places is None else [self.units[place] for place in places]
        rows = zip(
            units,
            column.value.tolist(),
            column.as_of.tolist(),
            column.samples.tolist(),
            column.state.tolist(),
            strict=True,
        )
        for unit, value, as_of, samples, state in rows:
            # By position: ten thousand values a second are made here, and keywords double their cost.
            yield KpiValue(
                definition.id,
                unit,
                value if value == value else None,
                definition.unit_of_measure,
                None if as_of == NEVER else _moment(as_of),
                start,
                end,
                samples,
                STATES[state],
                self.target,
                definition.version,
                self.restated.get(unit),
            )


class Evaluator:
    """Values of every KPI of the catalogue for the province and its communes.

    `evaluate` and `record` belong to one thread; `values`, `history` and `reload` may be called from any.
    """

    def __init__(
        self,
        catalog: Catalog,
        store: Store,
        zone: ZoneInfo,
        *,
        sources: Callable[[], Sequence[SourceState]] = tuple,
        restated: Callable[[], Mapping[str, Mapping[str, datetime]]] = dict,
    ) -> None:
        """`sources` gives the states of all sources, `restated` when the latest closed period was last restated, by
        KPI and unit; both as they stand when asked."""
        self._store = store
        self._zone = zone
        self._sources = sources
        self._restated = restated
        self._lock = Lock()
        self._turns = Turns()
        self._published: dict[str, Published] = {}
        self._told_as_of: dict[str, Whole] = {}
        self._recorder = Recorder()
        self.reload(catalog)

    def reload(self, catalog: Catalog) -> None:
        """Take the definitions of `catalog`; the next `evaluate` computes everything anew by them. Raises
        StoreUnavailable when the store cannot take their clocks; the definitions of before then stay."""
        self._store.keep_clocks(Clocks.of_catalog(catalog))
        with self._lock:
            self._catalog = catalog
            self._plan = Plan.of(catalog)
            self._forget()

    def evaluate(self, changes: Changes, now: datetime) -> list[KpiValue]:
        """Take in what commits changed since the last call, and the time that passed; returns the values that differ
        from the last call's in value, samples, time (of cases: by _TOLD_EVERY_MS) or freshness. The first call reads
        everything, whatever `changes`.

        Raises StoreUnavailable; the next call then reads everything again.
        """
        states, restated = self._sources(), self._restated()
        with self._lock:
            try:
                with self._store.cursor() as cursor, transaction(cursor, self._store.path):
                    self._feeding.take(cursor, changes.fed, now)
                    reader = PaneReader(cursor, self._store.archive_dir, self._store.zone_hours)
                    self._vectors |= self._aggregates.read(reader, changes, now)
                    self._vectors |= self._scans.read(cursor, changes, now)
            except BaseException:
                self._forget()
                raise
            self._feeding.listen(states, now)
            before, after = self._published, self._publish(self._columns(now), now, restated)
            self._published = after
        return [value for kpi_id, entry in after.items() for value in self._news(before.get(kpi_id), entry)]

    def _news(self, before: Published | None, after: Published) -> Iterator[KpiValue]:
        """Values to be told, and their times noted."""
        told = self._told_as_of.get(after.definition.id)
        if before is not None and told is not None and _unmoved(before, after):
            return iter(())
        places = _differing(before, after, told)
        as_of = after.column.as_of if before is None or told is None or len(told) != len(after.units) else told
        if len(places) and as_of is told:
            as_of = told.copy()
            as_of[places] = after.column.as_of[places]
        self._told_as_of[after.definition.id] = as_of
        return after.values(places)

    def published(self) -> Mapping[str, Published]:
        """All present values as columns, by KPI; never changed in place."""
        return self._published

    def values(self, kpi_id: str = "") -> list[KpiValue]:
        """All present values, or those of one KPI; none before the first `evaluate`."""
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
        """Nothing that was read is kept; what was published stays until the next evaluation."""
        self._aggregates = Aggregates(self._plan, self._zone)
        self._scans = Scans(self._plan, self._zone)
        self._feeding = Feeding()
        self._vectors: dict[str, Vectors] = {}
        self._judged: dict[str, Judged] = {}
        self._placed: dict[str, tuple[Column, Column]] = {}
        self._targets: tuple[int, dict[str, Target | None]] = (0, {})

    def _columns(self, now: datetime) -> dict[str, Column]:
        """Every KPI judged by the clock; formulas computed from their parts."""
        now_ms = to_ms(now)
        columns: dict[str, Column] = {}
        for kpi_id, vectors in self._vectors.items():
            definition = self._catalog.kpis[kpi_id]
            vectors, behind = self._told(definition, vectors, now)
            known = self._judged.get(kpi_id)
            if known is None or not known.holds((vectors,), behind, now_ms):
                column = judge(definition, vectors, now_ms, behind=behind)
                known = self._judged[kpi_id] = Judged.of(definition, (vectors,), behind, column, now_ms)
            columns[kpi_id] = known.column
        for definition, expression, term in self._plan.formulas:
            end = definition.window.bounds(now, self._zone)[1]
            parts = tuple(columns[part] for part in expression.parts)
            day = (end - _INSTANT).astimezone(self._zone).date()
            known = self._judged.get(definition.id)
            if known is not None and known.holds(parts, day, now_ms):
                columns[definition.id] = known.column
                continue
            constants = in_force(self._plan.constants, expression.constants, [end], self._zone)
            vectors, worst = formula_vectors(term, expression, columns, constants)
            vectors = rolled_up(definition, vectors, now_ms, self._plan.places[definition.per])
            column = columns[definition.id] = judge(definition, vectors, now_ms, worst)
            self._judged[definition.id] = Judged.of(definition, parts, day, column, now_ms)
        return columns

    def _told(self, definition: KpiDefinition, vectors: Vectors, now: datetime) -> tuple[Vectors, bool]:
        expression = definition.expression
        newest = NEVER if isinstance(expression, MeasureAggregate | Formula) else self._scans.newest(expression.of)
        end = definition.window.bounds(now, self._zone)[1] if definition.window.closed else now
        return self._feeding.told(definition, vectors, newest, end, self._catalog)

    def _publish(
        self, columns: dict[str, Column], now: datetime, restated: Mapping[str, Mapping[str, datetime]]
    ) -> dict[str, Published]:
        """In the order of the catalogue; a column is kept as it is while nothing about it moves."""
        year = now.astimezone(self._zone).year
        if self._targets[0] != year:
            self._targets = year, {kpi_id: kpi.target_of(year) for kpi_id, kpi in self._catalog.kpis.items()}
        bounds = {window: window.bounds(now, self._zone) for window in {k.window for k in self._catalog.kpis.values()}}
        places = self._plan.places
        units = {per: tuple(self._plan.units[place] for place in places[per].tolist()) for per in places}
        return {
            kpi_id: Published(
                definition,
                units[definition.per],
                self._spoken_of(definition, columns[kpi_id]),
                bounds[definition.window],
                self._targets[1][kpi_id],
                restated.get(kpi_id, {}),
            )
            for kpi_id, definition in self._catalog.kpis.items()
        }

    def _spoken_of(self, definition: KpiDefinition, column: Column) -> Column:
        """The entries of the units that the KPI speaks of; the same object for the same column."""
        known = self._placed.get(definition.id)
        if known is None or known[0] is not column:
            known = self._placed[definition.id] = (column, column.at(self._plan.places[definition.per]))
        return known[1]


# KPIs of one measure share the times of their data.
_moment = lru_cache(maxsize=1 << 16)(from_ms)


def _unmoved(before: Published, after: Published) -> bool:
    return (
        before.column is after.column
        and before.definition is after.definition
        and before.units == after.units
        and before.restated == after.restated
    )


def _differing(before: Published | None, after: Published, told: Whole | None) -> NDArray[np.intp]:
    """Entries whose value, samples, time or freshness is another; all when the definition is, or a period was
    restated. `told` are the times last told."""
    if (
        before is None
        or told is None
        or (before.definition, before.units, before.restated)
        != (
            after.definition,
            after.units,
            after.restated,
        )
    ):
        return np.arange(len(after.units))
    old, new = before.column, after.column
    same = (old.state == new.state) & (old.samples == new.samples)
    if isinstance(after.definition.expression, MeasureAggregate):
        same &= old.as_of == new.as_of
    else:
        same &= (new.as_of >= told) & (new.as_of - told < _TOLD_EVERY_MS)
    same &= (old.value == new.value) | (np.isnan(old.value) & np.isnan(new.value))
    return np.flatnonzero(~same)
