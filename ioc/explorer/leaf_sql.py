"""SQL over the lab's views for a KPI over a measure or over cases: what the evaluation does, written to be read.

Each query returns one row per point and unit with data: time, unit, n (samples) and v (the value before checks). It
follows CTEs `moments` (time, window_from, window_to) and `targets` (target, unit: which units make a figure).
"""

import re
from datetime import datetime, timedelta

from ioc.errors import TextInvalid
from ioc.evaluation.case_sql import DISTINCT, CaseExpression, CaseSql, quoted, unpacked
from ioc.messages import Message
from ioc.model.case import CaseClock, CaseType
from ioc.model.kpi import CaseCount, CaseDistinct, CaseRatio, CaseSum, CaseTime, MeasureAggregate
from ioc.model.window import Window, WindowKind

_SQUARES = "sum(r.n * (r.deviation ** 2 + r.mean ** 2)) / sum(r.n)"
_TAKES = {
    "count": "sum(r.n)",
    "sum": "sum(r.sum)",
    "mean": "sum(r.sum) / sum(r.n)",
    "min": "min(r.least)",
    "max": "max(r.most)",
    "stddev": f"sqrt(greatest({_SQUARES} - (sum(r.sum) / sum(r.n)) ** 2, 0))",
}
_ATTRIBUTE = re.compile(r'"attributes\.(\w+)"')


class NotInViews(TextInvalid):
    """The views lack the data of this KPI; the text says what."""


def bounds(window: Window) -> tuple[str, str]:
    """Return SQL for the start and end of the window that ends at `time`."""
    before = "time - INTERVAL 1 MILLISECOND"
    if window.span is not None:
        return f"time - INTERVAL {window.span // timedelta(minutes=1)} MINUTE", "time"
    if window.kind in (WindowKind.NOW, WindowKind.ALWAYS):
        return "TIMESTAMP '2000-01-01'", "time"
    if not window.closed:
        part = {"today": "day"}.get(window.kind, window.kind.value)
        return f"date_trunc('{part}', {before})", "time"
    part = "day" if window.kind is WindowKind.YESTERDAY else window.kind.removeprefix("last_")
    length = {"day": "1 DAY", "month": "1 MONTH", "quarter": "3 MONTH", "year": "1 YEAR"}[part]
    return f"date_trunc('{part}', {before}) - INTERVAL {length}", f"date_trunc('{part}', {before})"


def level_of(window: Window, times: list[datetime]) -> str:
    """Return the coarsest view whose cells no window of these (local) times cuts."""
    for level, minutes in (("day", 1440), ("hour", 60)):
        whole = all((time.hour * 60 + time.minute) % minutes == 0 for time in times)
        if whole and (window.span is None or window.span % timedelta(minutes=minutes) == timedelta()):
            return level
    return "minute"


def of_measure(expression: MeasureAggregate, level: str, *, merged: bool) -> str:
    """Return the query over a measure.

    `merged`: several units make one figure. Raises NotInViews.
    """
    source = (
        f"FROM moments m\n  JOIN readings_{level} r ON r.time >= m.window_from AND r.time < m.window_to\n"
        f"  JOIN targets t ON t.unit = r.unit\n  WHERE r.measure = {quoted(expression.measure)}"
    )
    if expression.take == "last":
        if merged:
            raise NotInViews(Message("sql_last_unit", measure=expression.measure))
        latest = f"SELECT m.time, t.target AS unit, r.subject, sum(r.n) AS n, arg_max(r.last, r.time) AS last {source}"
        return (
            f"SELECT time, unit, sum(n)::BIGINT AS n, avg(last) AS v\n  FROM ({latest}\n  GROUP BY ALL)\n  GROUP BY ALL"
        )
    if expression.take == "rate":
        per_s = (expression.per or timedelta(seconds=1)).total_seconds()
        passed = "greatest(epoch(any_value(m.window_to) - any_value(m.window_from)), 1)"
        value = f"sum(r.sum) / {passed} * {per_s!r}"
    elif expression.take in _TAKES:
        value = _TAKES[expression.take]
    else:
        raise NotInViews(Message("sql_take", take=expression.take))
    return f"SELECT m.time, t.target AS unit, sum(r.n)::BIGINT AS n, {value} AS v\n  {source}\n  GROUP BY ALL"


def of_cases(expression: CaseExpression, case_type: CaseType, *, latest: bool) -> str:
    """Return the query over cases.

    `latest`: cases count as they are known now. Raises NotInViews.
    """
    sql = CaseSql.of(expression, case_type)
    if sql.uses_calendar:
        raise NotInViews(Message("sql_working_days"))
    latest = latest and bool(expression.at)
    derived = sql.uses_clock or expression.at in ("deadline_at", "pauses")
    if derived and not latest and case_type.clock != CaseClock():
        raise NotInViews(Message("sql_clock", case=case_type.id))
    versions = f"SELECT *, NULL::TIMESTAMP AS until FROM cases WHERE case_type = {quoted(case_type.id)}"
    held = "true"
    if not latest:
        plain = ", due_at AS deadline_at, 0 AS pauses" if derived else ""
        versions = (
            f"SELECT *{plain}, lead(updated_at) OVER (PARTITION BY case_id ORDER BY updated_at, applied_at) AS until\n"
            f"    FROM case_changes WHERE case_type = {quoted(case_type.id)}"
        )
        held = "v.updated_at < m.time AND (v.until IS NULL OR v.until >= m.time)"
    if expression.at:
        held += f" AND v.{expression.at} >= m.window_from AND v.{expression.at} < m.window_to"
    n, value = _named(f"count(*) FILTER (WHERE {sql.counted})"), _named(_value(expression, sql))
    standing = f"FROM moments m JOIN versions v ON {held}\n    JOIN targets t ON t.unit = v.unit"
    return (
        f"WITH versions AS (\n    {versions})\n"
        f"  SELECT time, target AS unit, {n} AS n, {value} AS v\n"
        f'  FROM (SELECT m.time, m.time AS "now", t.target, v.*\n    {standing})\n  GROUP BY ALL'
    )


def empty_is_zero(expression: MeasureAggregate | CaseExpression) -> bool:
    """Return whether a unit without any case that counts has 0, once it is known to report such cases."""
    return isinstance(expression, CaseCount | CaseSum | CaseDistinct)


def _value(expression: CaseExpression, sql: CaseSql) -> str:
    counted = f"FILTER (WHERE {sql.counted})"
    n = f"count(*) {counted}"
    if isinstance(expression, CaseRatio):
        return f"100 * count(*) FILTER (WHERE {sql.counted} AND {sql.hit}) / nullif({n}, 0)"
    if isinstance(expression, CaseCount):
        return f"{n}::DOUBLE"
    folded = f"{sql.folded(sql.amount)} {counted}"
    if isinstance(expression, CaseTime) and expression.take == "mean":
        return f"{folded} / nullif({n}, 0)"
    if sql.fold == DISTINCT or isinstance(expression, CaseSum):
        return f"coalesce({folded}, 0)::DOUBLE"
    return f"{folded}::DOUBLE"


def _named(text: str) -> str:
    """Return the text with attributes named as in the views."""
    return _ATTRIBUTE.sub(r"attributes['\1']", unpacked(text)[0])
