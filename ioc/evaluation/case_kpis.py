"""KPIs over cases: vectors of those that a tick touched."""

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
    Asked,
    CaseTotals,
    Edge,
    edge,
    read_few,
    read_first_reports,
    read_heard,
    read_totals,
    units_between,
)
from ioc.evaluation.changes import Changes
from ioc.evaluation.evaluation_plan import Plan
from ioc.evaluation.freshness import rolled_up
from ioc.evaluation.vectors import case_vectors
from ioc.model.kpi import RollUp

CLOCK_EVERY = timedelta(seconds=5)
"""How often conditions that name `now` are looked at again when no case changed."""
_LONGEST_STEP = timedelta(hours=1)
"""A window whose border moves farther gains or loses cases of nearly every unit."""
_LONG_AGO = datetime.min.replace(tzinfo=UTC)
_FEW = 1 / 4
"""Of the units: the cases of more are read with those of all."""


class Heard:
    """When anything of each case type was last heard of, one entry per unit (ms since 1970, NEVER before the first
    time), and which units ever had such a case; the entries of a type are replaced, never changed."""

    def __init__(self, plan: Plan) -> None:
        self._places = {unit: place for place, unit in enumerate(plan.units)}
        self._of = {scan.case_type: np.full(len(plan.units), NEVER, np.int64) for scan in plan.scans}
        self._anywhere = {False: np.zeros(len(plan.units), np.bool_), True: np.ones(len(plan.units), np.bool_)}
        self._reported = {scan.case_type: np.zeros(len(plan.units), np.bool_) for scan in plan.scans}

    def read(
        self, cursor: duckdb.DuckDBPyConnection, case_types: Collection[str] | None, units: Collection[str] | None
    ) -> None:
        """Read some types and units again, or all (None)."""
        again = [case_type for case_type in self._of if case_types is None or case_type in case_types]
        places = [self._places[unit] for unit in self._places if units is None or unit in units]
        if not again or not places:
            return
        for case_type in again:
            self._of[case_type] = self._of[case_type].copy()
            self._of[case_type][places] = NEVER
        for case_type, unit, newest in read_heard(cursor, case_types, units):
            if unit in self._places and case_type in self._of:
                self._of[case_type][self._places[unit]] = newest
        self._read_reports(cursor, again, places)

    def _read_reports(
        self, cursor: duckdb.DuckDBPyConnection, case_types: Sequence[str], places: Sequence[int]
    ) -> None:
        """Look for first reports of the units that have not reported yet: few, once the centre has run for a while."""
        new = [case_type for case_type in case_types if not self._reported[case_type][places].all()]
        units = [unit for unit, place in self._places.items() if place in places]
        if not new:
            return
        for case_type in new:
            self._reported[case_type] = self._reported[case_type].copy()
        for case_type, unit, _ in read_first_reports(cursor, new, units if len(units) < len(self._places) else None):
            if unit in self._places:
                self._reported[case_type][self._places[unit]] = True

    def of(self, case_type: str) -> Whole:
        return self._of[case_type]

    def reported(self, case_type: str) -> NDArray[np.bool_]:
        """Which units ever had a case of the type."""
        return self._reported[case_type]

    def anywhere(self, case_type: str) -> NDArray[np.bool_]:
        """Whether anything of the type was ever heard of in the province, one entry per unit."""
        return self._anywhere[bool(self._reported[case_type].any())]

    def newest(self, case_type: str) -> int:
        """In the province."""
        return int(self._of[case_type].max(initial=NEVER))


