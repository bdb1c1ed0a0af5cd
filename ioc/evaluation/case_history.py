"""KPIs over cases at many moments, computed from all versions of each case.

The versions of a case type are read once, into a table of the connection, for all KPIs that a request needs of it: each
with the first and the last of the points at which it is current and lies in the window. So what counts alike at several
points is counted once and then spread to them.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from math import gcd

import duckdb
import numpy as np
import pyarrow as pa

from ioc.clock import to_ms
from ioc.evaluation.aggregate_functions import NEVER, Amounts, Real, Vectors, Whole
from ioc.evaluation.case_sql import DISTINCT, CaseExpression, CaseSql, CaseTotals, quoted, read_first_reports, unpacked
from ioc.evaluation.case_versions import (
    Moment,
    Targets,
    has_ties,
    in_windows,
    latest_versions,
    merged_targets,
    past_versions,
    uses_clock,
)
from ioc.evaluation.pane_windows import minute_of
from ioc.evaluation.time_dependent_conditions import TURNED, cut_to_turns, knows_calendar
from ioc.evaluation.vectors import case_values
from ioc.model.case import CaseType
from ioc.store.times import naive

_FOREVER = np.iinfo(np.int64).max
_COLUMNS = (
    "case_id", "status", "channel", "service", "received_at", "due_at", "closed_at", "updated_at", "deadline_at",
    "pauses",
)  # fmt: skip


@dataclass(frozen=True)
class CaseSeriesQuery:
    """An expression over cases of `targets`, each at every moment."""

    expression: CaseExpression
    targets: Targets
    moments: tuple[Moment, ...]

    @property
    def at(self) -> str:
        return self.expression.at


def case_series(
    cursor: duckdb.DuckDBPyConnection,
    case_type: CaseType,
    queries: Sequence[CaseSeriesQuery],
    zone_hours: int,
    *,
    latest: bool = False,
) -> list[Vectors]:
    """Return one `Vectors` per query, flattened as (moment, target) in row-major order.

    The times of the moments are the same for all queries and have equal steps; a version that came at a moment counts
    from the next one on. `latest`: cases count at every moment as they are known now, whatever the steps.
    """
    sql = [CaseSql.of(one.expression, case_type) for one in queries]
    _read_versions(cursor, case_type, queries, sql, zone_hours, latest=latest)
    first_reports = {unit: at_ms for _, unit, at_ms in read_first_reports(cursor, [case_type.id])}
    together: dict[tuple[object, ...], list[int]] = defaultdict(list)
    for position, one in enumerate(queries):
        shares = sql[position].uses_now and sql[position].turns is None
        alone = position if not ((sql[position].additive and not sql[position].uses_now) or shares) else -1
        together[one.targets, one.at, one.moments, sql[position].uses_now, alone].append(position)
    found: dict[int, Vectors] = {}
    for positions in together.values():
        one, mine = queries[positions[0]], [sql[position] for position in positions]
        totals = _totals(cursor, one.targets, one.at, one.moments, mine)
        times = _known_since(first_reports, case_type, one.targets, queries[0].moments)
        for position, total in zip(positions, totals, strict=True):
            found[position] = case_values(queries[position].expression, total.n, total.amount, times, times != NEVER)
    cursor.execute(f"DROP TABLE versions; DROP TABLE IF EXISTS parsed; DROP TABLE IF EXISTS {TURNED}")
    return [found[position] for position in range(len(queries))]


def _read_versions(
    cursor: duckdb.DuckDBPyConnection,
    case_type: CaseType,
    queries: Sequence[CaseSeriesQuery],
    expressions: Sequence[CaseSql],
    zone_hours: int,
    *,
    latest: bool,
) -> None:
    """Create the table `versions`: all that may count at some moment for any of the expressions.

    Attributes are parsed once for all cases that have the same.
    """
    moments = queries[0].moments
    may_count = {
        f"({sql.loose} AND {in_windows(one.at, one.moments)})" if one.at else sql.loose
        for sql, one in zip(expressions, queries, strict=True)
    }
    times = {f'"{one.at}"' for one in queries if one.at}
    text = " ".join([*(sql.columns(0) for sql in expressions), *may_count, *times])
    names = unpacked(text)[1]
    chosen = [name for name in _COLUMNS if f'"{name}"' in text]
    units = list(dict.fromkeys(unit for one in queries for unit in one.targets.units))
    targets = (
        merged_targets(units) if any(one.targets.merged for one in queries) else Targets(tuple(units), merged=False)
    )
    if names:
        _parse_attributes(cursor, case_type, names)
    if latest:
        versions = latest_versions(case_type.id, targets, moments, marked=bool(names))
    else:
        derives = any(uses_clock(sql, one.at) for sql, one in zip(expressions, queries, strict=True))
        [(ties,)] = cursor.execute(has_ties(case_type.id)).fetchall()
        carried = () if ties else ("unit", *chosen)
        versions = past_versions(
            case_type.id, targets, moments, zone_hours, derives=derives, columns=carried, marked=bool(names)
        )
    shown = ["unit", "first_point", "last_point", *(f'"{name}"' for name in chosen), *(["mark"] if names else [])]
    where, needed = unpacked(" OR ".join(sorted(may_count)))
    source = f"({versions})" + (" LEFT JOIN parsed USING (mark)" if needed else "")
    source += ", working_calendar" if "calendar_counts" in where else ""
    cursor.execute(f"CREATE OR REPLACE TEMP TABLE versions AS SELECT {', '.join(shown)} FROM {source} WHERE {where}")


def _parse_attributes(cursor: duckdb.DuckDBPyConnection, case_type: CaseType, names: Sequence[str]) -> None:
    """Create the table `parsed`: the attributes of each text that any case has, with a number for it."""
    columns = ", ".join(f'json_extract_string(attributes, \'$."{name}"\') AS "attributes.{name}"' for name in names)
    texts = f"SELECT DISTINCT attributes FROM case_changes WHERE case_type = {quoted(case_type.id)}"
    cursor.execute(
        "CREATE OR REPLACE TEMP TABLE parsed AS "
        f"SELECT row_number() OVER () AS mark, attributes, {columns} FROM ({texts})"
    )


def _totals(
    cursor: duckdb.DuckDBPyConnection,
    targets: Targets,
    at: str,
    moments: Sequence[Moment],
    expressions: Sequence[CaseSql],
) -> list[CaseTotals]:
    """Return samples and amount of each expression, one entry per (moment, target) in row-major order."""
    place_of_unit = pa.table(
        {
            "unit": pa.array(targets.units, pa.string()),
            "target": np.zeros(len(targets.units), np.int32) if targets.merged else np.arange(len(targets.units)),
        }
    )
    points = pa.table(
        {
            "point": np.arange(len(moments), dtype=np.int64),
            "now": pa.array([naive(moment.time) for moment in moments], pa.timestamp("us")),
        }
    )
    shown = {"points": points, "targets": place_of_unit}
    versions, target = "versions", "0"
    if not targets.merged:
        versions, target = "versions JOIN targets USING (unit)", "target"
    if unpacked(" ".join(sql.columns(0) for sql in expressions))[1]:
        versions += " LEFT JOIN parsed USING (mark)"
    span = f"first_point, least(last_point, {len(moments) - 1}) AS last_point"
    if at:
        grid_us, shown["cells"] = _cells(moments)
        versions += f' JOIN cells ON epoch_us("{at}") // {grid_us} = cell'
        span = "greatest(first_point, first_in) AS first_point, least(last_point, last_in) AS last_point"
    for name, table in shown.items():
        cursor.register(name, table)
    held = f"(SELECT * EXCLUDE (first_point, last_point), {target} AS position, {span} FROM {versions})"
    held = f"(SELECT * FROM {held} WHERE first_point <= last_point)"
    try:
        turns = expressions[0].turns if len(expressions) == 1 and expressions[0].additive else None
        if turns is not None and expressions[0].uses_now and _known(cursor, expressions, moments):
            held = cut_to_turns(cursor, held, turns, moments, _calendar(expressions))
            expressions = [replace(expressions[0], counted=turns.stays, uses_now=False)]
        if all(sql.additive and not sql.uses_now for sql in expressions):
            return _of_spans(cursor, held, expressions, len(moments), targets.size)
        return _of_points(cursor, held, expressions, len(moments), targets.size)
    finally:
        for name in shown:
            cursor.unregister(name)


def _cells(moments: Sequence[Moment]) -> tuple[int, pa.Table]:
    """Return the length in µs of a grid of window borders, and the first and last point whose window holds each cell.

    Cells are so short that no border of a window lies inside one. Borders never move back from one point to the next.
    """
    starts = np.array([minute_of(moment.window_from) for moment in moments])
    ends = np.array([minute_of(moment.window_to) for moment in moments])
    grid = gcd(*starts.tolist(), *ends.tolist())
    cell = np.arange(starts.min() // grid, ends.max() // grid)
    first = np.searchsorted(ends // grid, cell, side="right")
    last = np.searchsorted(starts // grid, cell, side="right") - 1
    within = first <= last
    return grid * 60_000_000, pa.table({"cell": cell[within], "first_in": first[within], "last_in": last[within]})


def _of_spans(
    cursor: duckdb.DuckDBPyConnection, held: str, expressions: Sequence[CaseSql], points: int, size: int
) -> list[CaseTotals]:
    """Count once what counts alike at every point of a span."""
    columns = unpacked(", ".join(sql.columns(position) for position, sql in enumerate(expressions)))[0]
    table = cursor.execute(
        f"SELECT first_point, last_point, position, {columns} FROM {held}{_calendar(expressions)} GROUP BY ALL"
    ).fetchnumpy()
    first = np.asarray(table["first_point"]).astype(np.int64)
    length = np.asarray(table["last_point"]).astype(np.int64) - first + 1
    before = np.cumsum(length) - length
    row = np.repeat(np.arange(len(first)), length)
    point = np.arange(len(row)) + (first - before)[row]
    entry = point * size + np.asarray(table["position"]).astype(np.int64)[row]
    answer: list[CaseTotals] = []
    for position, sql in enumerate(expressions):
        n = np.bincount(entry, np.asarray(table[f"n{position}"])[row], points * size).astype(np.int64)
        answer.append(CaseTotals(n, _folded(sql, table[f"a{position}"], row, entry, points * size)))
    return answer


def _folded(sql: CaseSql, amounts: Amounts, row: Whole, entry: Whole, size: int) -> Real:
    """Merge the amounts of the rows into their entries; entries without rows have no meaning."""
    if isinstance(amounts, np.ma.MaskedArray):
        there = ~np.ma.getmaskarray(amounts)[row]
        row, entry = row[there], entry[there]
    spread = np.asarray(amounts).astype(np.float64)[row]
    if sql.fold == "sum":
        return np.bincount(entry, spread, size).astype(np.float64)
    folded = np.full(size, np.nan)
    (np.fmin if sql.fold == "min" else np.fmax).at(folded, entry, spread)
    return folded


def _of_points(
    cursor: duckdb.DuckDBPyConnection, held: str, expressions: Sequence[CaseSql], points: int, size: int
) -> list[CaseTotals]:
    """Evaluate each version again at every point at which it is current."""
    columns = unpacked(", ".join(sql.columns(position) for position, sql in enumerate(expressions)))[0]
    calendar = _calendar(expressions)
    if not any(sql.uses_now for sql in expressions):
        [sql] = expressions
        value, where = unpacked(sql.amount)[0], unpacked(sql.counted)[0]
        alike = "count(*)" if sql.fold == DISTINCT else "1"
        group = " GROUP BY ALL" if sql.fold == DISTINCT else ""
        kept = f"first_point, last_point, position, {value} AS value, {alike} AS n"
        held = f"(SELECT {kept} FROM {held}{calendar} WHERE {where}{group})"
        columns, calendar = f"sum(n)::BIGINT AS n0, {sql.folded('value')} AS a0", ""
    spread = f"(SELECT *, unnest(range(first_point, last_point + 1)) AS point FROM {held})"
    table = cursor.execute(
        f"SELECT point, position, {columns} FROM {spread} JOIN points USING (point){calendar} GROUP BY ALL"
    ).fetchnumpy()
    entry = np.asarray(table["point"]).astype(np.int64) * size + np.asarray(table["position"]).astype(np.int64)
    answer: list[CaseTotals] = []
    for position in range(len(expressions)):
        total = CaseTotals.empty(points * size)
        total.put(entry, table[f"n{position}"], table[f"a{position}"])
        answer.append(total)
    return answer


def _known(cursor: duckdb.DuckDBPyConnection, expressions: Sequence[CaseSql], moments: Sequence[Moment]) -> bool:
    return not any(sql.uses_calendar for sql in expressions) or knows_calendar(cursor, moments)


def _calendar(expressions: Sequence[CaseSql]) -> str:
    return ", working_calendar" if any(sql.uses_calendar for sql in expressions) else ""


def _known_since(
    first_reports: Mapping[str, int], case_type: CaseType, targets: Targets, moments: Sequence[Moment]
) -> Whole:
    """Return since when no case means 0, one entry per (moment, target) in row-major order.

    NEVER where no case means nothing yet: a unit that has not reported by then, or a province without any report.
    """
    anywhere = min(first_reports.values(), default=_FOREVER)
    if targets.merged or case_type.silence_is_zero:
        began = np.full(targets.size, anywhere)
    else:
        began = np.array([first_reports.get(unit, _FOREVER) for unit in targets.units], np.int64)
    times = np.array([to_ms(moment.time) for moment in moments])[:, None]
    return np.where(began[None, :] < times, began[None, :], NEVER).reshape(-1)
