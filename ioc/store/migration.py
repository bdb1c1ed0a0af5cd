"""Migrate a store file of an older layout, in the transaction that opens it."""

import duckdb

VERSION = 2
"""1: cases as they came; 2: with deadlines and pauses."""
_TO_2 = """
ALTER TABLE cases RENAME TO cases_1;
CREATE TABLE cases AS
SELECT c.*, due_at AS deadline_at, 0::INTEGER AS pauses, first_at
FROM cases_1 c JOIN (
    SELECT case_type, case_id, min(updated_at) AS first_at FROM case_changes GROUP BY case_type, case_id)
USING (case_type, case_id) ORDER BY updated_at;
DROP TABLE cases_1"""


def migrate(connection: duckdb.DuckDBPyConnection, version: int) -> None:
    """Migrate from an older version; the first catalogue that the store is given fills in the clocks."""
    if version == 1:
        connection.execute(_TO_2)
    connection.execute("UPDATE store_facts SET version = ?", [VERSION])