class Scans:
    """Totals of each scan by unit, read again for the units whose cases changed, for all when the clock says so."""

    def __init__(self, plan: Plan, zone: ZoneInfo, heard: Heard) -> None:
        self._scans = plan.scans
        self._places = {unit: place for place, unit in enumerate(plan.units)}
        self._spoken_of = plan.places
        self._zone = zone
        self._heard = heard
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
        """Whether conditions that name `now` are to be looked at again."""
        return self._uses_now and not _LONG_AGO < now - CLOCK_EVERY < self._clock

    def read(
        self, cursor: duckdb.DuckDBPyConnection, changes: Changes, now: datetime
    ) -> Iterator[Mapping[str, Vectors]]:
        """Vectors of the KPIs whose cases changed, whose window moved, or whose condition the clock moves; one scan at
        a time."""
        minute = now.replace(second=0, microsecond=0)
        first, turned, self._minute = self._minute is None, minute != self._minute, minute
        ticked = self.ticked(now)
        if ticked:
            self._clock = now
        changed: frozenset[str] | None = changes.units
        if len(changes.units) > _FEW * len(self._places):
            changed = None
        moved = self._moved(cursor, now) if turned and not first else {}
        few: dict[str, list[tuple[int, frozenset[str]]]] = defaultdict(list)
        for place, scan in enumerate(self._scans):
            units = moved.get(place, frozenset())
            if scan.case_type in changes.case_types:
                units = None if units is None or changed is None else units | changed
            if first or units is None or (ticked and scan.uses_now):
                asked = self._asked(place, now)
                read_totals(cursor, scan.case_type, asked, now, self._places)
                yield self._fresh(place, now)
            elif units:
                few[scan.case_type].append((place, units))
        for case_type, touched in few.items():
            places = [place for place, _ in touched]
            units = frozenset().union(*(units for _, units in touched))
            asked_few = [self._asked(place, now) for place in places]
            read_few(cursor, case_type, asked_few, now, units, self._places)
            yield {kpi: vectors for place in places for kpi, vectors in self._fresh(place, now).items()}

    def _moved(self, cursor: duckdb.DuckDBPyConnection, now: datetime) -> dict[int, frozenset[str] | None]:
        """Of each scan whose window moved, the units with cases that came into it or left it by that; None for all:
        the clock is in a condition, or a new day, month, quarter or year has begun."""
        moved: dict[int, frozenset[str] | None] = {}
        edges: dict[tuple[str, str], set[Edge]] = defaultdict(set)
        small: list[int] = []
        for place, scan in enumerate(self._scans):
            before, after = self._bounds[place], scan.window.bounds(now, self._zone)
            if scan.uses_now:
                moved[place] = None
            elif scan.at and before != after:
                steps = {edge(old, new) for old, new in zip(before, after, strict=True) if old != new}
                if any(end - start > _LONGEST_STEP for start, end in steps):
                    moved[place] = None
                else:
                    edges[scan.case_type, scan.at] |= steps
                    small.append(place)
                    self._bounds[place] = after
        at_edges = {of: units_between(cursor, *of, sorted(steps)) for of, steps in edges.items()}
        return moved | {place: at_edges[self._scans[place].case_type, self._scans[place].at] for place in small}

    def _asked(self, place: int, now: datetime) -> Asked:
        scan = self._scans[place]
        self._bounds[place] = scan.window.bounds(now, self._zone)
        expressions = [kpi.sql for kpi in scan.kpis]
        return Asked(expressions, scan.at, self._bounds[place], self._totals[place], self._whole[place])

    def _fresh(self, place: int, now: datetime) -> dict[str, Vectors]:
        scan, heard = self._scans[place], self._heard.of(self._scans[place].case_type)
        reported = (self._heard.anywhere if scan.silence_is_zero else self._heard.reported)(scan.case_type)
        fresh: dict[str, Vectors] = {}
        for kpi, total in zip(scan.kpis, self._totals[place], strict=True):
            vectors = case_vectors(kpi.expression, kpi.definition.roll_up, kpi.sql, total, heard, reported)
            spoken_of = self._spoken_of[kpi.definition.per]
            fresh[kpi.definition.id] = rolled_up(kpi.definition, vectors, to_ms(now), spoken_of)
        return fresh
