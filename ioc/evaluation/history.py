"""Compute KPIs of the past, for any definition, from panes and versions of cases."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

import numpy as np

from ioc.catalog import Catalog
from ioc.catalog.formulas import parse_formula
from ioc.evaluation.aggregate_functions import NEVER, Vectors
from ioc.evaluation.case_history import CaseSeriesQuery, case_series
from ioc.evaluation.case_sql import CaseExpression
from ioc.evaluation.case_versions import Moment, Targets, merged_targets
from ioc.evaluation.formulas import in_force
from ioc.evaluation.freshness import Column, judge
from ioc.evaluation.measure_history import pane_series
from ioc.evaluation.pane_reader import PaneReader
from ioc.evaluation.vectors import formula_vectors
from ioc.messages import Message
from ioc.model.kpi import Formula, KpiDefinition, MeasureAggregate, RollUp
from ioc.model.window import Window

MAX_POINTS = 5000
_MINUTE = timedelta(minutes=1)
_MILLISECOND = timedelta(milliseconds=1)
_NOW = Window.parse("now")


class Point(NamedTuple):
    """The value of a KPI at `time`; None without enough data."""

    time: datetime
    value: float | None
    samples: int


def history(  # noqa: PLR0913  the parameters of the route
    reader: PaneReader,
    catalog: Catalog,
    kpi_id: str,
    unit: str,
    start: datetime,
    end: datetime,
    step: timedelta,
    zone: ZoneInfo,
) -> list[Point]:
    """Return points at start + step, start + 2 step … up to `end`; each window ends at its point.

    `start` is rounded down to its minute. Raises KeyError for an unknown KPI or unit, or one that the KPI has no values
    for, ValueError for a step that is not a whole number of minutes or makes more than MAX_POINTS points.
    """
    if unit not in catalog.vocabulary.units or catalog.vocabulary.units[unit].level not in catalog.kpis[kpi_id].per:
        raise KeyError(unit)
    if step < _MINUTE or step % _MINUTE:
        raise ValueError(Message("step_not_minutes", given=str(step)))
    start = start.replace(second=0, microsecond=0)
    count = max((end - start) // step, 0)
    if count > MAX_POINTS:
        raise ValueError(Message("too_many_points", points=count, max=MAX_POINTS))
    if count == 0:
        return []
    times = [start + step * position for position in range(1, count + 1)]
    past = _PastColumns(reader, catalog, [time - timedelta(milliseconds=1) for time in times], times, zone)
    column = past.column(catalog.kpis[kpi_id], [unit])
    return [
        Point(time, None if value != value else value, samples)
        for time, value, samples in zip(times, column.value.tolist(), column.samples.tolist(), strict=True)
    ]


def closed_columns(
    reader: PaneReader, catalog: Catalog, definition: KpiDefinition, ends: Sequence[datetime], zone: ZoneInfo
) -> list[tuple[str, Column]]:
    """Return the values of a KPI for periods that ended at `ends`, by all that is known now.

    Each of its units comes with a column of one entry per period. A closed window is of the period that ended, others
    are of the one that was ending.
    """
    times = sorted(set(ends))
    just_before = times if definition.window.closed else [time - _MILLISECOND for time in times]
    past = _PastColumns(reader, catalog, just_before, times, zone, latest=True)
    order = np.array([times.index(end) for end in ends], np.intp)
    own_positions = [unit for unit in catalog.vocabulary.units.values() if unit.level in definition.per]
    below = [unit.code for unit in own_positions if unit.parent]
    found: list[tuple[str, Column]] = []
    if len(below) < len(own_positions):
        found.append((catalog.province.code, past.column(definition, [catalog.province.code]).at(order)))
    if below:
        column = past.column(definition, below)
        positions = order * len(below)
        found += [(unit, column.at(positions + position)) for position, unit in enumerate(below)]
    return found


def unit_columns(  # noqa: PLR0913  who, what and when
    reader: PaneReader,
    catalog: Catalog,
    definition: KpiDefinition,
    units: Sequence[str],
    times: Sequence[datetime],
    zone: ZoneInfo,
    *,
    latest: bool = False,
) -> Column:
    """Return a KPI at each of the times for each of the units: one entry per (time, unit) in row-major order.

    The province comes first, if it is among the units. The times have equal steps, unless `latest`: then cases with a
    time column in the window count as they are known now.
    """
    past = _PastColumns(reader, catalog, [time - _MILLISECOND for time in times], list(times), zone, latest)
    province = catalog.province.code
    if province not in units:
        return past.column(definition, units)
    parts = [past.column(definition, [province])]
    if len(units) > 1:
        parts.append(past.column(definition, units[1:]))
    order = np.arange(len(times))[:, None]
    positions = np.concatenate([order, len(times) + order * (len(units) - 1) + np.arange(len(units) - 1)], axis=1)
    joined = (
        np.concatenate([getattr(part, name) for part in parts])[positions.reshape(-1)]
        for name in ("value", "samples", "as_of", "state")
    )
    return Column(*joined)


def moment_columns(
    reader: PaneReader,
    catalog: Catalog,
    wanted: Mapping[str, Sequence[str]],
    at: datetime,
    zone: ZoneInfo,
) -> dict[str, Column]:
    """Return several KPIs at a moment: one entry per unit.

    `wanted` has the units of each KPI, the province first if it is among them. Each case type is read once for all
    KPIs.
    """
    past = _PastColumns(reader, catalog, [at - _MILLISECOND], [at], zone)
    province = catalog.province.code
    parts = {
        kpi: [some for some in (units[:1], units[1:]) if some] if units[:1] == [province] else [units]
        for kpi, units in ((kpi, list(units)) for kpi, units in wanted.items())
        if units
    }
    past.read_cases([(catalog.kpis[kpi], some) for kpi, several in parts.items() for some in several])
    found = {}
    for kpi, several in parts.items():
        columns = [past.column(catalog.kpis[kpi], some) for some in several]
        names = ("value", "samples", "as_of", "state")
        found[kpi] = Column(*(np.concatenate([getattr(column, name) for column in columns]) for name in names))
    return found


def moment_column(
    reader: PaneReader, catalog: Catalog, definition: KpiDefinition, unit: str, at: datetime, zone: ZoneInfo
) -> Column:
    """Return one entry: a KPI of a unit at a moment."""
    return _PastColumns(reader, catalog, [at - _MILLISECOND], [at], zone).column(definition, [unit])


@dataclass(frozen=True)
class _PastColumns:
    """Computes columns with one entry per (moment, unit) in row-major order. Nothing is stale in the past.

    `latest`: cases with a time column in the window count as they are known now, not as they were known at the moment.
    `known` are the columns computed so far.
    """

    reader: PaneReader
    catalog: Catalog
    just_before: Sequence[datetime]
    times: Sequence[datetime]
    zone: ZoneInfo
    latest: bool = False
    known: dict[tuple[str, tuple[str, ...]], Column] = field(default_factory=dict)
    of_cases: dict[CaseSeriesQuery, Vectors] = field(default_factory=dict)
    moments: dict[Window, tuple[Moment, ...]] = field(default_factory=dict)

    def column(self, definition: KpiDefinition, units: Sequence[str]) -> Column:
        """Return a KPI's column; each case type is read once for all KPIs behind it."""
        self.read_cases([(definition, units)])
        return self._known(definition, units)

    def read_cases(self, wanted: Iterable[tuple[KpiDefinition, Sequence[str]]]) -> None:
        """Read all cases behind these KPIs of these units."""
        queries: dict[str, dict[CaseSeriesQuery, None]] = defaultdict(dict)
        met: set[tuple[str, tuple[str, ...]]] = set()
        for definition, units in wanted:
            for part, of in self._case_parts(definition, tuple(units), met):
                assert not isinstance(part.expression, MeasureAggregate | Formula)
                queries[part.expression.of][self._query(part, part.expression, of)] = None
        for case_type, some in queries.items():
            if fresh := [one for one in some if one not in self.of_cases]:
                self.of_cases.update(zip(fresh, self._series(case_type, fresh), strict=True))

    def _case_parts(
        self, definition: KpiDefinition, units: tuple[str, ...], met: set[tuple[str, tuple[str, ...]]]
    ) -> Iterator[tuple[KpiDefinition, tuple[str, ...]]]:
        """Yield the KPIs over cases behind a KPI, with the units they are needed for."""
        if self._is_of_communes(definition, units):
            units = self._communes(definition)
        if (definition.id, units) in met:
            return
        met.add((definition.id, units))
        if isinstance(definition.expression, Formula):
            for part in definition.expression.parts:
                yield from self._case_parts(self.catalog.kpis[part], units, met)
        elif not isinstance(definition.expression, MeasureAggregate):
            yield definition, units

    def _known(self, definition: KpiDefinition, units: Sequence[str]) -> Column:
        """Return a column, computed once however many formulas name it."""
        key = definition.id, tuple(units)
        if key not in self.known:
            self.known[key] = self._column(definition, units)
        return self.known[key]

    def _column(self, definition: KpiDefinition, units: Sequence[str]) -> Column:
        if self._is_of_communes(definition, units):
            return self._of_communes(definition)
        definition = replace(definition, fresh_within=None)
        expression = definition.expression
        if isinstance(expression, Formula):
            columns = {part: self._known(self.catalog.kpis[part], units) for part in expression.parts}
            ends = [definition.window.bounds(before, self.zone)[1] for before in self.just_before]
            figures = in_force(self.catalog.constants, expression.constants, ends, self.zone)
            constants = {constant: np.repeat(values, len(units)) for constant, values in figures.items()}
            vectors, worst = formula_vectors(parse_formula(expression.text), expression, columns, constants)
            return judge(definition, vectors, 0, worst)
        if isinstance(expression, MeasureAggregate):
            vectors = pane_series(
                self.reader, expression, self._targets(definition, units), self._moments(definition.window)
            )
        else:
            vectors = self.of_cases[self._query(definition, expression, tuple(units))]
        return judge(definition, vectors, 0)

    def _is_of_communes(self, definition: KpiDefinition, units: Sequence[str]) -> bool:
        return definition.roll_up in (RollUp.SUM, RollUp.MEAN) and list(units) == [self.catalog.province.code]

    def _targets(self, definition: KpiDefinition, units: Sequence[str]) -> Targets:
        everyone = definition.roll_up is RollUp.MERGE and list(units) == [self.catalog.province.code]
        return merged_targets(self.catalog.vocabulary.units) if everyone else Targets(tuple(units), merged=False)

    def _moments(self, window: Window) -> tuple[Moment, ...]:
        if window not in self.moments:
            self.moments[window] = tuple(
                Moment(time, *window.bounds(before, self.zone))
                for time, before in zip(self.times, self.just_before, strict=True)
            )
        return self.moments[window]

    def _query(self, definition: KpiDefinition, expression: CaseExpression, units: tuple[str, ...]) -> CaseSeriesQuery:
        # Without a column to lie in it, the window does not matter.
        window = definition.window if expression.at else _NOW
        return CaseSeriesQuery(expression, self._targets(definition, units), self._moments(window))

    def _series(self, case_type_id: str, queries: Sequence[CaseSeriesQuery]) -> Iterator[Vectors]:
        """Yield vectors of queries; a state at a moment, without a window, is always what it was then."""
        cursor, zone_hours = self.reader.cursor, self.reader.zone_hours
        case_type = self.catalog.vocabulary.case_types[case_type_id]
        if not self.latest:
            yield from case_series(cursor, case_type, queries, zone_hours)
            return
        for one in queries:
            if one.at:
                yield from case_series(cursor, case_type, [one], zone_hours, latest=True)
                continue
            each = [
                case_series(cursor, case_type, [replace(one, moments=(moment,))], zone_hours)[0]
                for moment in one.moments
            ]
            yield Vectors(
                np.concatenate([vectors.value for vectors in each]),
                np.concatenate([vectors.samples for vectors in each]),
                np.concatenate([vectors.as_of for vectors in each]),
                np.concatenate([vectors.present for vectors in each]),
            )

    def _communes(self, definition: KpiDefinition) -> tuple[str, ...]:
        units = self.catalog.vocabulary.units.values()
        return tuple(unit.code for unit in units if unit.parent and unit.level in definition.per)

    def _of_communes(self, definition: KpiDefinition) -> Column:
        communes = self._communes(definition)
        below = self._known(definition, communes)
        shape = (len(self.times), len(communes))
        value, samples, state = (a.reshape(shape) for a in (below.value, below.samples, below.state))
        have = np.isfinite(value)
        count = have.sum(axis=1)
        total = np.where(count > 0, np.where(have, value, 0.0).sum(axis=1), np.nan)
        if definition.roll_up is RollUp.MEAN:
            total = total / np.maximum(count, 1)
        as_of = np.full(shape[0], NEVER, np.int64)
        vectors = Vectors(total, samples.sum(axis=1), as_of, state.max(axis=1) > 0)
        return judge(replace(definition, fresh_within=None), vectors, 0)
