"""A portion of the catalogue: its vectors, kept up piece by piece, and its columns."""

from collections import defaultdict
from collections.abc import Hashable, Iterator, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from ioc.catalog import Catalog
from ioc.clock import to_ms
from ioc.evaluation.aggregate_functions import NEVER, Vectors
from ioc.evaluation.case_kpis import Heard, Scans
from ioc.evaluation.changes import Changes
from ioc.evaluation.evaluation_plan import Plan
from ioc.evaluation.formulas import in_force
from ioc.evaluation.freshness import Column, Judged, judge, rolled_up
from ioc.evaluation.measure_kpis import Aggregates, Minutes
from ioc.evaluation.pane_reader import PaneReader
from ioc.evaluation.source_freshness import Feeding
from ioc.evaluation.vectors import formula_vectors
from ioc.model.kpi import Formula, KpiDefinition, MeasureAggregate
from ioc.store import Store, transaction

_INSTANT = timedelta(microseconds=1)


class Portion:
    """`owed` is what changed since the last run began; `at` the moment that the vectors speak of, None before the first
    run; `judged_at` when the columns were last judged by the clock."""

    def __init__(self, catalog: Catalog, zone: ZoneInfo, heard: Heard) -> None:
        """`catalog` holds the portion's KPIs alone."""
        self.catalog = catalog
        self.owed = Changes()
        self.at: datetime | None = None
        self.judged_at: datetime | None = None
        self._zone = zone
        self._heard = heard
        self._plan = Plan.of(catalog)
        self._measures = {expression.measure for _, expression in self._plan.aggregates}
        self._case_types = {scan.case_type for scan in self._plan.scans}
        self._aggregates = Aggregates(self._plan, zone)
        self._scans = Scans(self._plan, zone, heard)
        self._vectors: dict[str, Vectors] = {}
        self._judged: dict[str, Judged] = {}

    @property
    def has_cases(self) -> bool:
        return bool(self._case_types)

    def take(self, changes: Changes) -> None:
        """Note what of the changes is its own."""
        earliest = {measure: at for measure, at in changes.earliest_minute.items() if measure in self._measures}
        case_types = changes.case_types & self._case_types
        if earliest or case_types:
            mine = Changes(earliest, changes.units if case_types else frozenset(), case_types)
            self.owed = Changes.of([self.owed, mine])

    @property
    def is_touched(self) -> bool:
        return bool(self.owed.earliest_minute or self.owed.case_types)

    def is_at(self, now: datetime) -> bool:
        """Whether its windows are those of now."""
        return self.at is not None and whole_minute(self.at) == whole_minute(now)

    def is_late(self, now: datetime) -> bool:
        """Whether the clock alone moves it: a window, or a condition."""
        return not self.is_at(now) or self._scans.ticked(now)

    def run(self, store: Store, minutes: Minutes, now: datetime) -> Iterator[None]:
        """Read what is owed and what the time moves, in one transaction; between the pieces it may rest. Its vectors
        are then of this moment, all of them; before, none. Raises StoreUnavailable; what is kept is then of no use."""
        changes, self.owed = self.owed, Changes()
        fresh: dict[str, Vectors] = {}
        with store.cursor() as cursor, transaction(cursor, store.path):
            reader = PaneReader(cursor, store.archive_dir, store.zone_hours)
            fresh |= self._aggregates.read(reader, minutes, changes, now)
            for scanned in self._scans.read(cursor, changes, now):
                fresh |= scanned
                yield
        self._vectors |= fresh
        self.at = now

    def columns(self, now: datetime, feeding: Feeding) -> dict[str, Column]:
        """Every KPI judged by the clock; formulas computed from their parts."""
        self.judged_at = now
        now_ms = to_ms(now)
        columns: dict[str, Column] = {}
        for kpi_id, vectors in self._vectors.items():
            definition = self.catalog.kpis[kpi_id]
            vectors, behind = self._told(definition, vectors, now, feeding)
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

    def _told(
        self, definition: KpiDefinition, vectors: Vectors, now: datetime, feeding: Feeding
    ) -> tuple[Vectors, bool]:
        expression = definition.expression
        newest = NEVER if isinstance(expression, MeasureAggregate | Formula) else self._heard.newest(expression.of)
        end = definition.window.bounds(now, self._zone)[1] if definition.window.closed else now
        return feeding.told(definition, vectors, newest, end, self.catalog)


def whole_minute(moment: datetime) -> datetime:
    return moment.replace(second=0, microsecond=0)


def portions_of(catalog: Catalog) -> list[Catalog]:
    """Catalogues that hold some of the KPIs each, all together every KPI once; those without cases first, then by size.

    A formula is with all that it is made of, so that it and its parts are always of one moment; the KPIs over a case
    type are together, for their cases are read together; the others by the windows they ask for.
    """
    joined = _joined(catalog.kpis)
    groups: dict[Hashable, list[str]] = defaultdict(list)
    for kpi_id in catalog.kpis:
        groups[joined[kpi_id]].append(kpi_id)
    portions: dict[Hashable, set[str]] = defaultdict(set)
    for group, kpi_ids in groups.items():
        expressions = [catalog.kpis[kpi_id] for kpi_id in kpi_ids]
        measured = [kpi for kpi in expressions if isinstance(kpi.expression, MeasureAggregate)]
        has_cases = any(not isinstance(kpi.expression, MeasureAggregate | Formula) for kpi in expressions)
        portions[group if has_cases else frozenset(kpi.window for kpi in measured)] |= set(kpi_ids)
    # A set of windows is no group of cases: those come last.
    order = sorted(portions.items(), key=lambda item: (not isinstance(item[0], frozenset), len(item[1])))
    return [replace(catalog, kpis={kpi: catalog.kpis[kpi] for kpi in catalog.kpis if kpi in of}) for _, of in order]


def _joined(kpis: Mapping[str, KpiDefinition]) -> dict[str, Hashable]:
    """To each KPI a name of all those that must be with it."""
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
