"""SQL of KPIs over cases, and the queries that compute them for all units in one scan."""

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

import duckdb
import numpy as np

from ioc.catalog.conditions import DERIVED_COLUMNS, SqlCondition, TrendParts, attribute, parse_condition
from ioc.catalog.working_time import working_days
from ioc.evaluation.aggregate_functions import NEVER, Real, Whole
from ioc.model.case import CaseType
from ioc.model.kpi import CaseCount, CaseDistinct, CaseRatio, CaseSum, CaseTime
from ioc.store.times import naive

CaseExpression = CaseCount | CaseSum | CaseDistinct | CaseRatio | CaseTime
DISTINCT = "count distinct"
# As ioc.catalog.conditions.attribute writes it.
_ATTRIBUTE = re.compile(r"""json_extract_string\(attributes, '\$\."(\w+)"'\)""")
_CAST = re.compile(rf"try_cast\({_ATTRIBUTE.pattern} AS (\w+)\)")
_AGGREGATES = {"mean": "sum", "min": "min", "max": "max"}


@dataclass(frozen=True, slots=True)
class CaseSql:
    """The SQL parts of an expression over cases."""

    counted: str
    hit: str
    amount: str
    fold: str
    uses_now: bool
    loose: str
    turns: TrendParts | None = None

    @classmethod
    def of(cls, expression: CaseExpression, case_type: CaseType) -> "CaseSql":
        where = parse_condition(expression.where, case_type)
        match expression:
            case CaseRatio():
                over = parse_condition(expression.over, case_type)
                turns = None if where.uses_now else over.trends
                return cls(over.sql, where.sql, "", "sum", _now(where, over), over.loose, turns)
            case CaseSum():
                amount = attribute(expression.field, "number")
                counted = f"({where.sql} AND {amount} IS NOT NULL)"
                turns = _also(where.trends, f"{amount} IS NOT NULL")
                return cls(counted, "", amount, "sum", where.uses_now, where.loose, turns)
            case CaseDistinct():
                columns = ("service", "channel")
                amount = f'"{expression.field}"' if expression.field in columns else attribute(expression.field, "text")
                counted = f"({where.sql} AND {amount} IS NOT NULL)"
                return cls(counted, "", amount, DISTINCT, where.uses_now, where.loose)
            case CaseTime():
                until = '"now"' if expression.until == "now" else f'"{expression.until}"'
                since, per = f'"{expression.since}"', expression.per // timedelta(microseconds=1)
                amount = f"((epoch_us({until}) - epoch_us({since})) / {per}.0)"
                if expression.working:
                    amount = f"({working_days(since, until)} / {expression.per.days}.0)"
                counted = f"({where.sql} AND {amount} IS NOT NULL)"
                fold = _AGGREGATES.get(expression.take) or f"quantile_cont:{expression.q!r}"
                turns = None if expression.until == "now" else _also(where.trends, f"{amount} IS NOT NULL")
                uses_now = where.uses_now or expression.until == "now"
                return cls(counted, "", amount, fold, uses_now, where.loose, turns)
        return cls(where.sql, "", "", "sum", where.uses_now, where.loose, where.trends)

    def columns(self, position: int, within: str = "") -> str:
        """Return two aggregates: `n{position}` the samples and `a{position}` the amount (0 for a count)."""
        counted = f"FILTER (WHERE {self.counted}{within})"
        if self.hit:
            amount = f"count(*) FILTER (WHERE {self.counted} AND {self.hit}{within})"
        elif not self.amount:
            amount = "0"
        else:
            amount = f"{self.folded(self.amount)} {counted}"
        return f"count(*) {counted} AS n{position}, {amount} AS a{position}"

    def folded(self, amount: str) -> str:
        """Return the SQL aggregate of the amounts."""
        if self.fold.startswith("quantile_cont"):
            return f"quantile_cont({amount}, {self.fold.split(':')[1]})"
        return f"count(DISTINCT {amount})" if self.fold == DISTINCT else f"{self.fold}({amount})"

    @property
    def uses_calendar(self) -> bool:
        """Whether the expression needs the columns of `working_calendar` joined."""
        return "calendar_counts" in self._text

    @property
    def uses_clock(self) -> bool:
        """Whether the expression uses what the store derives from all versions of a case."""
        return any(f'"{name}"' in self._text for name in DERIVED_COLUMNS)

    @property
    def _text(self) -> str:
        return f"{self.counted} {self.hit} {self.amount}"

    @property
    def additive(self) -> bool:
        """Whether the amounts of units merge to the amount of all."""
        return self.fold != DISTINCT and not self.fold.startswith("quantile_cont")


def _now(*conditions: SqlCondition) -> bool:
    return any(condition.uses_now for condition in conditions)


def _also(turns: TrendParts | None, stays: str) -> TrendParts | None:
    return None if turns is None else replace(turns, stays=f"({turns.stays} AND {stays})")


