"""SQL of the versions of cases that were current at moments of the past.

A case that has not changed since the first moment has one version for all of them, and is read from `cases`; only the
others are looked up in `case_changes`. A version is current from its `updated_at` until the next one's.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from ioc.catalog.conditions import DERIVED_COLUMNS
from ioc.evaluation.case_sql import CaseExpression, CaseSql, of_units, quoted, timestamp
from ioc.model.case import CaseType
from ioc.store.case_clocks import LATER_FIRST, STANDING, clocked, due

_COLUMNS = "case_id, unit, status, channel, service, received_at, due_at, closed_at, updated_at, attributes"
_DERIVED = ", ".join(DERIVED_COLUMNS)
_NEEDED = frozenset({"case_id", "unit", "status", "received_at", "due_at", "closed_at", "updated_at"})
"""Columns that decide which version is current, and what the case's clock says of it."""
_LONG = timedelta(days=7)
_FEW = 8
_MINUTE = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Moment:
    """A point in time with the window that ends there."""

    time: datetime
    window_from: datetime
    window_to: datetime


@dataclass(frozen=True, slots=True)
class Targets:
    """Units, each separately, or all merged into one."""

    units: tuple[str, ...]
    merged: bool

    @property
    def size(self) -> int:
        return 1 if self.merged else len(self.units)


def merged_targets(units: Iterable[str]) -> Targets:
    """Return all units of a province as one target."""
    return Targets(tuple(units), merged=True)


def held_cases(
    expression: CaseExpression,
    case_type: CaseType,
    targets: Targets,
    moment: Moment,
    zone_hours: int,
    *,
    latest: bool,
) -> str:
    """Return SQL of the versions that were current at a moment and may be samples of the expression.

    `latest`: those that are current now. The columns include `now` and, where the expression needs it, the working
    calendar.
    """
    sql, at = CaseSql.of(expression, case_type), expression.at
    if latest:
        versions = latest_versions(case_type.id, targets, [moment])
    else:
        versions = past_versions(case_type.id, targets, [moment], zone_hours, derives=uses_clock(sql, at))
    within = "" if not at else f" AND {in_windows(at, [moment])}"
    held = f"v.first_point <= 0 AND v.last_point >= 0 AND {sql.loose}{within}"
    calendar = ", working_calendar" if sql.uses_calendar else ""
    return f'SELECT *, {timestamp(moment.time)} AS "now" FROM ({versions}) v{calendar} WHERE {held}'


def uses_clock(sql: CaseSql, at: str) -> bool:
    return sql.uses_clock or at in DERIVED_COLUMNS


def in_windows(at: str, moments: Sequence[Moment]) -> str:
    """Return SQL that is true for every case whose time `at` lies in any of the windows, and perhaps for more."""
    start, end = min(m.window_from for m in moments), max(m.window_to for m in moments)
    return f'"{at}" >= {timestamp(start)} AND "{at}" < {timestamp(end)}'


def latest_versions(case_type: str, targets: Targets, moments: Sequence[Moment], *, marked: bool = False) -> str:
    """Return SQL of the current version of each case, for all moments. `marked`: see `past_versions`."""
    where = f"case_type = {quoted(case_type)}{_of(targets)}"
    points = f"0 AS first_point, {len(moments) - 1} AS last_point"
    columns = f"{_COLUMNS}, {_DERIVED}{_mark(marked)}"
    return f"SELECT {columns}, {points} FROM {_source('cases', marked)} WHERE {where}"


def has_ties(case_type: str) -> str:
    """Return SQL that tells whether a case of the type has several versions with one `updated_at`."""
    versions = f"SELECT case_id FROM case_changes WHERE case_type = {quoted(case_type)}"
    return f"SELECT EXISTS ({versions} GROUP BY case_id, updated_at HAVING count(*) > 1)"


