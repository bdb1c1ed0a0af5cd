"""Write case versions: the latest version of each case with its deadline, and every distinct version."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache

import duckdb
import numpy as np
import pyarrow as pa

from ioc.store.case_clocks import BY_CONTENT, STANDING, clocked, due
from ioc.store.times import naive
from ioc.wire.schemas import CASES

COLUMNS = tuple(CASES.names)
_TIMES = frozenset({"received_at", "due_at", "closed_at", "updated_at"})
_PLAIN = pa.schema([(name, pa.timestamp("ms") if name in _TIMES else pa.string()) for name in COLUMNS])
_ALL = ", ".join(COLUMNS)
_SAME_VERSION = " AND ".join(f"a.{name} IS NOT DISTINCT FROM c.{name}" for name in COLUMNS)

_KEY = "md5_number_lower(case_type || chr(31) || case_id)"

_BATCH_ROWS = 2**32
_MAX_PLACE = 999

# The distinct versions of the tick; a version counts for the first batch that brought it, at its first row there.
_ARRIVALS = f"""
CREATE OR REPLACE TEMP TABLE arrivals AS
SELECT {_ALL}, {_KEY} AS case_key, min(arrival) AS arrival, min(arrival) // {_BATCH_ROWS} AS batch
FROM incoming GROUP BY ALL"""
# Rows are found by the one narrow column, then read by their place: with 500,000 cases a fifth of the cost of a join
# over the texts, and no index to keep in memory. All in one statement: a checkpoint moves row numbers.
_STORED = f"""
CREATE OR REPLACE TEMP TABLE stored AS
SELECT c.* FROM (
    SELECT {_ALL}, case_key, pauses, first_at FROM cases
    SEMI JOIN (SELECT rowid AS place FROM cases SEMI JOIN arrivals USING (case_key)) p ON cases.rowid = p.place) c
SEMI JOIN arrivals USING (case_type, case_id)"""
# Only a version that is not newer than the stored one can be there already; what newer ones bring need not be looked
# for. `updated_at` of the changes grows with their place in the table, so the join reads few of its row groups.
_DOUBTFUL = """
CREATE OR REPLACE TEMP TABLE doubtful AS
SELECT a.* FROM arrivals a JOIN stored s USING (case_type, case_id) WHERE a.updated_at <= s.updated_at"""
_REPEATS = (
    f"CREATE OR REPLACE TEMP TABLE repeats AS SELECT a.* FROM doubtful a SEMI JOIN case_changes c ON {_SAME_VERSION}"
)
_NO_REPEATS = "CREATE OR REPLACE TEMP TABLE repeats AS SELECT * FROM arrivals LIMIT 0"
# Versions of one case and time hold in the order of their batches, within one in that of the life cycle, then of rows.
_FRESH = f"""
CREATE OR REPLACE TEMP TABLE fresh AS
SELECT a.*, row_number() OVER (
    PARTITION BY a.case_type, a.case_id, a.updated_at ORDER BY batch, coalesce(step, -1), arrival) - 1 AS place
FROM (SELECT a.* FROM arrivals a ANTI JOIN repeats c ON {_SAME_VERSION}) a
LEFT JOIN case_steps USING (case_type, status)"""
# `applied_at` keeps that order, below the millisecond.
_CHANGES = f"""
INSERT INTO case_changes
SELECT {_ALL}, ?::TIMESTAMP + to_microseconds(least(place, {_MAX_PLACE})) FROM fresh ORDER BY updated_at"""
_COUNTED = "SELECT batch, count(*) FROM fresh GROUP BY batch"
_OPENED = """
SELECT batch, count(*) FROM (
    SELECT min(batch) AS batch FROM arrivals ANTI JOIN stored USING (case_type, case_id) GROUP BY case_type, case_id)
GROUP BY batch"""
_LATEST = f"""
CREATE OR REPLACE TEMP TABLE latest AS
SELECT * FROM (
    SELECT {_ALL}, TRUE AS is_stored, -1 AS place FROM stored
    UNION ALL SELECT {_ALL}, FALSE, place FROM fresh)
QUALIFY row_number() OVER (
    PARTITION BY case_type, case_id ORDER BY updated_at DESC, place DESC, {BY_CONTENT}, is_stored DESC) = 1"""
# Of each case whether its clock ever stood, and whether a version came that is older than all before.
_SEEN = f"""
CREATE OR REPLACE TEMP TABLE seen AS
SELECT case_type, case_id, min(first_at) AS first_at, bool_or(stood) AS stood,
    coalesce(min(first_at) < min(first_at) FILTER (is_stored), FALSE) AS is_earlier
FROM (
    SELECT case_type, case_id, first_at, pauses > 0 AS stood, TRUE AS is_stored FROM stored
    UNION ALL SELECT case_type, case_id, updated_at, {STANDING}, FALSE
    FROM arrivals LEFT JOIN case_clocks USING (case_type))
