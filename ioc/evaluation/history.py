"""KPIs of the past, for any definition: what the panes and the versions of the cases say for each moment."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

import numpy as np

from ioc.catalog import Catalog
from ioc.catalog.formulas import parse_formula
from ioc.evaluation.case_history import case_series
from ioc.evaluation.cases import CaseExpression
from ioc.evaluation.constants import in_force
from ioc.evaluation.judging import Column, judge
from ioc.evaluation.pane_history import pane_series
from ioc.evaluation.reading import PaneReader
from ioc.evaluation.series import Moment, Targets, merged_targets
from ioc.evaluation.takes import NEVER, Vectors
from ioc.evaluation.vectors import formula_vectors
from ioc.model.case import CaseType
from ioc.model.kpi import Formula, KpiDefinition, MeasureAggregate, RollUp

MOST_POINTS = 5000
_MINUTE = timedelta(minutes=1)
_MILLISECOND = timedelta(milliseconds=1)


class Point(NamedTuple):
    """A KPI as it would have stood at `time`; no value without data enough."""

    time: datetime
    value: float | None
    samples: int


def history(
    reader: PaneReader,
    catalog: Catalog,
    kpi_id: str,
    unit: str,
    start: datetime,
    end: datetime,
    step: timedelta,
    zone: ZoneInfo,
) -> list[Point]:
    """Points at start + step, start + 2 step … up to `end`; each window ends at its point.

    `start` is taken down to its minute. Raises KeyError for an unknown KPI or unit, or one that the KPI does not speak
    of, ValueError for a step that is no whole number of minutes or makes more than MOST_POINTS points.
    """
    if unit not in catalog.vocabulary.units or catalog.vocabulary.units[unit].level not in catalog.kpis[kpi_id].per:
        raise KeyError(unit)
    if step < _MINUTE or step % _MINUTE:
        raise ValueError(f"A step is a whole number of minutes, not {step}.")
    start = start.replace(second=0, microsecond=0)
    count = max((end - start) // step, 0)
    if count > MOST_POINTS:
        raise ValueError(f"{count} points are too many; choose a step that makes at most {MOST_POINTS}.")
    if count == 0:
        return []
    times = [start + step * place for place in range(1, count + 1)]
    past = _Past(reader, catalog, [time - timedelta(milliseconds=1) for time in times], times, zone)
    column = past.column(catalog.kpis[kpi_id], [unit])
    return [
        Point(time, None if value != value else value, samples)
        for time, value, samples in zip(times, column.value.tolist(), column.samples.tolist(), strict=True)
    ]


def closed_columns(
    reader: PaneReader, catalog: Catalog, definition: KpiDefinition, ends: Sequence[datetime], zone: ZoneInfo
) -> list[tuple[str, Column]]:
    """What a KPI says of periods that ended at `ends`, by all that is known now: each unit it speaks of, with a column
    of one entry a period. A window that is over speaks of the period that ended, others of the one that was ending."""
    just_before = list(ends) if definition.window.closed else [end - _MILLISECOND for end in ends]
    past = _Past(reader, catalog, just_before, list(ends), zone, latest=True)
    spoken_of = [unit for unit in catalog.vocabulary.units.values() if unit.level in definition.per]
    below = [unit.code for unit in spoken_of if unit.parent]
    found: list[tuple[str, Column]] = []
    if len(below) < len(spoken_of):
        found.append((catalog.province.code, past.column(definition, [catalog.province.code])))
    if below:
        column = past.column(definition, below)
        places = np.arange(len(ends)) * len(below)
        found += [(unit, column.at(places + place)) for place, unit in enumerate(below)]
    return found


def unit_columns(
    reader: PaneReader,
    catalog: Catalog,
    definition: KpiDefinition,
    units: Sequence[str],
    times: Sequence[datetime],
    zone: ZoneInfo,
) -> Column:
    """What a KPI would have said at each of the times, of each of the units (the province first, if it is among them):
    one entry a (time, unit), times first."""
    past = _Past(reader, catalog, [time - _MILLISECOND for time in times], list(times), zone)
    province = catalog.province.code
    if province not in units:
        return past.column(definition, units)
    parts = [past.column(definition, [province])]
    if len(units) > 1:
        parts.append(past.column(definition, units[1:]))
    order = np.arange(len(times))[:, None]
    places = np.concatenate([order, len(times) + order * (len(units) - 1) + np.arange(len(units) - 1)], axis=1)
    joined = (
        np.concatenate([getattr(part, name) for part in parts])[places.reshape(-1)]
        for name in ("value", "samples", "as_of", "state")
    )
    return Column(*joined)


def moment_column(
    reader: PaneReader, catalog: Catalog, definition: KpiDefinition, unit: str, at: datetime, zone: ZoneInfo
) -> Column:
    """One entry: a KPI of a unit as it would have stood at a moment."""
    return _Past(reader, catalog, [at - _MILLISECOND], [at], zone).column(definition, [unit])


@dataclass(frozen=True)
class _Past:
    """Columns have one entry a (moment, unit), moments first. Nothing is stale in the past. `latest`: cases that are
    told apart by a time in the window count as they are known now, not as they were known at the moment. `known` are
    the columns found so far."""

    reader: PaneReader
    catalog: Catalog
    just_before: Sequence[datetime]
    times: Sequence[datetime]
    zone: ZoneInfo
    latest: bool = False
    known: dict[tuple[str, tuple[str, ...]], Column] = field(default_factory=dict)

    def column(self, definition: KpiDefinition, units: Sequence[str]) -> Column:
        """Each KPI is looked up once, however many formulas name it."""
        key = definition.id, tuple(units)
        if key not in self.known:
            self.known[key] = self._column(definition, units)
        return self.known[key]

    def _column(self, definition: KpiDefinition, units: Sequence[str]) -> Column:
        province = self.catalog.province.code
        if definition.roll_up in (RollUp.SUM, RollUp.MEAN) and list(units) == [province]:
            return self._of_communes(definition)
        definition = replace(definition, fresh_within=None)
        if isinstance(definition.expression, Formula):
            parts = definition.expression.parts
            columns = {part: self.column(self.catalog.kpis[part], units) for part in parts}
            ends = [definition.window.bounds(before, self.zone)[1] for before in self.just_before]
            figures = in_force(self.catalog.constants, definition.expression.constants, ends, self.zone)
            constants = {constant: np.repeat(values, len(units)) for constant, values in figures.items()}
            term = parse_formula(definition.expression.text)
            vectors, worst = formula_vectors(term, definition.expression, columns, constants)
            return judge(definition, vectors, 0, worst)
        everyone = definition.roll_up is RollUp.MERGE and list(units) == [province]
        targets = merged_targets(self.catalog.vocabulary.units) if everyone else Targets(tuple(units), merged=False)
        moments = [
            Moment(time, *definition.window.bounds(before, self.zone))
            for time, before in zip(self.times, self.just_before, strict=True)
        ]
        if isinstance(definition.expression, MeasureAggregate):
            vectors = pane_series(self.reader, definition.expression, targets, moments)
        else:
            case_type = self.catalog.vocabulary.case_types[definition.expression.of]
            vectors = self._of_cases(definition.expression, case_type, targets, moments)
        return judge(definition, vectors, 0)

    def _of_cases(
        self, expression: CaseExpression, case_type: CaseType, targets: Targets, moments: Sequence[Moment]
    ) -> Vectors:
        """A state that holds at a moment, not in a window, is always what it was then."""
        cursor, zone_hours = self.reader.cursor, self.reader.zone_hours
        if not self.latest:
            return case_series(cursor, expression, case_type, targets, moments, zone_hours)
        if expression.at:
            return case_series(cursor, expression, case_type, targets, moments, zone_hours, latest=True)
        each = [case_series(cursor, expression, case_type, targets, [moment], zone_hours) for moment in moments]
        return Vectors(
            np.concatenate([vectors.value for vectors in each]),
            np.concatenate([vectors.samples for vectors in each]),
            np.concatenate([vectors.as_of for vectors in each]),
            np.concatenate([vectors.present for vectors in each]),
        )

    def _of_communes(self, definition: KpiDefinition) -> Column:
        communes = [
            unit.code for unit in self.catalog.vocabulary.units.values() if unit.parent and unit.level in definition.per
        ]
        below = self.column(definition, communes)
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
