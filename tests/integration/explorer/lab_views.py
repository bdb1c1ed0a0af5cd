"""The lab's views of a store in memory, as the dictionary defines them."""

import duckdb

from ioc.catalog import Catalog
from ioc.evaluation.pane_reader import PaneReader

_PANES = """
SELECT m.id AS measure, u.id AS unit, s.id AS subject, {time} AS time, sum(n)::BIGINT AS n, sum(sum) AS sum,
    sum(sum) / sum(n) AS mean, min(least) AS least, max(most) AS most, arg_max(last, last_at) AS last,
    sqrt(greatest(sum(sum_squares) / sum(n) - (sum(sum) / sum(n)) ** 2, 0)) AS deviation
FROM {level}_panes p JOIN measure_codes m ON m.code = p.measure JOIN unit_codes u ON u.code = p.unit
LEFT JOIN subject_codes s ON s.code = p.subject GROUP BY ALL
"""
_TIMES = {
    "minute": "make_timestamp(minute::BIGINT * 60000000) + INTERVAL 7 HOUR",
    "hour": "make_timestamp(hour::BIGINT * 3600000000) + INTERVAL 7 HOUR",
    "day": "make_timestamp(day::BIGINT * 86400000000)",
}
_AT = ("received_at", "due_at", "closed_at", "updated_at")


def lab_views(reader: PaneReader, catalog: Catalog) -> duckdb.DuckDBPyConnection:
    lab = duckdb.connect()
    cursor = reader.cursor
    for level, time in _TIMES.items():
        _copy(lab, cursor, f"readings_{level}", _PANES.format(level=level, time=time))
    local = ", ".join(f"{at} + INTERVAL 7 HOUR AS {at}" for at in _AT)
    names = [name for case_type in catalog.vocabulary.case_types.values() for name in case_type.attributes]
    told = ", ".join(
        f"{{'k': '{name}', 'v': json_extract_string(attributes, '$.\"{name}\"')}}" for name in dict.fromkeys(names)
    )
    attributes = f"map_from_entries(list_filter([{told}], e -> e.v IS NOT NULL)) AS attributes"
    columns = f"case_type, case_id, unit, status, channel, service, {local}, {attributes}"
    _copy(lab, cursor, "case_changes", f"SELECT {columns}, applied_at FROM case_changes")
    derived = "deadline_at + INTERVAL 7 HOUR AS deadline_at, pauses"
    _copy(lab, cursor, "cases", f"SELECT {columns}, {derived} FROM cases")
    codes = ", ".join(f"('{code}')" for code in catalog.vocabulary.units)
    lab.execute(f"CREATE TABLE units AS SELECT * FROM (VALUES {codes}) u(code)")
    return lab


def _copy(lab: duckdb.DuckDBPyConnection, cursor: duckdb.DuckDBPyConnection, name: str, query: str) -> None:
    table = cursor.execute(query).to_arrow_table()
    lab.register("given", table)
    lab.execute(f"CREATE TABLE {name} AS SELECT * FROM given")
    lab.unregister("given")