GROUP BY case_type, case_id"""
_STOOD = "SELECT min(first_at) FROM seen WHERE stood"
# Every version of the cases whose clock ever stood; none of them is older than the parameter.
_VERSIONS = f"""
SELECT {_ALL}, applied_at FROM (SELECT * FROM case_changes WHERE updated_at >= ?)
SEMI JOIN (SELECT case_type, case_id FROM seen WHERE stood) s USING (case_type, case_id)"""
_NONE_STOOD = (
    "CREATE OR REPLACE TEMP TABLE clocked AS SELECT case_type, case_id, deadline_at, pauses FROM cases LIMIT 0"
)
_REWRITTEN = "(NOT l.is_stored OR e.stood OR e.is_earlier)"
_REPLACED = """
DELETE FROM cases WHERE rowid IN (
    SELECT c.rowid FROM cases c JOIN replaced r USING (case_key, case_type, case_id))"""
_REPLACED_KEYS = f"""
CREATE OR REPLACE TEMP TABLE replaced AS
SELECT case_key, case_type, case_id FROM stored s JOIN latest l USING (case_type, case_id)
JOIN seen e USING (case_type, case_id) WHERE {_REWRITTEN}"""
_TOUCHED = "SELECT case_type, unit FROM latest UNION SELECT case_type, unit FROM stored"


@dataclass(frozen=True)
class CasesAppended:
    """The changes of a tick.

    Case types, and units of old and new versions; per batch, in the given order, how many versions were stored already
    or came earlier in the tick, and how many cases it was the first to bring.
    """

    case_types: frozenset[str]
    units: frozenset[str]
    repeated: tuple[int, ...]
    opened: tuple[int, ...]


def append_cases(
    cursor: duckdb.DuckDBPyConnection, batches: Sequence[pa.RecordBatch], applied_at: datetime, zone_hours: int
) -> CasesAppended:
    """Write batches of the schema CASES to `cases` and `case_changes`, in the running transaction."""
    if not any(batch.num_rows for batch in batches):
        return CasesAppended(frozenset(), frozenset(), (0,) * len(batches), (0,) * len(batches))
    cursor.register("incoming", _plain(batches))
    try:
        cursor.execute(_ARRIVALS)
    finally:
        cursor.unregister("incoming")
    for statement in (_STORED, _DOUBTFUL):
        cursor.execute(statement)
    doubtful = cursor.execute("SELECT count(*) FROM doubtful").fetchall()[0][0]
    cursor.execute(_REPEATS if doubtful else _NO_REPEATS)
    cursor.execute(_FRESH)
    fresh: dict[int, int] = dict(cursor.execute(_COUNTED).fetchall())
    opened: dict[int, int] = dict(cursor.execute(_OPENED).fetchall())
    cursor.execute(_CHANGES, [_to_millisecond(naive(applied_at))])
    for statement in (_LATEST, _SEEN):
        cursor.execute(statement)
    oldest = cursor.execute(_STOOD).fetchall()[0][0]
    if oldest is None:
        cursor.execute(_NONE_STOOD)
    else:
        cursor.execute(_clocked(zone_hours), [oldest])
    for statement in (_REPLACED_KEYS, _REPLACED, _insert(zone_hours)):
        cursor.execute(statement)
    touched = cursor.execute(_TOUCHED).fetchall()
    return CasesAppended(
        frozenset(case_type for case_type, _ in touched),
        frozenset(unit for _, unit in touched),
        tuple(batch.num_rows - fresh.get(number, 0) for number, batch in enumerate(batches)),
        tuple(opened.get(number, 0) for number in range(len(batches))),
    )


@cache
def _clocked(zone_hours: int) -> str:
    """Return SQL of deadlines and pauses of the cases whose clock was ever stopped, by their current versions."""
    return f"""
CREATE OR REPLACE TEMP TABLE clocked AS
SELECT case_type, case_id, deadline_at, pauses FROM ({clocked(_VERSIONS, zone_hours)})
QUALIFY row_number() OVER (PARTITION BY case_type, case_id ORDER BY updated_at DESC) = 1"""


@cache
def _insert(zone_hours: int) -> str:
    return f"""
INSERT INTO cases
WITH rewritten AS MATERIALIZED (
    SELECT l.*, e.first_at, e.stood, d.deadline_at, d.pauses, working, due_in
    FROM latest l JOIN seen e USING (case_type, case_id) LEFT JOIN clocked d USING (case_type, case_id)
    LEFT JOIN case_clocks k USING (case_type) WHERE {_REWRITTEN})
SELECT {_ALL}, {_KEY}, CASE WHEN stood THEN deadline_at ELSE {due(zone_hours)} END, coalesce(pauses, 0), first_at
FROM rewritten, working_calendar ORDER BY updated_at"""


def _plain(batches: Sequence[pa.RecordBatch]) -> pa.Table:
    """Return texts, times as the store keeps them, and for each row its batch and its index there."""
    tables = []
    for number, batch in enumerate(batches):
        columns = [
            column.cast(pa.timestamp("ms")) if name in _TIMES else column.cast(pa.string())
            for name, column in zip(COLUMNS, batch.columns, strict=True)
        ]
        table = pa.Table.from_arrays(columns, schema=_PLAIN)
        arrival = number * _BATCH_ROWS + np.arange(batch.num_rows, dtype=np.int64)
        tables.append(table.append_column("arrival", pa.array(arrival)))
    return pa.concat_tables(tables)


def _to_millisecond(moment: datetime) -> datetime:
    return moment.replace(microsecond=moment.microsecond // 1000 * 1000)
