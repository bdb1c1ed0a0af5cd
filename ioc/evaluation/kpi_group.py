"""Groups of KPIs that are evaluated together: their vectors, updated step by step, and their columns."""

from collections import defaultdict
from collections.abc import Hashable, Iterator, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from ioc.catalog import Catalog
from ioc.clock import to_ms
from ioc.evaluation.aggregate_functions import NEVER, Vectors
from ioc.evaluation.case_kpis import CaseActivity, CaseKpis
from ioc.evaluation.changes import Changes
from ioc.evaluation.evaluation_plan import EvaluationPlan
from ioc.evaluation.formulas import in_force
from ioc.evaluation.freshness import CachedColumn, Column, judge, rolled_up
from ioc.evaluation.measure_kpis import MeasureKpis, SharedMinutes
from ioc.evaluation.pane_reader import PaneReader
from ioc.evaluation.source_freshness import SourceFreshness
from ioc.evaluation.vectors import formula_vectors
from ioc.model.kpi import Formula, KpiDefinition, MeasureAggregate
from ioc.store import Store, transaction

_INSTANT = timedelta(microseconds=1)


class KpiGroup:
    """The KPIs of a group, with their inputs and values.

    `pending`: changes that are not evaluated yet; `at`: the moment of the vectors, None before the first run;
    `refreshed_at`: when freshness was last computed.
    """

    def __init__(self, catalog: Catalog, zone: ZoneInfo, activity: CaseActivity) -> None:
        """Make a group; `catalog` holds the group's KPIs only."""
        self.catalog = catalog
        self.pending = Changes()
        self.at: datetime | None = None
        self.refreshed_at: datetime | None = None
        self._zone = zone
        self._activity = activity
        self._plan = EvaluationPlan.of(catalog)
        self._measures = {expression.measure for _, expression in self._plan.aggregates}
        self._case_types = {scan.case_type for scan in self._plan.scans}
        self._measure_kpis = MeasureKpis(self._plan, zone)
        self._case_kpis = CaseKpis(self._plan, zone, activity)
        self._vectors: dict[str, Vectors] = {}
        self._columns: dict[str, CachedColumn] = {}

    @property
    def has_cases(self) -> bool:
        return bool(self._case_types)

    def add_changes(self, changes: Changes) -> None:
        """Note the changes that concern this group."""
        earliest = {measure: at for measure, at in changes.earliest_minute.items() if measure in self._measures}
        case_types = changes.case_types & self._case_types
        if earliest or case_types:
            mine = Changes(earliest, changes.units if case_types else frozenset(), case_types)
            self.pending = Changes.of([self.pending, mine])

    @property
    def has_pending(self) -> bool:
        return bool(self.pending.earliest_minute or self.pending.case_types)

    def is_at(self, now: datetime) -> bool:
        """Return whether the windows are those of `now`."""
        return self.at is not None and whole_minute(self.at) == whole_minute(now)

    def is_late(self, now: datetime) -> bool:
        """Return whether the passing of time alone changes a window or a condition."""
        return not self.is_at(now) or self._case_kpis.ticked(now)

    def run(self, store: Store, minutes: SharedMinutes, now: datetime) -> Iterator[None]:
        """Read pending changes and what the time affects, in one transaction; the caller may pause between the steps.

        Afterwards all vectors are of this moment; before that, none. Raises StoreUnavailable; the group is then
        unusable.
        """
        changes, self.pending = self.pending, Changes()
        fresh: dict[str, Vectors] = {}
        with store.cursor() as cursor, transaction(cursor, store.path):
            reader = PaneReader(cursor, store.archive_dir, store.zone_hours)
            fresh |= self._measure_kpis.read(reader, minutes, changes, now)
            for scanned in self._case_kpis.read(cursor, changes, now):
                fresh |= scanned
                yield
        self._vectors |= fresh
        self.at = now

    def columns(self, now: datetime, source_freshness: SourceFreshness) -> dict[str, Column]:
        """Return every KPI with its freshness; formulas are computed from their parts."""
        self.refreshed_at = now
        now_ms = to_ms(now)
        columns: dict[str, Column] = {}
        for kpi_id, vectors in self._vectors.items():
            definition = self.catalog.kpis[kpi_id]
            vectors, behind = self._claimed(definition, vectors, now, source_freshness)
            known = self._columns.get(kpi_id)
            if known is None or not known.holds((vectors,), behind, now_ms):
                column = judge(definition, vectors, now_ms, behind=behind)
                known = self._columns[kpi_id] = CachedColumn.of(definition, (vectors,), behind, column, now_ms)
            columns[kpi_id] = known.column
        for definition, expression, term in self._plan.formulas:
            end = definition.window.bounds(now, self._zone)[1]
            parts = tuple(columns[part] for part in expression.parts)
            day = (end - _INSTANT).astimezone(self._zone).date()
            known = self._columns.get(definition.id)
            if known is not None and known.holds(parts, day, now_ms):
                columns[definition.id] = known.column
                continue
            constants = in_force(self._plan.constants, expression.constants, [end], self._zone)
            vectors, worst = formula_vectors(term, expression, columns, constants)
            vectors = rolled_up(definition, vectors, now_ms, self._plan.positions[definition.per])
            column = columns[definition.id] = judge(definition, vectors, now_ms, worst)
            self._columns[definition.id] = CachedColumn.of(definition, parts, day, column, now_ms)
        return columns

    def _claimed(
        self, definition: KpiDefinition, vectors: Vectors, now: datetime, source_freshness: SourceFreshness
    ) -> tuple[Vectors, bool]:
        expression = definition.expression
        newest = NEVER if isinstance(expression, MeasureAggregate | Formula) else self._activity.newest(expression.of)
        end = definition.window.bounds(now, self._zone)[1] if definition.window.closed else now
        return source_freshness.claim(definition, vectors, newest, end, self.catalog)


