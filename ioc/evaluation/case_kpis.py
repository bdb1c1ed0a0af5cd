"""KPIs over cases: compute the vectors of those that a tick affects."""

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import duckdb
import numpy as np
from numpy.typing import NDArray

from ioc.clock import to_ms
from ioc.evaluation.aggregate_functions import NEVER, Vectors, Whole
from ioc.evaluation.case_sql import (
    CaseTotals,
    Edge,
    ScanQuery,
    edge,
    read_few,
    read_first_reports,
    read_newest_changes,
    read_totals,
    units_between,
)
from ioc.evaluation.changes import Changes
from ioc.evaluation.evaluation_plan import EvaluationPlan
from ioc.evaluation.freshness import rolled_up
from ioc.evaluation.vectors import case_vectors
from ioc.model.kpi import RollUp

CLOCK_EVERY = timedelta(seconds=5)
"""How often conditions that name `now` are evaluated again when no case changed."""
_MAX_STEP = timedelta(hours=1)
"""A window whose border moves farther gains or loses cases of nearly every unit."""
_LONG_AGO = datetime.min.replace(tzinfo=UTC)
_FEW = 1 / 4
"""Share of the units: the cases of more units are read together with those of all."""


class CaseActivity:
    """The newest change of each case type, and which units ever had a case of it.

    One entry per unit (ms since 1970, NEVER without a change); the arrays of a type are replaced, never changed.
    """

    def __init__(self, plan: EvaluationPlan) -> None:
        self._positions = {unit: position for position, unit in enumerate(plan.units)}
        self._of = {scan.case_type: np.full(len(plan.units), NEVER, np.int64) for scan in plan.scans}
        self._anywhere = {False: np.zeros(len(plan.units), np.bool_), True: np.ones(len(plan.units), np.bool_)}
        self._reported = {scan.case_type: np.zeros(len(plan.units), np.bool_) for scan in plan.scans}

    def read(
        self, cursor: duckdb.DuckDBPyConnection, case_types: Collection[str] | None, units: Collection[str] | None
    ) -> None:
        """Read some types and units again, or all (None)."""
        again = [case_type for case_type in self._of if case_types is None or case_type in case_types]
        positions = [self._positions[unit] for unit in self._positions if units is None or unit in units]
        if not again or not positions:
            return
        for case_type in again:
            self._of[case_type] = self._of[case_type].copy()
            self._of[case_type][positions] = NEVER
        for case_type, unit, newest in read_newest_changes(cursor, case_types, units):
            if unit in self._positions and case_type in self._of:
                self._of[case_type][self._positions[unit]] = newest
        self._read_reports(cursor, again, positions)

    def _read_reports(
        self, cursor: duckdb.DuckDBPyConnection, case_types: Sequence[str], positions: Sequence[int]
    ) -> None:
        """Look for first reports of units without one; these are few once the centre has run for a while."""
        new = [case_type for case_type in case_types if not self._reported[case_type][positions].all()]
        units = [unit for unit, position in self._positions.items() if position in positions]
        if not new:
            return
        for case_type in new:
            self._reported[case_type] = self._reported[case_type].copy()
        for case_type, unit, _ in read_first_reports(cursor, new, units if len(units) < len(self._positions) else None):
            if unit in self._positions:
                self._reported[case_type][self._positions[unit]] = True

    def newest_by_unit(self, case_type: str) -> Whole:
        """Return the newest change of a case type in each unit."""
        return self._of[case_type]

    def reported(self, case_type: str) -> NDArray[np.bool_]:
        """Return which units ever had a case of the type."""
        return self._reported[case_type]

    def anywhere(self, case_type: str) -> NDArray[np.bool_]:
        """Return whether the province ever had a case of the type, one entry per unit."""
        return self._anywhere[bool(self._reported[case_type].any())]

    def newest(self, case_type: str) -> int:
        """Return the newest change in the province."""
        return int(self._of[case_type].max(initial=NEVER))


