"""Audit the data against the ledger: counted from the rows, not from the counters."""

import duckdb

from ioc.messages import Message
from ioc.topics import CASES, READINGS

_PANES = """
SELECT 'minute', (SELECT coalesce(sum(n), 0) FROM minute_panes)
    + (SELECT coalesce(sum(n), 0) FROM archive_files WHERE kind = 'panes' AND state = 'kept')
UNION ALL SELECT 'hour', (SELECT coalesce(sum(n), 0) FROM hour_panes)
UNION ALL SELECT 'day', (SELECT coalesce(sum(n), 0) FROM day_panes)"""


def audit(cursor: duckdb.DuckDBPyConnection) -> list[Message]:
    """Return one sentence per difference, in the running transaction.

    Readings: the panes of each level, together with what the archive holds, what retention deleted, and what
    corrections replaced, equal the applied readings. Cases: each applied version is a row of `case_changes` or a repeat
    of one, and each case has its row in `cases`.
    """
    counts = dict(
        cursor.execute(
            "SELECT topic, [sum(applied), sum(repeated), sum(opened)]::BIGINT[] FROM source_counts GROUP BY topic"
        ).fetchall()
    )
    retired = dict(cursor.execute("SELECT level, sum(n)::BIGINT FROM retired GROUP BY level").fetchall())
    readings, replaced, _ = counts.get(READINGS, [0, 0, 0])
    faults: list[Message] = []
    for level, held in cursor.execute(_PANES).fetchall():
        # A reading that replaced another one is applied, but the other one is gone.
        counted = int(held) + retired.get(level, 0) + replaced
        if counted != readings:
            faults.append(Message("panes_miscounted", level=level, stands=counted, readings=readings))
    applied, repeated, opened = counts.get(CASES, [0, 0, 0])
    versions, cases = cursor.execute(
        "SELECT (SELECT count(*) FROM case_changes), (SELECT count(*) FROM cases)"
    ).fetchall()[0]
    if versions + repeated != applied:
        faults.append(Message("versions_miscounted", versions=versions, repeated=repeated, applied=applied))
    if cases != opened:
        faults.append(Message("cases_miscounted", cases=cases, opened=opened))
    return faults
