"""A KPI over cases at many moments, from every version that each case had.

A case that changed no more since the first moment has one version for all of them, and is read from `cases`; only the
others are looked up in `case_changes`. A version holds from its `updated_at` until the next one's.
"""

from collections.abc import Sequence

import duckdb
import numpy as np
import pyarrow as pa

from ioc.clock import to_ms
from ioc.evaluation.cases import CaseExpression, CaseSql, CaseTotals, naive, quoted, timestamp
from ioc.evaluation.series import Moment, Targets
from ioc.evaluation.takes import NEVER, Vectors, Whole
from ioc.evaluation.vectors import case_values
from ioc.model.case import CaseType

_COLUMNS = "case_id, unit, status, channel, service, received_at, due_at, closed_at, updated_at, attributes"
# Of versions with one `updated_at` the store's total order says which holds; the others hold for no time.
_ORDER = (
    "updated_at, closed_at NULLS FIRST, status, unit, received_at, due_at NULLS FIRST, channel NULLS FIRST, "
    "service NULLS FIRST, attributes NULLS FIRST"
)
_FOREVER = np.iinfo(np.int64).max


def case_series(
    cursor: duckdb.DuckDBPyConnection,
    expression: CaseExpression,
    case_type: CaseType,
    targets: Targets,
    moments: Sequence[Moment],
) -> Vectors:
    """One entry a (moment, target), moments first."""
    sql = CaseSql.of(expression, case_type)
    versions = _versions(case_type.id, sql, expression.at, targets, moments)
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
        query = _of_totals(versions, sql, expression.at, group)
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
    return case_values(expression, totals.n, totals.amount, _heard(cursor, case_type.id, targets, moments))


def _of_totals(versions: str, sql: CaseSql, at: str, group: str) -> str:
    """Versions that count alike at every moment are counted once, minute by minute of their `at`, and the counts are
    brought to the points: all windows are whole minutes."""
    minute = f"date_trunc('minute', \"{at}\")" if at else "NULL"
    unit = ", unit" if "unit" in group else ""
    totals = (
        f"SELECT since, until, {minute} AS at_minute{unit}, {sql.columns(0)} "
        f"FROM ({versions}) GROUP BY since, until, at_minute{unit} HAVING n0 > 0"
    )
    within = " AND v.at_minute >= p.window_from AND v.at_minute < p.window_to" if at else ""
    return (
        f"SELECT {group}, sum(n0)::BIGINT AS n0, {sql.fold}(a0) AS a0 FROM points p JOIN ({totals}) v "
        f"ON v.since < p.time AND v.until >= p.time{within} GROUP BY {group}"
    )


def _of_versions(versions: str, sql: CaseSql, at: str, group: str) -> str:
    """Each version is looked at anew at every moment for which it holds."""
    within = f' AND v."{at}" >= p.window_from AND v."{at}" < p.window_to' if at else ""
    return (
        f'SELECT {group}, {sql.columns(0)} FROM (SELECT v.*, p.point, p.time AS "now" FROM points p '
        f"JOIN ({versions}) v ON v.since < p.time AND v.until >= p.time{within}) GROUP BY {group}"
    )


def _versions(case_type: str, sql: CaseSql, at: str, targets: Targets, moments: Sequence[Moment]) -> str:
    """The versions that may count at some moment, with `since` and `until`."""
    first, last = timestamp(min(m.time for m in moments)), timestamp(max(m.time for m in moments))
    of_type = f"case_type = {quoted(case_type)}"
    may_count = sql.loose
    if at:
        start, end = min(m.window_from for m in moments), max(m.window_to for m in moments)
        may_count += f' AND "{at}" >= {timestamp(start)} AND "{at}" < {timestamp(end)}'
    changed = f"SELECT case_id FROM cases WHERE {of_type} AND updated_at >= {first}"
    if not targets.merged:
        of_units = f"unit IN ({', '.join(quoted(unit) for unit in targets.units)})"
        may_count += f" AND {of_units}"
        # A case may have gone from unit to unit: all versions of a case that ever was here tell how long it stayed.
        changed += f" INTERSECT SELECT case_id FROM case_changes WHERE {of_type} AND {of_units}"
    return (
        f"SELECT {_COLUMNS}, TIMESTAMP '1970-01-01' AS since, TIMESTAMP 'infinity' AS until FROM cases "
        f"WHERE {of_type} AND updated_at < {first} AND {may_count} UNION ALL "
        f"SELECT {_COLUMNS}, updated_at, until FROM (SELECT {_COLUMNS}, "
        f"coalesce(lead(updated_at) OVER (PARTITION BY case_id ORDER BY {_ORDER}), TIMESTAMP 'infinity') AS until "
        f"FROM case_changes WHERE {of_type} AND case_id IN ({changed})) "
        f"WHERE until >= {first} AND updated_at < {last} AND {may_count}"
    )


def _heard(cursor: duckdb.DuckDBPyConnection, case_type: str, targets: Targets, moments: Sequence[Moment]) -> Whole:
    """When anything of the case type had been heard of by each moment: the first time that was, NEVER before it."""
    query = "SELECT unit, epoch_ms(min(updated_at)) FROM case_changes WHERE case_type = ? GROUP BY unit"
    first = {unit: ms for unit, ms in cursor.execute(query, [case_type]).fetchall() if unit in targets.units}
    if targets.merged:
        began = np.array([min(first.values(), default=_FOREVER)])
    else:
        began = np.array([first.get(unit, _FOREVER) for unit in targets.units])
    times = np.array([to_ms(moment.time) for moment in moments])
    return np.where(began[None, :] < times[:, None], began[None, :], NEVER).reshape(-1)