def past_versions(  # noqa: PLR0913  options of one query
    case_type: str,
    targets: Targets,
    moments: Sequence[Moment],
    zone_hours: int,
    *,
    derives: bool,
    columns: Collection[str] = (),
    marked: bool = False,
) -> str:
    """Return SQL of the versions that are current at some moment, with the first and last point for which each is.

    The moments have equal steps; a version that came at a moment counts from the next one on. `derives`: with the
    derived columns. `columns`: of the other columns only these, for case types without ties: a third of the cost.
    `marked`: with the column `mark` of the table `parsed`, which numbers each text of attributes.
    """
    chosen = [name for name in _COLUMNS.split(", ") if not columns or name in _NEEDED or name in columns]
    carried = ", ".join(chosen) + _mark(marked)
    order = "updated_at DESC" if columns else LATER_FIRST
    first, last = moments[0].time, moments[-1].time
    step_us = ((last - first) // max(len(moments) - 1, 1) or _MINUTE) // timedelta(microseconds=1)
    of_type = f"case_type = {quoted(case_type)}"
    changed = f"SELECT case_id FROM cases WHERE {of_type} AND updated_at >= {timestamp(first)}"
    if not targets.merged and len(targets.units) <= _FEW and last - first > _LONG:
        # All versions of a case that ever was here, for it may have gone on to another unit. Over a short time few
        # cases change, and to look where they were costs more than it saves.
        changed += f" INTERSECT SELECT case_id FROM case_changes WHERE {of_type}{_of(targets)}"
    passed = f"(epoch_us({{}}) - epoch_us({timestamp(first)})) // {step_us}"
    began = f"CASE WHEN updated_at < {timestamp(first)} THEN 0 ELSE {passed.format('updated_at')} + 1 END"
    ended = f"coalesce({passed.format('until')}, {len(moments) - 1})"
    shown = f"{carried}, {_DERIVED}" if derives else carried
    of_changed = f"FROM {_source('case_changes', marked)} WHERE {of_type} AND case_id IN ({changed})"
    ordered = carried if columns else f"{carried}, applied_at"
    versions = f"SELECT case_type, {ordered} {of_changed}"
    if derives:
        versions = _with_clocks(ordered, of_changed, zone_hours, marked)
    # Of versions with one `updated_at` the order of arrival says which holds; the others hold for no time.
    return (
        f"SELECT {shown}, 0 AS first_point, {len(moments) - 1} AS last_point "
        f"FROM {_source('cases', marked)} WHERE {of_type} AND updated_at < {timestamp(first)}{_of(targets)} UNION ALL "
        f"SELECT {shown}, {began}, {ended} FROM (SELECT {shown}, "
        f"lag(updated_at) OVER (PARTITION BY case_id ORDER BY {order}) AS until FROM ({versions})) "
        f"WHERE (until >= {timestamp(first)} OR until IS NULL) AND updated_at < {timestamp(last)}{_of(targets)}"
    )


def _with_clocks(columns: str, of_changed: str, zone_hours: int, marked: bool) -> str:
    """Return SQL with derived columns; only for cases whose clock was ever stopped do earlier versions matter."""
    every = f"SELECT case_type, {_COLUMNS}{_mark(marked)}, applied_at {of_changed}"
    every += " AND case_id IN (SELECT case_id FROM stood)"
    return f"""
WITH versions_with_clock AS MATERIALIZED (
    SELECT case_type, {columns}, {STANDING} AS standing, coalesce(working, FALSE) AS working, due_in
    FROM (SELECT case_type, {columns} {of_changed}) LEFT JOIN case_clocks USING (case_type)),
stood AS MATERIALIZED (SELECT DISTINCT case_id FROM versions_with_clock WHERE standing),
running AS MATERIALIZED (SELECT * FROM versions_with_clock ANTI JOIN stood USING (case_id))
SELECT case_type, {columns}, {due(zone_hours)} AS deadline_at, 0 AS pauses FROM running, working_calendar
UNION ALL SELECT case_type, {columns}, {_DERIVED} FROM ({clocked(every, zone_hours)})"""


def _mark(marked: bool) -> str:
    return ", mark" if marked else ""


def _source(table: str, marked: bool) -> str:
    return f"{table} LEFT JOIN parsed USING (attributes)" if marked else table


def _of(targets: Targets) -> str:
    return "" if targets.merged else of_units(targets.units)
