"""Clocks of the cases: derive deadlines and pauses of each case from all its versions, and keep the calendar for it.

A case's `deadline_at` is its due time, moved on by the time that its clock was stopped; it is null without a due time
and while the clock is stopped. `pauses` counts how often it was stopped. A clock that has run out is not stopped any
more. A due time that a source sets later is moved only by the pauses after that: a source that accounts for pauses
itself does so with a new due time.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from hashlib import sha256

import duckdb
import pyarrow as pa

from ioc.catalog import Catalog
from ioc.catalog.working_time import MS_A_DAY, add_working_days, moved_by_working_days, working_days
from ioc.model.calendar import Calendar
from ioc.model.case import CaseClock

BY_CONTENT = (
    "closed_at DESC NULLS LAST, status DESC, unit DESC, received_at DESC, due_at DESC NULLS LAST, "
    "channel DESC NULLS LAST, service DESC NULLS LAST, attributes DESC NULLS LAST"
)
LATER_FIRST = f"updated_at DESC, applied_at DESC, {BY_CONTENT}"
"""The order in which a case's versions override each other: the newest first; of one time (sources that know days only)
the one that arrived last. `applied_at` also orders what arrived in one tick.
"""
STANDING = "(closed_at IS NULL AND coalesce(list_contains(pauses_in, status), FALSE))"
_CASE = "case_type, case_id"


@dataclass(frozen=True)
class Clocks:
    """The clock of each case type, the calendar for working days, and the statuses in the order of the life cycle."""

    calendar: Calendar
    of: Mapping[str, CaseClock] = field(default_factory=dict)
    statuses: Mapping[str, Sequence[str]] = field(default_factory=dict)

    @classmethod
    def of_catalog(cls, catalog: Catalog) -> Clocks:
        types = catalog.vocabulary.case_types
        return cls(
            catalog.decisions.calendar(),
            {name: case_type.clock for name, case_type in types.items()},
            {name: case_type.statuses for name, case_type in types.items()},
        )


def keep_clocks(cursor: duckdb.DuckDBPyConnection, clocks: Clocks, zone_hours: int) -> frozenset[str]:
    """Store the clocks and derive again what they change, in the running transaction; return the changed case types."""
    rows = {
        name: (name, clock.working, list(clock.pauses_in), clock.due_in)
        for name, clock in clocks.of.items()
        if clock != CaseClock()
    }
    _keep_steps(cursor, clocks.statuses)
    known = {row[0]: row for row in cursor.execute("SELECT * FROM case_clocks").fetchall()}
    changed = {name for name in rows.keys() | known.keys() if rows.get(name) != known.get(name)}
    version = _version(clocks.calendar, zone_hours)
    if cursor.execute("SELECT version FROM working_calendar").fetchall() != [(version,)]:
        _write_calendar(cursor, clocks.calendar, version, zone_hours)
        changed |= {name for name, row in rows.items() if row[1]}
    if changed:
        cursor.execute("DELETE FROM case_clocks")
        for row in rows.values():
            cursor.execute("INSERT INTO case_clocks VALUES (?, ?, ?, ?)", row)
        _derive_again(cursor, sorted(changed))
    return frozenset(changed)


def _keep_steps(cursor: duckdb.DuckDBPyConnection, statuses: Mapping[str, Sequence[str]]) -> None:
    """Store the order of statuses; versions that are stored already keep the order that they have."""
    steps = [(name, status, step) for name, words in sorted(statuses.items()) for step, status in enumerate(words)]
    if cursor.execute("SELECT * FROM case_steps ORDER BY case_type, step").fetchall() != steps:
        cursor.execute("DELETE FROM case_steps")
        for row in steps:
            cursor.execute("INSERT INTO case_steps VALUES (?, ?, ?)", row)


def due(zone_hours: int) -> str:
    """Return SQL of the due time before pauses, over a case version, its clock and the calendar.

    It is the source's own, or the end of the last day of `due_in`.
    """
    shift = zone_hours * 3_600_000
    by_day = (
        f"make_timestamp((((epoch_ms(received_at) + {shift}) // {MS_A_DAY} + due_in + 1) * {MS_A_DAY} - {shift} - 1) "
        "* 1000)"
    )
    by_clock = f"CASE WHEN due_in IS NULL THEN NULL WHEN working THEN {add_working_days('received_at', 'due_in')} "
    return f"coalesce(due_at, {by_clock} ELSE {by_day} END)"


def clocked(versions: str, zone_hours: int) -> str:
    """Return SQL of the current versions, with `deadline_at` and `pauses` as they were from then on.

    There is one version per case and time. `versions` is SQL of all versions of some cases, with the columns of the
    wire and `applied_at`.
    """
    of_case = f"PARTITION BY {_CASE} ORDER BY updated_at"
    so_far = f"({of_case} ROWS UNBOUNDED PRECEDING)"
    of_version = f"PARTITION BY {_CASE}, updated_at ORDER BY stood_at"
    length = f"CASE WHEN working THEN {working_days('since', 'until')} ELSE epoch_ms(until) - epoch_ms(since) END"
    # Materialized where the calendar comes in: its lists must never be copied to the rows of a join or a window.
    return f"""
