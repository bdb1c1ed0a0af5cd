"""A KPI over cases at many moments, from every version that each case had.

A case that changed no more since the first moment has one version for all of them, and is read from `cases`; only the
others are looked up in `case_changes`. A version holds from its `updated_at` until the next one's.
"""

from collections.abc import Sequence
from datetime import timedelta
from math import gcd

import duckdb
import numpy as np
import pyarrow as pa

from ioc.catalog.conditions import DERIVED_COLUMNS
from ioc.clock import to_ms
from ioc.evaluation.cases import CaseExpression, CaseSql, CaseTotals, naive, quoted, timestamp
from ioc.evaluation.series import Moment, Targets
from ioc.evaluation.takes import NEVER, Vectors, Whole
from ioc.evaluation.vectors import case_values
from ioc.evaluation.windows import minute_of
from ioc.model.case import CaseType
from ioc.store.clocks import LATER_FIRST, clocked

_COLUMNS = "case_id, unit, status, channel, service, received_at, due_at, closed_at, updated_at, attributes"
_DERIVED = ", ".join(DERIVED_COLUMNS)
_HOLDS = "p.point >= v.first_point AND p.point <= v.last_point"
_LONG = timedelta(days=7)
_MINUTE = timedelta(minutes=1)
_FOREVER = np.iinfo(np.int64).max


def case_series(
    cursor: duckdb.DuckDBPyConnection,
    expression: CaseExpression,
    case_type: CaseType,
    targets: Targets,
    moments: Sequence[Moment],
    zone_hours: int,
    *,
    latest: bool = False,
) -> Vectors:
    """One entry a (moment, target), moments first. The moments stand in equal steps, a version that came at a moment
    counts from the next one on. `latest`: cases count at every moment as they are known now, whatever the steps."""
    sql = CaseSql.of(expression, case_type)
    if latest:
        versions = _latest(case_type.id, sql, expression.at, targets, moments)
    else:
        versions = _versions(case_type.id, sql, expression.at, targets, moments, zone_hours)
    group = "point" if targets.merged else "point, unit"
    points = pa.table(
        {
            "point": np.arange(len(moments), dtype=np.int32),
            **{
                name: pa.array([naive(getattr(moment, name)) for moment in moments], pa.timestamp("us"))
                for name in ("time", "window_from", "window_to")
            },
        }
    )
    cursor.register("points", points)
    if sql.additive and not sql.uses_now:
        query = _of_totals(versions, sql, expression.at, group, moments)
    else:
        query = _of_versions(versions, sql, expression.at, group)
    table = cursor.execute(query).fetchnumpy()
    cursor.unregister("points")
    places = np.asarray(table["point"]).astype(np.int64)
    if not targets.merged:
        target = {unit: place for place, unit in enumerate(targets.units)}
        places = places * targets.size + np.array([target[unit] for unit in table["unit"]], np.int64)
    totals = CaseTotals.empty(len(moments) * targets.size)
    totals.put(places, table["n0"], table["a0"])
    heard = _heard(cursor, case_type.id, targets, moments)
    return case_values(expression, totals.n, totals.amount, heard, heard != NEVER)


def held_cases(
    expression: CaseExpression,
    case_type: CaseType,
    targets: Targets,
    moment: Moment,
    zone_hours: int,
    *,
    latest: bool,
) -> str:
    """SQL of the cases' versions that held at a moment (`latest`: that hold now) and may be samples of the expression,
    with `now` and, where the expression needs it, the working calendar beside them."""
    sql, at = CaseSql.of(expression, case_type), expression.at
    if latest:
        versions = _latest(case_type.id, sql, at, targets, [moment])
    else:
        versions = _versions(case_type.id, sql, at, targets, [moment], zone_hours)
    within = (
        f'v."{at}" >= {timestamp(moment.window_from)} AND v."{at}" < {timestamp(moment.window_to)}' if at else "true"
    )
    held = f"v.first_point <= 0 AND v.last_point >= 0 AND {within}"
    return f'SELECT *, {timestamp(moment.time)} AS "now" FROM ({versions}) v{_calendar(sql)} WHERE {held}'


def _of_totals(versions: str, sql: CaseSql, at: str, group: str, moments: Sequence[Moment]) -> str:
    """Versions that count alike at every moment for which they hold are counted once, and the counts are brought to the
    points. `at` is told apart no finer than the borders of the windows are."""
    grid_us = 60_000_000 * gcd(*(minute_of(m) for moment in moments for m in (moment.window_from, moment.window_to)))
    cell = f'epoch_us("{at}") // {grid_us}' if at else "0"
    unit = ", unit" if "unit" in group else ""
    totals = (
        f"SELECT first_point, last_point, {cell} AS cell{unit}, {sql.columns(0)} "
        f"FROM ({versions}){_calendar(sql)} GROUP BY first_point, last_point, cell{unit} HAVING n0 > 0"
    )
    borders = [f"epoch_us(p.{name}) // {grid_us}" for name in ("window_from", "window_to")]
    within = f" AND v.cell >= {borders[0]} AND v.cell < {borders[1]}" if at else ""
    return (
        f"SELECT {group}, sum(n0)::BIGINT AS n0, {sql.fold}(a0) AS a0 FROM points p JOIN ({totals}) v "
        f"ON {_HOLDS}{within} GROUP BY {group}"
    )


