"""Break down a KPI's change between two moments by unit, channel, service, status, or by the parts of its formula."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import numpy as np

from ioc.catalog.formulas import parse_formula
from ioc.evaluation.case_sql import DISTINCT, CaseSql
from ioc.evaluation.case_versions import Moment, Targets, held_cases, merged_targets
from ioc.evaluation.formulas import compute, in_force
from ioc.evaluation.measure_history import pane_series
from ioc.explorer.contributions import ChangeGroup, Contribution, largest, of_amount, of_formula, of_ratio
from ioc.explorer.series import KpiReader, columns
from ioc.explorer.series_request import SeriesPoints
from ioc.model.kpi import CaseCount, CaseRatio, CaseSum, CaseTime, Formula, KpiDefinition, MeasureAggregate, RollUp

Totals = Mapping[str, tuple[int, float]]
"""Samples and amount of each group."""
MOST_GROUPS = 60
_CASE_GROUPS = ("channel", "service", "status")
_MILLISECOND = timedelta(milliseconds=1)


@dataclass(frozen=True, slots=True)
class MomentValue:
    """A KPI's value at a moment, over [window_from, window_to)."""

    time: datetime
    value: float | None
    samples: int
    window_from: datetime
    window_to: datetime


@dataclass(frozen=True, slots=True)
class ChangeGrouping:
    """Contributions by one grouping; `rest` combines all groups that are not listed."""

    by: str
    groups: Sequence[Contribution]
    rest: Contribution | None = None


@dataclass(frozen=True, slots=True)
class PartEffect:
    """A part of a formula (a KPI or a constant) and its contribution to the change."""

    id: str
    before: float
    after: float
    effect: float


@dataclass(frozen=True, slots=True)
class KpiChange:
    """A change.

    `method` says how it is broken down (see `contributions`): `amount`, `ratio`, `formula`; or why it is not:
    `no_value` at one of the moments, `not_additive` (a median or maximum of groups has no whole).
    """

    before: MomentValue
    after: MomentValue
    method: str
    groupings: Sequence[ChangeGrouping] = ()
    parts: Sequence[PartEffect] = field(default_factory=tuple)


