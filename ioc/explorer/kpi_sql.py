"""Write the SQL that gives over the lab's views what a chart shows, from the KPI's definition."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from functools import cached_property
from itertools import pairwise
from zoneinfo import ZoneInfo

from ioc.catalog import Catalog
from ioc.catalog.formulas import FormulaPart, Number, Operation, Scale, Term, divisors, parse_formula
from ioc.evaluation.case_sql import quoted
from ioc.explorer.covered_periods import covered_periods
from ioc.explorer.leaf_sql import NotInViews, bounds, empty_is_zero, level_of, of_cases, of_measure
from ioc.explorer.series_request import SeriesPoints
from ioc.messages import Message
from ioc.model.kpi import CaseCount, CaseDistinct, CaseSum, Constant, Formula, KpiDefinition, MeasureAggregate, RollUp
from ioc.model.window import WindowKind

_PERIODS = {
    WindowKind.TODAY: "day",
    WindowKind.YESTERDAY: "day",
    WindowKind.MONTH: "month",
    WindowKind.LAST_MONTH: "month",
    WindowKind.QUARTER: "quarter",
    WindowKind.LAST_QUARTER: "quarter",
    WindowKind.YEAR: "year",
    WindowKind.LAST_YEAR: "year",
}


@dataclass(frozen=True, slots=True)
class KpiSql:
    """KpiSql SQL.

    `reads` is `definition` when the SQL computes what the chart shows; otherwise it names the view of ready values
    that it reads instead, and `why` says why in one sentence. `time_column` tells the points apart, for a chart's
    axis.
    """

    sql: str
    reads: str
    why: Message | None = None
    time_column: str = "to"


def write_sql(
    catalog: Catalog, definition: KpiDefinition, units: Sequence[str], of: SeriesPoints, step: str, zone: ZoneInfo
) -> KpiSql:
    """Return SQL with one row per point and unit: "from", "to" (the period covered), unit, value, samples.

    Times are in the province's zone.
    """
    starts = [period.start for period in covered_periods(definition.window, of.times, zone)]
    time_column = "from" if None not in starts and len(set(starts)) == len(starts) else "to"
    try:
        sql = _Writer(catalog, tuple(units), of, step, zone).whole(definition)
        return KpiSql(sql, "definition", time_column=time_column)
    except NotInViews as missing:
        sql, view = _ready(definition, units, of, zone)
        return KpiSql(sql, view, missing.message, time_column)


def _covers(definition: KpiDefinition, time: str) -> str:
    """Return the columns "from" and "to" of a value at the moment given by the SQL text `time`."""
    begins, ends = (re.sub(r"\btime\b", time, text) for text in bounds(definition.window))
    if definition.window.kind in (WindowKind.NOW, WindowKind.ALWAYS):
        begins = "NULL::TIMESTAMP"
    return f'{begins} AS "from", {ends} AS "to"'


def _ready(definition: KpiDefinition, units: Sequence[str], of: SeriesPoints, zone: ZoneInfo) -> tuple[str, str]:
    start, end = (_local(time, zone) for time in (of.times[0], of.times[-1]))
    which = f"kpi = {quoted(definition.id)} AND unit IN ({', '.join(map(quoted, units))})"
    if (period := _PERIODS.get(definition.window.kind)) is not None:
        return (
            f'SELECT period_from AS "from", period_to AS "to", unit, value, samples\nFROM kpi_periods\nWHERE {which}\n'
            f"  AND period = '{period}' AND period_to BETWEEN {start} AND {end}\nORDER BY period_to, unit",
            "kpi_periods",
        )
    return (
        f"SELECT {_covers(definition, 'evaluated_at')}, unit, value, samples\nFROM kpi_values\nWHERE {which}\n"
        f"  AND evaluated_at BETWEEN {start} AND {end}\nORDER BY evaluated_at, unit",
        "kpi_values",
    )


@dataclass(frozen=True)
class _Writer:
    """Writes the CTEs, each KPI once per set of units."""

    catalog: Catalog
    units: tuple[str, ...]
    of: SeriesPoints
    step: str
    zone: ZoneInfo
    found: dict[str, str] = field(default_factory=dict)
    names: dict[tuple[str, tuple[str, ...]], str] = field(default_factory=dict)

    def whole(self, definition: KpiDefinition) -> str:
        last = self._kpi(definition, self.units)
        ctes = ",\n".join(f"{name} AS (\n  {text})" for name, text in {"points": self._points, **self.found}.items())
        covers = _covers(definition, "time")
        return f"WITH {ctes}\nSELECT {covers}, unit, value, samples FROM {last} ORDER BY time, unit"

    @cached_property
    def _points(self) -> str:
        first, last = (_local(time, self.zone) for time in (self.of.times[0], self.of.times[-1]))
        if self.of.monthly:
            length = "1 MONTH"
        else:
            apart = self.of.times[1] - self.of.times[0] if len(self.of.times) > 1 else timedelta(minutes=1)
            length = f"{apart // timedelta(minutes=1)} MINUTE"
        return f"SELECT unnest(generate_series({first}, {last}, INTERVAL {length})) AS time"

    def _kpi(self, definition: KpiDefinition, units: tuple[str, ...]) -> str:
        """Return the CTE of a KPI and units: time, unit, value, samples, one row per point and unit."""
        key = definition.id, units
        if key not in self.names:
            name = f"kpi_{len(self.names) + 1}"
            self.names[key] = name
            text = self._text(definition, units, name)
            self.found[name] = f"-- {definition.id}: {definition.name.get('vi', '')}\n  {text}"
        return self.names[key]

    def _text(self, definition: KpiDefinition, units: tuple[str, ...], name: str) -> str:
        province = self.catalog.province.code
        if province in units and definition.roll_up in (RollUp.SUM, RollUp.MEAN):
            return self._of_communes(definition, units)
        if isinstance(definition.expression, Formula):
            return self._formula(definition, definition.expression, units)
        begins, ends = bounds(definition.window)
        merged = province in units and definition.roll_up is RollUp.MERGE
        own = [unit for unit in units if not (merged and unit == province)]
        targets = [f"SELECT {quoted(unit)} AS target, {quoted(unit)} AS unit" for unit in own]
        if merged:
            targets.append(f"SELECT {quoted(province)} AS target, code AS unit FROM units")
        expression = definition.expression
        known = "true"
        if isinstance(expression, MeasureAggregate):
            local = [time.astimezone(self.zone) for time in self.of.times]
            leaf = of_measure(expression, level_of(definition.window, local), merged=merged)
        else:
            case_type = self.catalog.vocabulary.case_types[expression.of]
            leaf = of_cases(expression, case_type, latest=self.of.monthly)
            known = f"g.time > (SELECT min(updated_at) FROM case_changes WHERE case_type = {quoted(expression.of)})"
            if not case_type.silence_is_zero:
                own_reports = f"SELECT min(updated_at) FROM case_changes WHERE case_type = {quoted(expression.of)}"
                everyone = f"g.unit = {quoted(province)}" if merged else "false"
                known += f"\n    AND ({everyone} OR g.time > ({own_reports} AND unit = g.unit))"
        value = "coalesce(f.v, 0)" if empty_is_zero(expression) else "f.v"
        self.found[f"{name}_found"] = (
            f"WITH moments AS (\n  SELECT time, {begins} AS window_from, {ends} AS window_to FROM points),\n"
            f"  targets AS (\n  {' UNION ALL '.join(targets)}),\n  leaf AS (\n  {leaf})\n  FROM leaf"
        )
        listed = ", ".join(f"({quoted(unit)})" for unit in units)
        enough = f"{known} AND coalesce(f.n, 0) >= {_least(definition)}"
        return (
            f"SELECT g.time, g.unit, CASE WHEN {enough} THEN {value} END AS value, coalesce(f.n, 0) AS samples\n"
            f"  FROM (SELECT time, unit FROM points, (VALUES {listed}) u(unit)) g\n"
            f"  LEFT JOIN {name}_found f USING (time, unit)"
        )

    def _of_communes(self, definition: KpiDefinition, units: tuple[str, ...]) -> str:
        province = self.catalog.province.code
        below = tuple(u.code for u in self.catalog.vocabulary.units.values() if u.parent and u.level in definition.per)
        name = self._kpi(definition, below)
        take = "sum" if definition.roll_up is RollUp.SUM else "avg"
        enough = f"sum(samples) >= {_least(definition)}"
        whole = (
            f"SELECT time, {quoted(province)} AS unit, CASE WHEN {enough} THEN {take}(value) END AS value, "
            f"sum(samples)::BIGINT AS samples FROM {name} GROUP BY time"
        )
        rest = [unit for unit in units if unit != province]
        if not rest:
            return whole
        return f"{whole}\n  UNION ALL SELECT * FROM {name} WHERE unit IN ({', '.join(map(quoted, rest))})"

    def _formula(self, definition: KpiDefinition, formula: Formula, units: tuple[str, ...]) -> str:
        names = {part: self._kpi(self.catalog.kpis[part], units) for part in formula.parts}
        term = parse_formula(formula.text)
        columns = {part: f"{name}.value" for part, name in names.items()}
        _, ends = bounds(definition.window)
        columns |= {each: _constant(self.catalog.constants[each], ends) for each in formula.constants}
        missing = " OR ".join(f"{columns[each]} IS NULL" for each in (*formula.parts, *formula.constants))
        zero = " OR ".join(f"{_term(divisor, columns)} = 0" for divisor in divisors(term))
        instead = "NULL" if formula.when_zero is None else repr(formula.when_zero)
        by_zero = f" WHEN {zero} THEN {instead}" if zero else ""
        samples = f"least({', '.join(f'{name}.samples' for name in names.values())})"
        first, *others = names.values()
        joins = "".join(f"\n  JOIN {name} USING (time, unit)" for name in others)
        return (
            f"SELECT time, unit, CASE WHEN {missing} OR {samples} < {_least(definition)} THEN NULL{by_zero}\n"
            f"    ELSE {_term(term, columns)} END AS value, {samples} AS samples\n  FROM {first}{joins}"
        )


def _least(definition: KpiDefinition) -> int:
    zero = isinstance(definition.expression, CaseCount | CaseSum | CaseDistinct | Formula)
    return 0 if zero and definition.min_samples == 1 else definition.min_samples


def _term(term: Term, columns: dict[str, str]) -> str:
    match term:
        case Number(value):
            return repr(value)
        case FormulaPart(part):
            return columns[part]
        case Scale(operand, points):
            inner = _term(operand, columns)
            pieces = [f"WHEN {inner} <= {points[0][0]!r} THEN {points[0][1]!r}"]
            for (x, y), (x1, y1) in pairwise(points):
                pieces.append(f"WHEN {inner} <= {x1!r} THEN {y!r} + ({inner} - {x!r}) * {(y1 - y) / (x1 - x)!r}")
            return f"(CASE {' '.join(pieces)} ELSE {points[-1][1]!r} END)"
        case Operation(sign, operands):
            parts = [_term(operand, columns) for operand in operands]
            if sign in ("min", "max"):
                return f"{'least' if sign == 'min' else 'greatest'}({', '.join(parts)})"
            if sign == "/":
                return f"({parts[0]} / nullif({parts[1]}, 0))"
            return f"({f' {sign} '.join(parts)})"


def _constant(constant: Constant, ends: str) -> str:
    """Return the value in force on the last day of the window."""
    day = f"({ends} - INTERVAL 1 MICROSECOND)::DATE"
    pieces = []
    values = constant.values
    for place in range(len(values) - 1, -1, -1):
        value, later = values[place], values[place + 1] if place + 1 < len(values) else None
        until = [each for each in (value.until, later.valid_from if later else None) if each is not None]
        within = f"{day} >= {_day(value.valid_from)}" + (f" AND {day} < {_day(min(until))}" if until else "")
        pieces.append(f"WHEN {within} THEN {value.value!r}")
    return f"(CASE {' '.join(pieces)} END)" if pieces else "NULL"


def _day(day: date) -> str:
    return f"DATE '{day.isoformat()}'"


def _local(time: datetime, zone: ZoneInfo) -> str:
    return f"TIMESTAMP '{time.astimezone(zone).replace(tzinfo=None).isoformat(sep=' ')}'"
