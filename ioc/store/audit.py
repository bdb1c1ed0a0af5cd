"""Does the data itself say what the ledger says? Counted from the rows, not from the counters."""

import duckdb

from ioc.topics import CASES, READINGS

_PANES = """
SELECT 'minute', (SELECT coalesce(sum(n), 0) FROM minute_panes)
    + (SELECT coalesce(sum(n), 0) FROM archive_files WHERE kind = 'panes' AND state = 'kept')
UNION ALL SELECT 'hour', (SELECT coalesce(sum(n), 0) FROM hour_panes)
UNION ALL SELECT 'day', (SELECT coalesce(sum(n), 0) FROM day_panes)"""


def audit(cursor: duckdb.DuckDBPyConnection) -> list[str]:
    """A sentence for each difference; none when all is well. In the running transaction.

    Readings: the panes of each level, with what the archive holds, what retention took, and what corrections replaced,
    are the applied readings.
    Cases: each applied version is a row of `case_changes` or a repeat of one, and each case has its row in `cases`.
    """
    counts = dict(
        cursor.execute(
            "SELECT topic, [sum(applied), sum(repeated), sum(opened)]::BIGINT[] FROM source_counts GROUP BY topic"
        ).fetchall()
    )
    retired = dict(cursor.execute("SELECT level, sum(n)::BIGINT FROM retired GROUP BY level").fetchall())
    readings, replaced, _ = counts.get(READINGS, [0, 0, 0])
    faults = []
    for level, held in cursor.execute(_PANES).fetchall():
        # A reading that replaced another one is applied, but the other one no longer stands.
        stands = int(held) + retired.get(level, 0) + replaced
        if stands != readings:
            faults.append(f"The {level} panes hold {stands} readings, but {readings} were applied.")
    applied, repeated, opened = counts.get(CASES, [0, 0, 0])
    versions, cases = cursor.execute(
        "SELECT (SELECT count(*) FROM case_changes), (SELECT count(*) FROM cases)"
    ).fetchall()[0]
    if versions + repeated != applied:
        faults.append(f"{versions} case versions and {repeated} repeats are stored, but {applied} were applied.")
    if cases != opened:
        faults.append(f"{cases} cases are stored, but {opened} were opened.")
    return faults
