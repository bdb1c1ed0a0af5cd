"""KPIs over measures: compute the vectors of those that a tick affects."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

import numpy as np

from ioc.clock import to_ms
from ioc.evaluation.aggregate_functions import NEVER, Moments, Vectors, Whole
from ioc.evaluation.changes import Changes
from ioc.evaluation.evaluation_plan import KIND_OF, EvaluationPlan
from ioc.evaluation.freshness import rolled_up
from ioc.evaluation.pane_reader import PaneReader
from ioc.evaluation.pane_windows import OpenMinutes, PaneWindows, hour_before
from ioc.evaluation.vectors import aggregate_vectors, with_province
from ioc.model.kpi import KpiDefinition, MeasureAggregate, RollUp
from ioc.model.window import Window
from ioc.panes.schema import Columns

Definitions = list[tuple[KpiDefinition, MeasureAggregate]]


@dataclass(frozen=True, slots=True)
class SharedMinutes:
    """What all groups share: the open minutes of each kind, the codes of measures, and the entry of each unit code.

    The entry is NEVER for units of another centre.
    """

    of_kind: Mapping[str, OpenMinutes]
    measure_codes: Mapping[str, int]
    unit_positions: Whole

    @classmethod
    def of(cls, plan: EvaluationPlan) -> "SharedMinutes":
        """Return the state before anything is read."""
        measures = {kind: frozenset().union(*wanted.values()) for kind, wanted in plan.wanted.items()}
        return cls({kind: OpenMinutes(kind, some) for kind, some in measures.items()}, {}, np.zeros(0, np.int64))

    def advanced(
        self, reader: PaneReader, plan: EvaluationPlan, changed: Collection[str], now: datetime
    ) -> "SharedMinutes":
        """Return the state with what changed since."""
        codes = reader.codes("measure")
        for open_minutes in self.of_kind.values():
            open_minutes.advance(reader, codes, changed, now)
        return SharedMinutes(self.of_kind, codes, _unit_positions(reader, plan))


class MeasureKpis:
    """The pane windows of all kinds of rows, and the KPIs over them."""

    def __init__(self, plan: EvaluationPlan, zone: ZoneInfo) -> None:
        self._plan = plan
        self._zone = zone
        self._windows = {kind: PaneWindows(kind, wanted, zone) for kind, wanted in plan.wanted.items()}
        self._minute: datetime | None = None

    def read(self, reader: PaneReader, minutes: SharedMinutes, changes: Changes, now: datetime) -> dict[str, Vectors]:
        """Return vectors of the KPIs whose panes changed or whose window moved; of all at the first call.

        `minutes` have been advanced to `now`.
        """
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
        minutes: SharedMinutes,
        now: datetime,
    ) -> Iterator[tuple[str, Vectors]]:
        start, end = window.bounds(now, self._zone)
        passed_s = (min(end, now) - start).total_seconds()
        newest_hour = hour_before(end)
        measures = sorted({expression.measure for _, expression in definitions})
        own = self._moments(window, measures, minutes)
        merged = with_province(own)
        for definition, expression in definitions:
            position = measures.index(expression.measure)
            moments = (merged if definition.roll_up is RollUp.MERGE else own).at(position)
            kind = KIND_OF.get(expression.take, "")
            part, units = None, np.zeros(0, np.int64)
            if kind:
                part, units = self._rows(kind, window, expression.measure, minutes.unit_positions)
                if definition.roll_up is RollUp.MERGE:
                    part, units = _with_province(part, units)
            vectors = aggregate_vectors(
                expression, moments, kind, part, units, passed_s=passed_s, newest_hour=newest_hour
            )
            yield definition.id, rolled_up(definition, vectors, to_ms(now), self._plan.positions[definition.per])

    def _moments(self, window: Window, measures: Collection[str], minutes: SharedMinutes) -> Moments:
        """Return the moments of each measure (first axis) and unit (second axis)."""
        measure_codes = minutes.measure_codes
        part = self._windows["panes"].rows(window, measures)
        size = len(self._plan.units)
        lines = np.full(max(measure_codes.values(), default=0) + 1, NEVER, np.int64)
        for line, measure in enumerate(measures):
            if measure in measure_codes:
                lines[measure_codes[measure]] = line
        unit = minutes.unit_positions[part["unit"]]
        here = unit != NEVER
        part = {name: values[here] for name, values in part.items()}
        positions = lines[part["measure"]] * size + unit[here]
        return Moments.of(part, positions, len(measures) * size).shaped(len(measures), size)

    def _rows(self, kind: str, window: Window, measure: str, unit_positions: Whole) -> tuple[Columns, Whole]:
        part = self._windows[kind].rows(window, [measure])
        unit = unit_positions[part["unit"]]
        here = unit != NEVER
        return {name: values[here] for name, values in part.items()}, unit[here]


def _unit_positions(reader: PaneReader, plan: EvaluationPlan) -> Whole:
    position = {unit: position for position, unit in enumerate(plan.units)}
    known = reader.codes("unit")
    positions = np.full(max(known.values(), default=0) + 1, NEVER, np.int64)
    for unit, code in known.items():
        positions[code] = position.get(unit, NEVER)
    return positions


def _with_province(part: Columns, units: Whole) -> tuple[Columns, Whole]:
    """Return every row once for its unit and once for the province (the first entry)."""
    below = units != 0
    twice = {name: np.concatenate([values[below], values]) for name, values in part.items()}
    return twice, np.concatenate([units[below], np.zeros(len(units), np.int64)])
