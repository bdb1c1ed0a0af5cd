"""Each KPI of any catalogue counted again by a query of its own over raw readings and cases.

Nothing of the evaluation is used: conditions are run as the pack's author wrote them, over columns of typed attributes.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import duckdb
import pyarrow as pa

from ioc.catalog import Catalog
from ioc.catalog.conditions import parse_condition
from ioc.model import kpi as model
from ioc.model.case import CaseType
from ioc.model.reading import Reading
from ioc.model.unit import UnitLevel
from ioc.settings import VIETNAM
from tests.integration.evaluation.recount import span

Found = tuple[float | None, int]
"""A value and how many readings or cases are behind it."""
_TYPED = re.compile(r"""try_cast\(json_extract_string\(attributes, '\$\."(\w+)"'\) AS (\w+)\)""")
_NOWCAST = """
    WITH hourly AS (SELECT {end_hour} - epoch(time)::BIGINT // 3600 AS age, avg(value) AS mean
                    FROM {source} GROUP BY 1),
         held AS (SELECT * FROM hourly WHERE age BETWEEN 0 AND 11),
         w AS (SELECT greatest(CASE WHEN max(mean) > 0 THEN min(mean) / max(mean) ELSE 1 END, 0.5) AS w FROM held)
    SELECT CASE WHEN count(*) FILTER (WHERE age <= 2) >= 2 THEN sum(mean * w ** age) / sum(w ** age) END
    FROM held, w"""


def attribute_types(catalog: Catalog, case_type: CaseType) -> dict[str, str]:
    """The SQL type in which conditions use each attribute."""
    types = dict.fromkeys(case_type.attributes, "VARCHAR")
    for definition in catalog.kpis.values():
        expression = definition.expression
        if getattr(expression, "of", "") != case_type.id:
            continue
        if isinstance(expression, model.CaseSum):
            types[expression.field] = "DOUBLE"
        for text in (getattr(expression, name, "") for name in ("where", "over")):
            types |= dict(_TYPED.findall(parse_condition(text, case_type).sql if text else ""))
    return types


@dataclass
class Recount:
    """`at` sets the moment; then `of` tells what a KPI should say of a unit."""

    catalog: Catalog
    readings: Sequence[Reading]
    cases: pa.Table
    now: datetime = datetime(2000, 1, 1, tzinfo=UTC)
    _db: duckdb.DuckDBPyConnection = field(default_factory=duckdb.connect)
    _known: dict[tuple[str, str], Found] = field(default_factory=dict)

    def __post_init__(self) -> None:
        rows = pa.table(
            {
                "measure": [row.measure for row in self.readings],
                "unit": [row.unit for row in self.readings],
                "subject": [row.subject for row in self.readings],
                "time": pa.array([_naive(row.time) for row in self.readings], pa.timestamp("us")),
                "value": pa.array([row.value for row in self.readings], pa.float64()),
            }
        )
        self._db.register("given_readings", rows)
        self._db.register("given_cases", self.cases)
        self._db.execute("CREATE TABLE readings AS FROM given_readings; CREATE TABLE cases AS FROM given_cases")
        calendar = self.catalog.decisions.calendar()
        days = [calendar.first + timedelta(days=n) for n in range((calendar.last - calendar.first).days + 1)]
        self._db.register("given_days", pa.table({"day": [day for day in days if calendar.is_working(day)]}))
        self._db.execute(
            "CREATE TABLE working AS FROM given_days;"
            "CREATE MACRO local_day(t) AS (t + INTERVAL 7 HOUR)::DATE;"
            "CREATE MACRO up_to(d) AS (SELECT CASE WHEN d IS NOT NULL THEN count(*) END FROM working WHERE day <= d);"
            "CREATE MACRO working_days(a, b) AS up_to(local_day(b)) - up_to(local_day(a))"
        )
        for case_type in self.catalog.vocabulary.case_types.values():
            columns = "".join(
                f", TRY_CAST(json_extract_string(attributes, '$.{name}') AS {kind}) AS \"{name}\""
                for name, kind in attribute_types(self.catalog, case_type).items()
            )
            self._db.execute(
                f'CREATE TABLE "of {case_type.id}" AS SELECT * EXCLUDE (attributes){columns} FROM cases '
                f"WHERE case_type = '{case_type.id}'"
            )

    def at(self, now: datetime) -> None:
        self.now = now
        self._known = {}

    def of(self, kpi_id: str, unit: str) -> float | None:
        """What is to be published: nothing with fewer samples than the definition asks."""
        return self._published(self.catalog.kpis[kpi_id], unit)[0]

    def _published(self, definition: model.KpiDefinition, unit: str) -> Found:
        place = (definition.id, unit)
        if place not in self._known:
            value, samples = self._found(definition, unit)
            may_be_none = isinstance(
                definition.expression, model.CaseCount | model.CaseSum | model.CaseDistinct | model.Formula
            )
            least = 0 if may_be_none and definition.min_samples == 1 else definition.min_samples
            self._known[place] = (value if samples >= least else None, samples)
        return self._known[place]

    def _found(self, definition: model.KpiDefinition, unit: str) -> Found:
        province = unit == self.catalog.province.code
        if province and definition.roll_up in (model.RollUp.SUM, model.RollUp.MEAN):
            below = [
                self._published(definition, other.code)
                for other in self.catalog.vocabulary.units.values()
                if other.level is not UnitLevel.PROVINCE and other.level in definition.per
            ]
            values = [value for value, _ in below if value is not None]
            total = sum(values) if values else None
            if total is not None and definition.roll_up is model.RollUp.MEAN:
                total /= len(values)
            return total, sum(samples for _, samples in below)
        if isinstance(definition.expression, model.Formula):
            return self._formula(definition, definition.expression, unit)
        everyone = province and definition.roll_up is model.RollUp.MERGE
        where = "true" if everyone else f"unit = '{unit}'"
        if isinstance(definition.expression, model.MeasureAggregate):
            return self._aggregate(definition, definition.expression, where)
        return self._cases(definition, definition.expression, where)

    def _within(self, definition: model.KpiDefinition, column: str) -> tuple[datetime, datetime, str]:
        start, end = span(definition.window_text, self.now)
        return start, end, f"{column} >= {_literal(start)} AND {column} < {_literal(end)}"

    def _aggregate(self, definition: model.KpiDefinition, of: model.MeasureAggregate, where: str) -> Found:
        start, end, within = self._within(definition, "time")
        source = f"(SELECT * FROM readings WHERE measure = '{of.measure}' AND {where} AND {within})"
        seconds = (min(end, self.now) - start).total_seconds()
        per = (of.per or timedelta(0)).total_seconds()
        subject = "subject" if self.catalog.vocabulary.measures[of.measure].keeps_subject else "''"
        queries = {
            "count": "SELECT count(*)",
            "sum": "SELECT sum(value)",
            "mean": "SELECT avg(value)",
            "min": "SELECT min(value)",
            "max": "SELECT max(value)",
            "stddev": "SELECT stddev_pop(value)",
            "rate": f"SELECT sum(value) / {seconds} * {per}",
            "quantile": f"SELECT list_sort(list(value))[1 + floor({of.q} * (count(*) - 1))::INTEGER]",
            "distinct": "SELECT count(DISTINCT subject)",
        }
        if of.take == "last":
            newest = f"SELECT arg_max(value, {{'a': time, 'b': value}}) AS value FROM {source} GROUP BY {subject}"
            query = f"SELECT avg(value) FROM ({newest})"
        elif of.take == "nowcast":
            query = _NOWCAST.format(source=source, end_hour=int((end - timedelta(minutes=1)).timestamp()) // 3600)
        else:
            query = f"{queries[of.take]} FROM {source}"
        samples = int(self._one(f"SELECT count(*) FROM {source}") or 0)
        return (self._one(query) if samples else None), samples

    def _cases(self, definition: model.KpiDefinition, of: Any, where: str) -> Found:
        within = self._within(definition, f'"{of.at}"')[2] if of.at else "true"
        meant = f"({of.over}) AND ({of.where})" if isinstance(of, model.CaseRatio) else f"({of.where})"
        samples_of = f"({of.over})" if isinstance(of, model.CaseRatio) else f"({of.where})"
        source = f'FROM (SELECT *, {_literal(self.now)} AS now FROM "of {of.of}") WHERE {where} AND {within}'
        amount = "0"
        if isinstance(of, model.CaseSum | model.CaseDistinct):
            amount = f'"{of.field}"'
        elif isinstance(of, model.CaseTime):
            length = f"(epoch_us({of.until}) - epoch_us({of.since})) / {of.per / timedelta(microseconds=1)}"
            amount = f"working_days({of.since}, {of.until}) / {of.per.days}.0" if of.working else length
        samples = int(self._one(f"SELECT count(*) {source} AND {samples_of} AND ({amount}) IS NOT NULL") or 0)
        whole = f"{source} AND {meant}"
        everywhere = self.catalog.vocabulary.case_types[of.of].silence_is_zero
        reported = self._one(f'SELECT count(*) FROM "of {of.of}" WHERE {"true" if everywhere else where}')
        if isinstance(of, model.CaseCount | model.CaseSum | model.CaseDistinct) and not reported:
            return None, samples  # nobody knows whether the unit reports such cases at all
        if isinstance(of, model.CaseCount):
            value: float | None = samples
        elif isinstance(of, model.CaseRatio):
            value = 100 * float(self._one(f"SELECT count(*) {whole}") or 0) / samples if samples else None
        elif isinstance(of, model.CaseSum):
            value = self._one(f"SELECT coalesce(sum({amount}), 0) {whole}")
        elif isinstance(of, model.CaseDistinct):
            value = self._one(f"SELECT count(DISTINCT {amount}) {whole}")
        else:
            take = {"mean": "avg(a)", "min": "min(a)", "max": "max(a)"}.get(of.take, f"quantile_cont(a, {of.q})")
            value = self._one(f"SELECT {take} FROM (SELECT {amount} AS a {whole})")
        return value, samples

    def _formula(self, definition: model.KpiDefinition, of: model.Formula, unit: str) -> Found:
        """By Python's own arithmetic over the text, each id made its value."""
        parts = {part: self._published(self.catalog.kpis[part], unit) for part in of.parts}
        values: dict[str, float | None] = {part: value for part, (value, _) in parts.items()}
        last = (span(definition.window_text, self.now)[1] - timedelta(seconds=1)).astimezone(VIETNAM).date()
        for constant in of.constants:
            held = [row for row in self.catalog.constants[constant].values if row.valid_from <= last]
            values[constant] = held[-1].value if held and not (held[-1].until and held[-1].until <= last) else None
        samples = min(samples for _, samples in parts.values())
        if any(value is None for value in values.values()):
            return None, samples
        points = re.sub(r"(-?\d+(?:\.\d+)?)\s*:\s*(-?\d+(?:\.\d+)?)", r"(\1, \2)", of.text)
        ids = re.compile(r"\b[a-z_]\w*(?:\.\w+)*\b")
        text = ids.sub(lambda found: f"({values[found[0]]!r})" if found[0] in values else found[0], points)
        try:
            return float(eval(text, {"__builtins__": {}}, {"min": min, "max": max, "scale": _scale})), samples
        except ZeroDivisionError:
            return of.when_zero, samples

    def _one(self, query: str) -> float | None:
        row = self._db.execute(query).fetchone()
        return None if row is None or row[0] is None else float(row[0])


def _scale(x: float, *points: tuple[float, float]) -> float:
    if x <= points[0][0]:
        return points[0][1]
    for (x0, y0), (x1, y1) in pairwise(points):
        if x <= x1:
            return y0 + (y1 - y0) * (x - x0) / (x1 - x0)
    return points[-1][1]


def _naive(moment: datetime) -> datetime:
    return moment.astimezone(UTC).replace(tzinfo=None)


def _literal(moment: datetime) -> str:
    return f"TIMESTAMP '{_naive(moment)}'"


def words_of(catalog: Catalog, case_type: CaseType) -> Mapping[str, list[str]]:
    """Texts that conditions compare each attribute with, so that invented cases meet some of them."""
    words: dict[str, list[str]] = {name: ["other"] for name in case_type.attributes}
    for definition in catalog.kpis.values():
        if getattr(definition.expression, "of", "") == case_type.id:
            for text in (getattr(definition.expression, name, "") for name in ("where", "over")):
                for name in words:
                    for part in re.findall(rf"\b{name}\s*(?:=|<>|in)\s*(\([^)]*\)|'[^']*')", text):
                        words[name] += re.findall(r"'([^']*)'", part)
    return words