WITH holding AS (
    SELECT v.*, {STANDING} AS standing, coalesce(working, FALSE) AS working, due_in
    FROM ({versions}) v LEFT JOIN case_clocks USING (case_type)
    QUALIFY row_number() OVER (PARTITION BY {_CASE}, updated_at ORDER BY {LATER_FIRST}) = 1),
changing AS (
    SELECT *, standing AND NOT lag(standing, 1, FALSE) OVER ({of_case}) AS stops,
        due_at IS DISTINCT FROM lag(due_at) OVER ({of_case}) AS promises,
        min(CASE WHEN NOT standing THEN updated_at END) OVER (
            {of_case} ROWS BETWEEN 1 FOLLOWING AND UNBOUNDED FOLLOWING) AS goes_on_at
    FROM holding),
steps AS MATERIALIZED (
    SELECT *, count(*) FILTER (stops) OVER {so_far} AS pauses,
        CASE WHEN due_at IS NOT NULL THEN max(CASE WHEN promises THEN updated_at END) OVER {so_far} END AS promised_at
    FROM changing),
dues AS MATERIALIZED (SELECT s.*, {due(zone_hours)} AS due FROM steps s, working_calendar),
stands AS MATERIALIZED (
    SELECT d.case_type, d.case_id, d.updated_at, d.working, d.due, p.updated_at AS stood_at,
        greatest(p.updated_at, d.promised_at) AS since,
        CASE WHEN p.goes_on_at <= d.updated_at THEN p.goes_on_at END AS until
    FROM dues d JOIN steps p USING (case_type, case_id)
    WHERE p.stops AND p.updated_at <= d.updated_at AND d.due IS NOT NULL),
lengths AS (
    SELECT s.*, {length} AS length FROM stands s, working_calendar WHERE until IS NULL OR until > since),
before AS MATERIALIZED (
    SELECT *, coalesce(sum(length) OVER ({of_version} ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), 0)::BIGINT
        AS before FROM lengths),
late AS MATERIALIZED (SELECT b.*, since > {_moved("before")} AS late FROM before b, working_calendar),
counted AS (SELECT *, bool_or(late) OVER ({of_version} ROWS UNBOUNDED PRECEDING) AS ran_out FROM late),
stood AS (
    SELECT {_CASE}, updated_at, coalesce(sum(length) FILTER (NOT ran_out), 0)::BIGINT AS stood,
        bool_or(until IS NULL AND NOT ran_out) AS stands_still
    FROM counted GROUP BY ALL),
told AS MATERIALIZED (
    SELECT d.*, stood, stands_still FROM dues d LEFT JOIN stood USING (case_type, case_id, updated_at))
SELECT t.* EXCLUDE (
        standing, working, due_in, stops, promises, goes_on_at, promised_at, due, stood, stands_still, pauses),
    CASE WHEN stands_still THEN NULL WHEN stood > 0 THEN {_moved("stood")} ELSE due END AS deadline_at,
    pauses::INTEGER AS pauses
