"""KPIs over measures: vectors of those that a tick touched."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

import numpy as np

from ioc.clock import to_ms
from ioc.evaluation.aggregate_functions import NEVER, Moments, Vectors, Whole
from ioc.evaluation.changes import Changes
from ioc.evaluation.evaluation_plan import KIND_OF, Plan
from ioc.evaluation.freshness import rolled_up
from ioc.evaluation.pane_reader import PaneReader
from ioc.evaluation.pane_windows import OpenMinutes, PaneWindows, hour_before
from ioc.evaluation.vectors import aggregate_vectors, with_province
from ioc.model.kpi import KpiDefinition, MeasureAggregate, RollUp
from ioc.model.window import Window
from ioc.panes.schema import Columns

Definitions = list[tuple[KpiDefinition, MeasureAggregate]]


@dataclass(frozen=True, slots=True)
class Minutes:
    """What all aggregates share: the open minutes of each kind, the store's codes of measures, the entry of each unit
    code (NEVER for units of another centre)."""

    of_kind: Mapping[str, OpenMinutes]
    measure_codes: Mapping[str, int]
    unit_places: Whole

    @classmethod
    def of(cls, plan: Plan) -> "Minutes":
        """Nothing read yet."""
        measures = {kind: frozenset().union(*wanted.values()) for kind, wanted in plan.wanted.items()}
        return cls({kind: OpenMinutes(kind, some) for kind, some in measures.items()}, {}, np.zeros(0, np.int64))

    def advanced(self, reader: PaneReader, plan: Plan, changed: Collection[str], now: datetime) -> "Minutes":
        """With what changed since."""
        codes = reader.codes("measure")
        for open_minutes in self.of_kind.values():
            open_minutes.advance(reader, codes, changed, now)
        return Minutes(self.of_kind, codes, _unit_places(reader, plan))


class Aggregates:
    """Pane windows of all kinds of rows, and the KPIs over them."""

    def __init__(self, plan: Plan, zone: ZoneInfo) -> None:
        self._plan = plan
        self._zone = zone
        self._windows = {kind: PaneWindows(kind, wanted, zone) for kind, wanted in plan.wanted.items()}
        self._minute: datetime | None = None

    def read(self, reader: PaneReader, minutes: Minutes, changes: Changes, now: datetime) -> dict[str, Vectors]:
        """Vectors of the KPIs whose panes changed or whose window moved; of all at the first call. `minutes` have been
        advanced to `now`."""
        minute = now.replace(second=0, microsecond=0)
        turned, self._minute = minute != self._minute, minute
        touched: set[str] = set()
        for kind, windows in self._windows.items():
            touched |= windows.advance(
                reader, minutes.of_kind[kind], minutes.measure_codes, changes.earliest_minute, now
            )
        chosen = [(d, e) for d, e in self._plan.aggregates if turned or e.measure in touched]
        fresh: dict[str, Vectors] = {}
        for window in dict.fromkeys(definition.window for definition, _ in chosen):
            mine = [(d, e) for d, e in chosen if d.window == window]
            fresh |= dict(self._of_window(window, mine, minutes, now))
        return fresh

    def _of_window(
        self,
        window: Window,
        definitions: Definitions,
        minutes: Minutes,
        now: datetime,
    ) -> Iterator[tuple[str, Vectors]]:
        start, end = window.bounds(now, self._zone)
        passed_s = (min(end, now) - start).total_seconds()
        newest_hour = hour_before(end)
        measures = sorted({expression.measure for _, expression in definitions})
        own = self._moments(window, measures, minutes)
        merged = with_province(own)
        for definition, expression in definitions:
            place = measures.index(expression.measure)
            moments = (merged if definition.roll_up is RollUp.MERGE else own).at(place)
            kind = KIND_OF.get(expression.take, "")
            part, units = None, np.zeros(0, np.int64)
            if kind:
                part, units = self._rows(kind, window, expression.measure, minutes.unit_places)
                if definition.roll_up is RollUp.MERGE:
                    part, units = _with_province(part, units)
            vectors = aggregate_vectors(
                expression, moments, kind, part, units, passed_s=passed_s, newest_hour=newest_hour
            )
            yield definition.id, rolled_up(definition, vectors, to_ms(now), self._plan.places[definition.per])

    def _moments(self, window: Window, measures: Collection[str], minutes: Minutes) -> Moments:
        """Moments of each measure (first axis) and unit (second)."""
        measure_codes = minutes.measure_codes
        part = self._windows["panes"].rows(window, measures)
        size = len(self._plan.units)
        lines = np.full(max(measure_codes.values(), default=0) + 1, NEVER, np.int64)
        for line, measure in enumerate(measures):
            if measure in measure_codes:
                lines[measure_codes[measure]] = line
        unit = minutes.unit_places[part["unit"]]
        here = unit != NEVER
        part = {name: values[here] for name, values in part.items()}
        places = lines[part["measure"]] * size + unit[here]
        return Moments.of(part, places, len(measures) * size).shaped(len(measures), size)

    def _rows(self, kind: str, window: Window, measure: str, unit_places: Whole) -> tuple[Columns, Whole]:
        part = self._windows[kind].rows(window, [measure])
        unit = unit_places[part["unit"]]
        here = unit != NEVER
        return {name: values[here] for name, values in part.items()}, unit[here]


def _unit_places(reader: PaneReader, plan: Plan) -> Whole:
    place = {unit: place for place, unit in enumerate(plan.units)}
    known = reader.codes("unit")
    places = np.full(max(known.values(), default=0) + 1, NEVER, np.int64)
    for unit, code in known.items():
        places[code] = place.get(unit, NEVER)
    return places


def _with_province(part: Columns, units: Whole) -> tuple[Columns, Whole]:
    """Every row once for its unit and once for the province (the first entry)."""
    below = units != 0
    twice = {name: np.concatenate([values[below], values]) for name, values in part.items()}
    return twice, np.concatenate([units[below], np.zeros(len(units), np.int64)])