@dataclass(slots=True)
class CaseTotals:
    """One entry per unit: samples and amount of one expression.

    `merged` is the amount of all units where amounts do not merge (a quantile, a number of different values).
    """

    n: Whole
    amount: Real
    merged: float = float("nan")

    @classmethod
    def empty(cls, size: int) -> "CaseTotals":
        return cls(np.zeros(size, np.int64), np.full(size, np.nan))

    def put(self, positions: Whole, n: Any, amount: Any) -> None:
        """Set some entries from columns of a query's result; an amount may be null."""
        self.n[positions] = n
        self.amount[positions] = np.ma.filled(np.ma.asarray(amount).astype(np.float64), np.nan)


@dataclass(frozen=True, slots=True)
class ScanQuery:
    """Expressions whose cases must lie in `bounds` by the column `at` (empty: every case), and where their totals go.

    `whole` are the positions of those whose amount over all units is wanted and does not merge from the units' amounts.
    """

    expressions: Sequence[CaseSql]
    at: str
    bounds: tuple[datetime, datetime]
    totals: Sequence[CaseTotals]
    whole: Sequence[int]


def read_totals(
    cursor: duckdb.DuckDBPyConnection, case_type: str, query: ScanQuery, now: datetime, positions: Mapping[str, int]
) -> None:
    """Read the expressions of one case type and one window for all units, in one scan.

    `positions` are entries of units.
    """
    columns, names = _read_once(", ".join(sql.columns(position) for position, sql in enumerate(query.expressions)))
    source = _source(case_type, query.expressions, query.at, query.bounds, now, names)
    table = cursor.execute(f"SELECT unit, {columns} FROM {source} GROUP BY unit").fetchnumpy()
    _put(table, positions, None, query.totals)
    _read_whole(cursor, case_type, query, now)


def _put(
    table: Mapping[str, Any], positions: Mapping[str, int], units: Collection[str] | None, totals: Sequence[CaseTotals]
) -> None:
    """Write the columns of a result into totals; units that were queried (None: all) and are not in it have no case."""
    target = np.array([positions.get(unit, NEVER) for unit in table["unit"]], np.int64)
    known = target != NEVER
    cleared = (
        np.arange(len(positions))
        if units is None
        else np.array([positions[u] for u in units if u in positions], np.int64)
    )
    for position, into in enumerate(totals):
        into.n[cleared] = 0
        into.amount[cleared] = np.nan
        into.put(target[known], table[f"n{position}"][known], table[f"a{position}"][known])


def _read_whole(cursor: duckdb.DuckDBPyConnection, case_type: str, query: ScanQuery, now: datetime) -> None:
    if not query.whole:
        return
    expressions = [query.expressions[position] for position in query.whole]
    columns, names = _read_once(", ".join(sql.columns(position) for position, sql in enumerate(expressions)))
    source = _source(case_type, expressions, query.at, query.bounds, now, names)
    row = cursor.execute(f"SELECT {columns} FROM {source}").fetchone() or ()
    for position, amount in zip(query.whole, row[1::2], strict=True):
        query.totals[position].merged = float("nan") if amount is None else float(amount)


def read_few(
    cursor: duckdb.DuckDBPyConnection,
    case_type: str,
    query: Sequence[ScanQuery],
    now: datetime,
    units: Collection[str],
    positions: Mapping[str, int],
) -> None:
    """Read few units and all windows of a case type in one scan.

    For few cases it is cheaper to test each against every window than to plan a query per window, as `read_totals`
    does.
    """
    columns, totals, expressions = list[str](), list[CaseTotals](), list[CaseSql]()
    for one in query:
        within = _within(one.at, one.bounds)
        columns += [sql.columns(position, within) for position, sql in enumerate(one.expressions, start=len(columns))]
        totals += one.totals
        expressions += one.expressions
    text, names = _read_once(", ".join(columns))
    calendar = ", working_calendar" if any(sql.uses_calendar for sql in expressions) else ""
    cases = _with_attributes(names, f"case_type = {quoted(case_type)}{of_units(units)}")
    source = f'(SELECT *, {timestamp(now)} AS "now" FROM ({cases}){calendar})'
    table = cursor.execute(f"SELECT unit, {text} FROM {source} GROUP BY unit").fetchnumpy()
    _put(table, positions, units, totals)
    for one in query:
        _read_whole(cursor, case_type, one, now)


def read_newest_changes(
    cursor: duckdb.DuckDBPyConnection, case_types: Collection[str] | None, units: Collection[str] | None
) -> list[tuple[str, str, int]]:
    """Return case type, unit, and the newest `updated_at` of any such case (ms since 1970); None stands for all."""
    of_types = "" if case_types is None else f" AND case_type IN ({', '.join(map(quoted, sorted(case_types)))})"
    where = f"WHERE true{of_types}{of_units(units)}"
    return cursor.execute(
        f"SELECT case_type, unit, epoch_ms(max(updated_at)) FROM cases {where} GROUP BY case_type, unit"
    ).fetchall()