FROM told t, working_calendar"""


def _moved(by: str) -> str:
    """Return SQL of `due` moved on, by working days or milliseconds."""
    return f"CASE WHEN working THEN {moved_by_working_days('due', by)} ELSE due + to_milliseconds({by}) END"


def _derive_again(cursor: duckdb.DuckDBPyConnection, case_types: list[str]) -> None:
    """Every case of the types. Only cases that ever stood are looked at version by version."""
    zone_hours = cursor.execute("SELECT zone_hours FROM store_facts").fetchall()[0][0]
    places = ", ".join("?" for _ in case_types)
    versions = f"""
SELECT * FROM case_changes SEMI JOIN (
    SELECT case_type, case_id FROM case_changes JOIN case_clocks USING (case_type)
    WHERE {STANDING} AND case_type IN ({places})) s USING (case_type, case_id)"""
    cursor.execute(
        f"""
CREATE OR REPLACE TEMP TABLE stood AS
SELECT case_type, case_id, deadline_at, pauses FROM ({clocked(versions, zone_hours)})
QUALIFY row_number() OVER (PARTITION BY case_type, case_id ORDER BY updated_at DESC) = 1""",
        case_types,
    )
    # By the key, not by row number: those move at a checkpoint.
    cursor.execute(
        f"""
CREATE OR REPLACE TEMP TABLE derived AS
WITH typed AS MATERIALIZED (
    SELECT case_key, case_type, case_id, received_at, c.due_at, working, due_in,
        s.case_id IS NOT NULL AS stood, s.deadline_at AS stood_until, coalesce(s.pauses, 0) AS pauses
    FROM cases c LEFT JOIN case_clocks USING (case_type) LEFT JOIN stood s USING (case_type, case_id)
    WHERE case_type IN ({places}))
SELECT case_key, case_type, case_id, CASE WHEN stood THEN stood_until ELSE {due(zone_hours)} END AS deadline_at, pauses
FROM typed, working_calendar""",
        case_types,
    )
    cursor.execute(
        """
UPDATE cases c SET deadline_at = d.deadline_at, pauses = d.pauses FROM derived d
WHERE c.case_key = d.case_key AND c.case_type = d.case_type AND c.case_id = d.case_id
    AND (c.deadline_at IS DISTINCT FROM d.deadline_at OR c.pauses IS DISTINCT FROM d.pauses)"""
    )
    cursor.execute("DROP TABLE derived; DROP TABLE stood")


def _write_calendar(cursor: duckdb.DuckDBPyConnection, calendar: Calendar, version: str, zone_hours: int) -> None:
    counts, ends, total = [], [], 0
    day = calendar.first
    while day <= calendar.last:
        if calendar.is_working(day):
            total += 1
            midnight = datetime.combine(day + timedelta(days=1), time(), UTC) - timedelta(hours=zone_hours)
            ends.append(midnight.replace(tzinfo=None) - timedelta(milliseconds=1))
        counts.append(total)
        day += timedelta(days=1)
    shift = zone_hours * 3_600_000 - ((calendar.first - date(1970, 1, 1)).days - 1) * MS_A_DAY
    row = pa.table(
        {
            "version": [version],
            "calendar_shift": [shift],
            "calendar_counts": pa.array([counts], pa.list_(pa.int32())),
            "calendar_ends": pa.array([ends], pa.list_(pa.timestamp("us"))),
        }
    )
    cursor.execute("DELETE FROM working_calendar")
    cursor.register("calendar_row", row)
    cursor.execute("INSERT INTO working_calendar SELECT * FROM calendar_row")
    cursor.unregister("calendar_row")


def _version(calendar: Calendar, zone_hours: int) -> str:
    """Return a hash that changes with every change of a working day."""
    days = sorted(calendar.off), sorted(calendar.worked)
    return sha256(repr((calendar.first, calendar.last, zone_hours, days)).encode()).hexdigest()[:16]
