"""Cases for analysts: local times, and only the attributes that the catalogue declares."""

from __future__ import annotations

import hashlib

import duckdb

from ioc.catalog import Catalog

_TIMES = ("received_at", "due_at", "deadline_at", "closed_at", "updated_at", "applied_at")
_SETS = """
INSERT INTO attribute_sets
SELECT c.case_type, c.attributes, map_from_entries(list_filter(map_entries(c.attributes::JSON::MAP(VARCHAR, VARCHAR)),
    lambda entry: list_contains(d.attributes, entry.key)))
FROM (SELECT DISTINCT case_type, attributes FROM {table} WHERE attributes IS NOT NULL) c
JOIN kept.declared d USING (case_type)
ANTI JOIN attribute_sets s ON s.case_type = c.case_type AND s.text = c.attributes
"""


def refresh_cases(connection: duckdb.DuckDBPyConnection, catalog: Catalog, zone_hours: int) -> None:
    """Bring `cases` and `case_changes` up to the raw snapshot.

    New rows are appended; changed cases replace their older versions. Everything is rebuilt when clocks or declared
    attributes have changed, or when the rows do not add up.
    """
    declared = {one.id: sorted(one.attributes) for one in catalog.vocabulary.case_types.values()}
    clocks = connection.execute(
        "SELECT (SELECT version FROM raw.working_calendar), (FROM raw.case_clocks SELECT list(case_clocks::VARCHAR))"
    ).fetchall()
    # Only while this connection is open: the texts may hold more than what is declared.
    connection.execute(
        "CREATE OR REPLACE TEMP TABLE attribute_sets "
        "(case_type VARCHAR, text VARCHAR, attributes MAP(VARCHAR, VARCHAR))"
    )
    version = hashlib.sha256(repr((declared, clocks, zone_hours)).encode()).hexdigest()
    if _known(connection) == version and _append(connection, zone_hours):
        return
    connection.execute(
        "CREATE OR REPLACE TABLE kept.declared (case_type VARCHAR, attributes VARCHAR[]); "
        "DELETE FROM kept.days WHERE name = 'cases'"
    )
    connection.executemany("INSERT INTO kept.declared VALUES (?, ?)", [list(one) for one in declared.items()])
    connection.execute(_SETS.format(table="raw.case_changes"))
    connection.execute(_SETS.format(table="raw.cases"))
    connection.execute(f"CREATE OR REPLACE TABLE kept.cases AS {_cases(zone_hours)} ORDER BY case_type, received_at")
    connection.execute(f"CREATE OR REPLACE TABLE kept.case_changes AS {_changes(zone_hours)} ORDER BY applied_at")
    connection.execute("INSERT INTO kept.days VALUES ('cases', 0, ?)", [version])


def _append(connection: duckdb.DuckDBPyConnection, zone_hours: int) -> bool:
    """Append what is new; return False when the kept rows then do not add up to the raw ones."""
    newest = "(SELECT coalesce(max(applied_at), TIMESTAMP '1970-01-01') FROM kept.case_changes)"
    connection.execute(
        f"CREATE OR REPLACE TEMP TABLE came AS SELECT * FROM raw.case_changes "
        f"WHERE applied_at > {newest} - INTERVAL {zone_hours} HOUR"
    )
    connection.execute(_SETS.format(table="came"))
    connection.execute("CREATE OR REPLACE TEMP TABLE touched AS SELECT DISTINCT case_type, case_id FROM came")
    connection.execute(
        "CREATE OR REPLACE TEMP TABLE fresh AS SELECT c.* FROM raw.cases c SEMI JOIN touched USING (case_type, case_id)"
    )
    connection.execute(_SETS.format(table="fresh"))
    connection.execute(
        "DELETE FROM kept.cases c USING touched t WHERE t.case_type = c.case_type AND t.case_id = c.case_id"
    )
    connection.execute(f"INSERT INTO kept.cases {_cases(zone_hours, 'fresh')} ORDER BY case_type, received_at")
    connection.execute(f"INSERT INTO kept.case_changes {_changes(zone_hours, 'came')} ORDER BY applied_at")
    connection.execute("DROP TABLE came; DROP TABLE touched; DROP TABLE fresh")
    counts = connection.execute(
        "SELECT (SELECT count(*) FROM raw.cases), (SELECT count(*) FROM kept.cases), "
        "(SELECT count(*) FROM raw.case_changes), (SELECT count(*) FROM kept.case_changes)"
    ).fetchall()[0]
    return bool(counts[0] == counts[1] and counts[2] == counts[3])


def _known(connection: duckdb.DuckDBPyConnection) -> str:
    found = connection.execute("SELECT fingerprint FROM kept.days WHERE name = 'cases'").fetchall()
    return str(found[0][0]) if found else ""


def _cases(zone_hours: int, table: str = "raw.cases") -> str:
    columns = [
        "case_id",
        "unit",
        "status",
        "channel",
        "service",
        "received_at",
        "due_at",
        "deadline_at",
        "pauses",
        "closed_at",
        "updated_at",
    ]
    return _with_attributes(columns, table, zone_hours)


def _changes(zone_hours: int, table: str = "raw.case_changes") -> str:
    columns = [
        "case_id",
        "unit",
        "status",
        "channel",
        "service",
        "received_at",
        "due_at",
        "closed_at",
        "updated_at",
        "applied_at",
    ]
    return _with_attributes(columns, table, zone_hours)


def _with_attributes(columns: list[str], table: str, zone_hours: int) -> str:
    selected = ", ".join(
        f"c.{name} + INTERVAL {zone_hours} HOUR AS {name}" if name in _TIMES else f"c.{name}" for name in columns
    )
    return (
        f"SELECT c.case_type, {selected}, s.attributes FROM {table} c "
        "LEFT JOIN attribute_sets s ON s.case_type = c.case_type AND s.text = c.attributes"
    )