def read_first_reports(
    cursor: duckdb.DuckDBPyConnection, case_types: Collection[str], units: Collection[str] | None = None
) -> list[tuple[str, str, int]]:
    """Return case type, unit, and when any version of such a case in the unit first came (ms since 1970).

    A case that moved to another unit was reported by the first one, too.
    """
    where = f"case_type IN ({', '.join(map(quoted, sorted(case_types)))}){of_units(units)}"
    return cursor.execute(
        f"SELECT case_type, unit, epoch_ms(min(updated_at)) FROM case_changes WHERE {where} GROUP BY case_type, unit"
    ).fetchall()


Edge = tuple[datetime, datetime]
"""[from, to) that a border of a window passed over."""


def edge(before: datetime, after: datetime) -> Edge:
    return min(before, after), max(before, after)


def units_between(cursor: duckdb.DuckDBPyConnection, case_type: str, at: str, edges: Sequence[Edge]) -> frozenset[str]:
    """Return units with a case of the type whose time `at` lies in one of the edges."""
    within = " OR ".join(f'("{at}" >= {timestamp(start)} AND "{at}" < {timestamp(end)})' for start, end in edges)
    query = f"SELECT DISTINCT unit FROM cases WHERE case_type = {quoted(case_type)} AND ({within})"
    return frozenset(unit for (unit,) in cursor.execute(query).fetchall())


def timestamp(moment: datetime) -> str:
    """Return an SQL literal in UTC."""
    return f"TIMESTAMP '{naive(moment).isoformat(sep=' ')}'"


def quoted(text: str) -> str:
    """Return an SQL text literal."""
    return "'" + text.replace("'", "''") + "'"


def _within(at: str, bounds: tuple[datetime, datetime]) -> str:
    return f' AND "{at}" >= {timestamp(bounds[0])} AND "{at}" < {timestamp(bounds[1])}' if at else ""


def _source(
    case_type: str,
    expressions: Sequence[CaseSql],
    at: str,
    bounds: tuple[datetime, datetime],
    now: datetime,
    names: Sequence[str],
) -> str:
    """Return the cases with `now` and the attributes of `names`, each a column `attributes.NAME`."""
    within = _within(at, bounds)
    loose = "" if at else f" AND ({_read_once(' OR '.join(dict.fromkeys(sql.loose for sql in expressions)))[0]})"
    calendar = ", working_calendar" if any(sql.uses_calendar for sql in expressions) else ""
    cases = _with_attributes(names, f"case_type = {quoted(case_type)}{within}")
    return f'(SELECT *, {timestamp(now)} AS "now" FROM ({cases}){calendar} WHERE true{loose})'


def _with_attributes(names: Sequence[str], where: str) -> str:
    """Return the cases with the attributes of `names`, each a column `attributes.NAME`.

    JSON is parsed, and its texts are cast to numbers and booleans, once for all cases with the same attributes.
    """
    if not names:
        return f"SELECT * FROM cases WHERE {where}"
    paths = ", ".join(f"'$.\"{name.partition(' ')[0]}\"'" for name in names)
    columns = ", ".join(
        f'{_cast(f"packed[{position}]", name)} AS "attributes.{name}"' for position, name in enumerate(names, start=1)
    )
    texts = f"SELECT DISTINCT attributes FROM cases WHERE {where}"
    packed = f"SELECT attributes, json_extract_string(attributes, [{paths}]) AS packed FROM ({texts})"
    parsed = f"SELECT attributes, {columns} FROM ({packed})"
    return f"SELECT * FROM (SELECT * FROM cases WHERE {where}) LEFT JOIN ({parsed}) USING (attributes)"


def _cast(text: str, name: str) -> str:
    as_type = name.partition(" ")[2]
    return f"try_cast({text} AS {as_type})" if as_type else text


def _read_once(columns: str) -> tuple[str, list[str]]:
    """Work as `unpacked`, with separate columns for attributes read as another type: their names are `NAME TYPE`."""
    casts = dict.fromkeys(f"{name} {as_type}" for name, as_type in _CAST.findall(columns))
    text, names = unpacked(_CAST.sub(r'"attributes.\1 \2"', columns))
    return text, [*casts, *names]


def unpacked(columns: str) -> tuple[str, list[str]]:
    """Return SQL that names attributes as columns, and their names."""
    return _ATTRIBUTE.sub(r'"attributes.\1"', columns), list(dict.fromkeys(_ATTRIBUTE.findall(columns)))


def of_units(units: Collection[str] | None) -> str:
    return "" if units is None else f" AND unit IN ({', '.join(quoted(unit) for unit in sorted(units)) or 'NULL'})"