def _of_versions(versions: str, sql: CaseSql, at: str, group: str) -> str:
    """Each version is looked at anew at every moment for which it holds."""
    within = f' AND v."{at}" >= p.window_from AND v."{at}" < p.window_to' if at else ""
    return (
        f'WITH held AS (SELECT v.*, p.point, p.time AS "now" FROM points p JOIN ({versions}) v ON {_HOLDS}{within}) '
        f"SELECT {group}, {sql.columns(0)} FROM held{_calendar(sql)} GROUP BY {group}"
    )


def _calendar(sql: CaseSql) -> str:
    return ", working_calendar" if sql.uses_calendar else ""


def _latest(case_type: str, sql: CaseSql, at: str, targets: Targets, moments: Sequence[Moment]) -> str:
    """The version of each case that holds now, for all moments."""
    may_count = f"case_type = {quoted(case_type)} AND {sql.loose}"
    if at:
        start, end = min(m.window_from for m in moments), max(m.window_to for m in moments)
        may_count += f' AND "{at}" >= {timestamp(start)} AND "{at}" < {timestamp(end)}'
    if not targets.merged:
        may_count += f" AND unit IN ({', '.join(quoted(unit) for unit in targets.units)})"
    columns = f"{_COLUMNS}, {_DERIVED}"
    points = f"0 AS first_point, {len(moments) - 1} AS last_point"
    return f"SELECT {columns}, {points} FROM cases{_calendar(sql)} WHERE {may_count}"


def _versions(
    case_type: str, sql: CaseSql, at: str, targets: Targets, moments: Sequence[Moment], zone_hours: int
) -> str:
    """The versions that may count at some moment, with the first and last point for which each holds."""
    first, last = moments[0].time, moments[-1].time
    step_us = ((last - first) // max(len(moments) - 1, 1) or _MINUTE) // timedelta(microseconds=1)
    of_type = f"case_type = {quoted(case_type)}"
    may_count = sql.loose
    if at:
        start, end = min(m.window_from for m in moments), max(m.window_to for m in moments)
        may_count += f' AND "{at}" >= {timestamp(start)} AND "{at}" < {timestamp(end)}'
    changed = f"SELECT case_id FROM cases WHERE {of_type} AND updated_at >= {timestamp(first)}"
    if not targets.merged:
        of_units = f"unit IN ({', '.join(quoted(unit) for unit in targets.units)})"
        may_count += f" AND {of_units}"
        if last - first > _LONG:
            # All versions of a case that ever was here, for it may have gone on to another unit. Over a short time few
            # cases change, and to look where they were costs more than it saves.
            changed += f" INTERSECT SELECT case_id FROM case_changes WHERE {of_type} AND {of_units}"
    passed = f"(epoch_us({{}}) - epoch_us({timestamp(first)})) // {step_us}"
    began = f"CASE WHEN updated_at < {timestamp(first)} THEN 0 ELSE {passed.format('updated_at')} + 1 END"
    ended = f"coalesce({passed.format('until')}, {len(moments) - 1})"
    derives = sql.uses_clock or at in DERIVED_COLUMNS
    columns = f"{_COLUMNS}, {_DERIVED}" if derives else _COLUMNS
    versions = f"SELECT case_type, {_COLUMNS} FROM case_changes WHERE {of_type} AND case_id IN ({changed})"
    if derives:
        versions = clocked(versions, zone_hours)
    calendar = _calendar(sql)
    # Of versions with one `updated_at` the store's total order says which holds; the others hold for no time.
    return (
        f"SELECT {columns}, 0 AS first_point, {len(moments) - 1} AS last_point FROM cases{calendar} "
        f"WHERE {of_type} AND updated_at < {timestamp(first)} AND {may_count} UNION ALL "
        f"SELECT {columns}, {began}, {ended} FROM (SELECT {columns}, "
        f"lag(updated_at) OVER (PARTITION BY case_id ORDER BY {LATER_FIRST}) AS until FROM ({versions})){calendar} "
        f"WHERE (until >= {timestamp(first)} OR until IS NULL) AND updated_at < {timestamp(last)} AND {may_count}"
    )


def _heard(cursor: duckdb.DuckDBPyConnection, case_type: str, targets: Targets, moments: Sequence[Moment]) -> Whole:
    """When anything of the case type was first heard of in the province, NEVER at moments before that."""
    query = f"SELECT epoch_ms(min(updated_at)) FROM case_changes WHERE case_type = {quoted(case_type)}"
    first = cursor.execute(query).fetchall()[0][0]
    times = np.array([to_ms(moment.time) for moment in moments])
    began = _FOREVER if first is None else first
    return np.repeat(np.where(began < times, began, NEVER), targets.size)
