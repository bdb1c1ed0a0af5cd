"""KPIs over cases: vectors of those that a tick touched."""

from collections import defaultdict
from collections.abc import Collection
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import duckdb
import numpy as np

from ioc.clock import to_ms
from ioc.evaluation.cases import (
    CaseTotals,
    Edge,
    edge,
    read_heard,
    read_totals,
    touched_cases,
    units_between,
)
from ioc.evaluation.changes import Changes
from ioc.evaluation.judging import rolled_up
from ioc.evaluation.plan import Plan
from ioc.evaluation.takes import NEVER, Vectors
from ioc.evaluation.vectors import case_vectors
from ioc.model.kpi import RollUp

CLOCK_EVERY = timedelta(seconds=5)
"""How often conditions that name `now` are looked at again when no case changed."""
_LONGEST_STEP = timedelta(hours=1)
"""A window whose border moves farther gains or loses cases of nearly every unit."""
_LONG_AGO = datetime.min.replace(tzinfo=UTC)


class Scans:
    """Totals of each scan by unit, read again for the units whose cases changed, for all when the clock says so."""

    def __init__(self, plan: Plan, zone: ZoneInfo) -> None:
        self._scans = plan.scans
        self._places = {unit: place for place, unit in enumerate(plan.units)}
        self._spoken_of = plan.places
        self._zone = zone
        size = len(plan.units)
        self._totals = [[CaseTotals.empty(size) for _ in scan.kpis] for scan in plan.scans]
        self._heard = {scan.case_type: np.full(size, NEVER, np.int64) for scan in plan.scans}
        self._minute: datetime | None = None
        self._clock = _LONG_AGO
        self._bounds: dict[int, tuple[datetime, datetime]] = {}

    def read(self, cursor: duckdb.DuckDBPyConnection, changes: Changes, now: datetime) -> dict[str, Vectors]:
        """Vectors of the KPIs whose cases changed, whose window moved, or whose condition the clock moves."""
        minute = now.replace(second=0, microsecond=0)
        first, turned, self._minute = self._minute is None, minute != self._minute, minute
        ticked = not _LONG_AGO < now - CLOCK_EVERY < self._clock
        if ticked:
            self._clock = now
        for case_type, heard in self._heard.items():
            if first or case_type in changes.case_types:
                read_heard(cursor, case_type, None if first else changes.units, self._places, heard)
        fresh: dict[str, Vectors] = {}
        moved = self._moved(cursor, now) if turned and not first else {}
        few: dict[str, list[tuple[int, frozenset[str]]]] = defaultdict(list)
        for place, scan in enumerate(self._scans):
            units = moved.get(place, frozenset())
            if first or units is None or (ticked and scan.uses_now):
                fresh |= self._scan(cursor, place, None, now)
                continue
            if scan.case_type in changes.case_types:
                units |= frozenset(changes.units)
            if units:
                few[scan.case_type].append((place, units))
        for case_type, touched in few.items():
            expressions = [kpi.sql for place, _ in touched for kpi in self._scans[place].kpis]
            times = {self._scans[place].at for place, _ in touched} - {""}
            units = frozenset().union(*(units for _, units in touched))
            with touched_cases(cursor, case_type, expressions, times, units) as table:
                for place, of in touched:
                    fresh |= self._scan(cursor, place, of, now, table)
        return fresh

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

    def newest(self, case_type: str) -> int:
        """When anything of the type was last heard of in the province (ms since 1970), NEVER before the first time."""
        return int(self._heard[case_type].max(initial=NEVER))

    def _scan(
        self,
        cursor: duckdb.DuckDBPyConnection,
        place: int,
        units: Collection[str] | None,
        now: datetime,
        touched: str = "",
    ) -> dict[str, Vectors]:
        scan, totals = self._scans[place], self._totals[place]
        self._bounds[place] = scan.window.bounds(now, self._zone)
        read_totals(
            cursor,
            scan.case_type,
            [kpi.sql for kpi in scan.kpis],
            at=scan.at,
            bounds=self._bounds[place],
            now=now,
            units=units,
            places=self._places,
            totals=totals,
            whole=[
                entry
                for entry, kpi in enumerate(scan.kpis)
                if not kpi.sql.additive and kpi.definition.roll_up is RollUp.MERGE
            ],
            touched=touched,
        )
        heard = self._heard[scan.case_type]
        fresh: dict[str, Vectors] = {}
        for kpi, total in zip(scan.kpis, totals, strict=True):
            vectors = case_vectors(kpi.expression, kpi.definition.roll_up, kpi.sql, total, heard)
            spoken_of = self._spoken_of[kpi.definition.per]
            fresh[kpi.definition.id] = rolled_up(kpi.definition, vectors, to_ms(now), spoken_of)
        return fresh