def whole_minute(moment: datetime) -> datetime:
    return moment.replace(second=0, microsecond=0)


def split_catalog(catalog: Catalog) -> list[Catalog]:
    """Split a catalogue into groups that are evaluated separately; each KPI is in exactly one.

    A formula is in a group with all its parts, so that it and they are always of one moment. The KPIs over a case type
    are together, since their cases are read together; the others are grouped by their windows. Groups without cases
    come first, then smaller ones.
    """
    roots = _roots(catalog.kpis)
    joined: dict[Hashable, list[str]] = defaultdict(list)
    for kpi_id in catalog.kpis:
        joined[roots[kpi_id]].append(kpi_id)
    groups: dict[Hashable, set[str]] = defaultdict(set)
    for root, kpi_ids in joined.items():
        definitions = [catalog.kpis[kpi_id] for kpi_id in kpi_ids]
        measured = [kpi for kpi in definitions if isinstance(kpi.expression, MeasureAggregate)]
        has_cases = any(not isinstance(kpi.expression, MeasureAggregate | Formula) for kpi in definitions)
        groups[root if has_cases else frozenset(kpi.window for kpi in measured)] |= set(kpi_ids)
    # The key of a group with cases is not a set of windows: those come last.
    order = sorted(groups.items(), key=lambda item: (not isinstance(item[0], frozenset), len(item[1])))
    return [replace(catalog, kpis={kpi: catalog.kpis[kpi] for kpi in catalog.kpis if kpi in of}) for _, of in order]


def _roots(kpis: Mapping[str, KpiDefinition]) -> dict[str, Hashable]:
    """Return for each KPI a key that is equal for all KPIs that must be in one group."""
    above: dict[Hashable, Hashable] = {}

    def top(of: Hashable) -> Hashable:
        while (higher := above.get(of, of)) != of:
            of = higher
        return of

    for kpi in kpis.values():
        match kpi.expression:
            case MeasureAggregate():
                continue
            case Formula() as formula:
                others: list[Hashable] = list(formula.parts)
            case cases:
                others = [("cases of", cases.of)]
        for other in others:
            if top(kpi.id) != top(other):
                above[top(kpi.id)] = top(other)
    return {kpi_id: top(kpi_id) for kpi_id in kpis}