class CaseKpis:
    """Totals of each scan by unit, read again for units whose cases changed, and for all when the clock requires it."""

    def __init__(self, plan: EvaluationPlan, zone: ZoneInfo, activity: CaseActivity) -> None:
        self._case_kpis = plan.scans
        self._positions = {unit: position for position, unit in enumerate(plan.units)}
        self._positions_of = plan.positions
        self._zone = zone
        self._activity = activity
        size = len(plan.units)
        self._totals = [[CaseTotals.empty(size) for _ in scan.kpis] for scan in plan.scans]
        self._whole = [
            [
                entry
                for entry, kpi in enumerate(scan.kpis)
                if not kpi.sql.additive and kpi.definition.roll_up is RollUp.MERGE
            ]
            for scan in plan.scans
        ]
        self._uses_now = any(scan.uses_now for scan in plan.scans)
        self._minute: datetime | None = None
        self._clock = _LONG_AGO
        self._bounds: dict[int, tuple[datetime, datetime]] = {}

    def ticked(self, now: datetime) -> bool:
        """Return whether conditions that name `now` are to be evaluated again."""
        return self._uses_now and not _LONG_AGO < now - CLOCK_EVERY < self._clock

    def read(
        self, cursor: duckdb.DuckDBPyConnection, changes: Changes, now: datetime
    ) -> Iterator[Mapping[str, Vectors]]:
        """Yield vectors of KPIs whose cases changed, whose window moved, or whose condition names the clock.

        One scan at a time.
        """
        minute = now.replace(second=0, microsecond=0)
        first, turned, self._minute = self._minute is None, minute != self._minute, minute
        ticked = self.ticked(now)
        if ticked:
            self._clock = now
        changed: frozenset[str] | None = changes.units
        if len(changes.units) > _FEW * len(self._positions):
            changed = None
        moved = self._moved(cursor, now) if turned and not first else {}
        few: dict[str, list[tuple[int, frozenset[str]]]] = defaultdict(list)
        for position, scan in enumerate(self._case_kpis):
            units = moved.get(position, frozenset())
            if scan.case_type in changes.case_types:
                units = None if units is None or changed is None else units | changed
            if first or units is None or (ticked and scan.uses_now):
                query = self._query(position, now)
                read_totals(cursor, scan.case_type, query, now, self._positions)
                yield self._vectors(position, now)
            elif units:
                few[scan.case_type].append((position, units))
        for case_type, touched in few.items():
            positions = [position for position, _ in touched]
            units = frozenset().union(*(units for _, units in touched))
            queries = [self._query(position, now) for position in positions]
            read_few(cursor, case_type, queries, now, units, self._positions)
            yield {kpi: vectors for position in positions for kpi, vectors in self._vectors(position, now).items()}

    def _moved(self, cursor: duckdb.DuckDBPyConnection, now: datetime) -> dict[int, frozenset[str] | None]:
        """Return, for each scan whose window moved, the units with cases that entered or left it; None for all units.

        All units are affected when the condition names the clock, or when a new day, month, quarter or year has begun.
        """
        moved: dict[int, frozenset[str] | None] = {}
        edges: dict[tuple[str, str], set[Edge]] = defaultdict(set)
        small: list[int] = []
        for position, scan in enumerate(self._case_kpis):
            before, after = self._bounds[position], scan.window.bounds(now, self._zone)
            if scan.uses_now:
                moved[position] = None
            elif scan.at and before != after:
                steps = {edge(old, new) for old, new in zip(before, after, strict=True) if old != new}
                if any(end - start > _MAX_STEP for start, end in steps):
                    moved[position] = None
                else:
                    edges[scan.case_type, scan.at] |= steps
                    small.append(position)
                    self._bounds[position] = after
        at_edges = {of: units_between(cursor, *of, sorted(steps)) for of, steps in edges.items()}
        return moved | {
            position: at_edges[self._case_kpis[position].case_type, self._case_kpis[position].at] for position in small
        }

    def _query(self, position: int, now: datetime) -> ScanQuery:
        scan = self._case_kpis[position]
        self._bounds[position] = scan.window.bounds(now, self._zone)
        expressions = [kpi.sql for kpi in scan.kpis]
        return ScanQuery(expressions, scan.at, self._bounds[position], self._totals[position], self._whole[position])

    def _vectors(self, position: int, now: datetime) -> dict[str, Vectors]:
        scan, activity = self._case_kpis[position], self._activity.newest_by_unit(self._case_kpis[position].case_type)
        reported = (self._activity.anywhere if scan.silence_is_zero else self._activity.reported)(scan.case_type)
        fresh: dict[str, Vectors] = {}
        for kpi, total in zip(scan.kpis, self._totals[position], strict=True):
            vectors = case_vectors(kpi.expression, kpi.definition.roll_up, kpi.sql, total, activity, reported)
            own_positions = self._positions_of[kpi.definition.per]
            fresh[kpi.definition.id] = rolled_up(kpi.definition, vectors, to_ms(now), own_positions)
        return fresh