@dataclass(frozen=True)
class ChangeCalculator(KpiReader):
    """Calculates changes; reads within the reader's cursor."""

    def change(self, definition: KpiDefinition, unit: str, before: datetime, after: datetime) -> KpiChange:
        of = SeriesPoints((before, after), monthly=False)
        column = columns(self, definition, [unit], of)
        values = [None if value != value else value for value in column.value.tolist()]
        standings = [
            MomentValue(time, value, samples, *definition.window.bounds(time - _MILLISECOND, self.zone))
            for time, value, samples in zip(of.times, values, column.samples.tolist(), strict=True)
        ]
        if None in values:
            return KpiChange(standings[0], standings[1], "no_value")
        of_communes = unit == self.catalog.province.code and definition.roll_up in (RollUp.SUM, RollUp.MEAN)
        if isinstance(definition.expression, Formula) and not of_communes:
            parts = self._parts(definition.expression, definition, unit, of)
            method = "not_additive" if parts is None else "formula"
            return KpiChange(standings[0], standings[1], method, parts=parts or ())
        method, groupings = self._groupings(definition, unit, of)
        return KpiChange(standings[0], standings[1], method, groupings)

    def _parts(
        self, formula: Formula, definition: KpiDefinition, unit: str, of: SeriesPoints
    ) -> list[PartEffect] | None:
        found = {part: columns(self, self.catalog.kpis[part], [unit], of).value.tolist() for part in formula.parts}
        ends = [definition.window.bounds(time - _MILLISECOND, self.zone)[1] for time in of.times]
        constants = in_force(self.catalog.constants, formula.constants, ends, self.zone)
        found |= {constant: values.tolist() for constant, values in constants.items()}
        term = parse_formula(formula.text)
        effects = of_formula(
            lambda values: compute(term, values, formula.when_zero),
            {name: values[0] for name, values in found.items()},
            {name: values[1] for name, values in found.items()},
        )
        if effects is None:
            return None
        return [PartEffect(name, values[0], values[1], effects[name]) for name, values in found.items()]

    def _groupings(self, definition: KpiDefinition, unit: str, of: SeriesPoints) -> tuple[str, list[ChangeGrouping]]:
        province = unit == self.catalog.province.code
        if province and definition.roll_up in (RollUp.SUM, RollUp.MEAN):
            return self._of_communes(definition, of)
        moments = [Moment(time, *definition.window.bounds(time - _MILLISECOND, self.zone)) for time in of.times]
        merged = province and definition.roll_up is RollUp.MERGE
        units = tuple(self.catalog.vocabulary.units) if merged else (unit,)
        if isinstance(definition.expression, MeasureAggregate):
            return self._of_panes(definition.expression, units, moments) if merged else ("not_additive", [])
        return self._of_cases(definition, merged_targets(units) if merged else Targets(units, merged=False), moments)

    def _of_communes(self, definition: KpiDefinition, of: SeriesPoints) -> tuple[str, list[ChangeGrouping]]:
        units = [u.code for u in self.catalog.vocabulary.units.values() if u.parent and u.level in definition.per]
        values = columns(self, definition, units, of).value.reshape(2, len(units))
        have, amounts = np.isfinite(values).astype(float).T.tolist(), np.nan_to_num(values).T.tolist()
        groups = [
            ChangeGroup(unit, (amounts[i][0], amounts[i][1]), (have[i][0], have[i][1]))
            for i, unit in enumerate(units)
            if any(have[i])
        ]
        if definition.roll_up is RollUp.MEAN:
            return "ratio", [_grouping("unit", of_ratio(groups))]
        return "amount", [_grouping("unit", of_amount(groups))]

    def _of_panes(
        self, expression: MeasureAggregate, units: Sequence[str], moments: Sequence[Moment]
    ) -> tuple[str, list[ChangeGrouping]]:
        if expression.take not in ("count", "sum", "rate", "mean"):
            return "not_additive", []
        vectors = pane_series(self.reader, expression, Targets(tuple(units), merged=False), moments)
        values = np.nan_to_num(vectors.value).reshape(2, len(units)).T.tolist()
        samples = vectors.samples.astype(float).reshape(2, len(units)).T.tolist()
        there = [(unit, v, n) for unit, v, n in zip(units, values, samples, strict=True) if any(n)]
        if expression.take == "mean":
            groups = [ChangeGroup(unit, (v[0] * n[0], v[1] * n[1]), (n[0], n[1])) for unit, v, n in there]
            return "ratio", [_grouping("unit", of_ratio(groups))]
        groups = [ChangeGroup(unit, (v[0], v[1])) for unit, v, _ in there]
        return "amount", [_grouping("unit", of_amount(groups))]

    def _of_cases(
        self, definition: KpiDefinition, targets: Targets, moments: Sequence[Moment]
    ) -> tuple[str, list[ChangeGrouping]]:
        expression = definition.expression
        assert not isinstance(expression, MeasureAggregate | Formula)
        case_type = self.catalog.vocabulary.case_types[expression.of]
        sql = CaseSql.of(expression, case_type)
        ratio = isinstance(expression, CaseRatio) or (isinstance(expression, CaseTime) and expression.take == "mean")
        if sql.fold == DISTINCT or not (ratio or isinstance(expression, CaseCount | CaseSum)):
            return "not_additive", []
        scale = 100.0 if isinstance(expression, CaseRatio) else 1.0
        by = (*(("unit",) if targets.merged else ()), *_CASE_GROUPS)
        found: dict[str, list[Totals]] = {column: [] for column in by}
        sets = ", ".join(f"({column})" for column in by)
        for moment in moments:
            held = held_cases(expression, case_type, targets, moment, self.reader.zone_hours, latest=False)
            # One scan for all groupings; a column that a row is not grouped by counts 1 in `grouping`.
            rows = self.reader.cursor.execute(
                f"SELECT grouping({', '.join(by)}), coalesce({', '.join(by)}, ''), {sql.columns(0)} FROM ({held}) "
                f"GROUP BY GROUPING SETS ({sets})"
            ).fetchall()
            for place, column in enumerate(by):
                mark = (1 << len(by)) - 1 - (1 << (len(by) - 1 - place))
                found[column].append({key: (n, float(amount or 0)) for at, key, n, amount in rows if n and at == mark})
        count = isinstance(expression, CaseCount)
        groupings = []
        for column, (first, second) in found.items():
            groups = _groups(first, second, count=count)
            groupings.append(_grouping(column, of_ratio(groups, scale) if ratio else of_amount(groups)))
        return "ratio" if ratio else "amount", groupings


def _groups(before: Totals, after: Totals, *, count: bool) -> list[ChangeGroup]:
    nothing = (0, 0.0)
    pairs = [(key, before.get(key, nothing), after.get(key, nothing)) for key in dict.fromkeys([*before, *after])]
    if count:
        return [ChangeGroup(key, (float(first[0]), float(second[0]))) for key, first, second in pairs]
    return [
        ChangeGroup(key, (first[1], second[1]), (float(first[0]), float(second[0]))) for key, first, second in pairs
    ]


def _grouping(by: str, found: Sequence[Contribution]) -> ChangeGrouping:
    groups, rest = largest(found, MOST_GROUPS)
    return ChangeGrouping(by, groups, rest)
