"""Tables kept day by day: only days whose fingerprint changed since the last publication are rewritten."""

from __future__ import annotations

from dataclasses import dataclass

import duckdb

_ALL_ANEW_FROM = 0.5
_PANES = """
SELECT m.id AS measure, u.id AS unit, s.id AS subject, p.time, p.n, p.sum, p.sum_squares, p.least, p.most, p.first,
    p.last
FROM (SELECT measure, unit, subject, {time} AS time, sum(n)::BIGINT AS n, sum(sum) AS sum,
    sum(sum_squares) AS sum_squares, min(least) AS least, max(most) AS most, arg_min(first, first_at) AS first,
    arg_max(last, last_at) AS last FROM raw.{table} WHERE {where} GROUP BY ALL) p
JOIN raw.measure_codes m ON m.code = p.measure JOIN raw.unit_codes u ON u.code = p.unit
LEFT JOIN raw.subject_codes s ON s.code = p.subject
"""


@dataclass(frozen=True)
class DayTable:
    """How to refresh one table by days.

    `fingerprints` selects (day since 1970, text that changes with the day's rows) of the raw snapshot; `rows`
    selects the rows of days, with `{where}` over `days`; `at` is the column of local time that gives the day.
    """

    name: str
    at: str
    fingerprints: str
    rows: str
    days: str
    order: str


def day_tables(zone_hours: int) -> tuple[DayTable, ...]:
    """Return the tables.

    Panes only add up, so a day's sum of n and of corrections grows with each reading and each correction in it, and
    with nothing else.
    """

    def local(column: str) -> str:
        return f"{column} + INTERVAL {zone_hours} HOUR AS {column}"

    def day_of(column: str) -> str:
        return f"(epoch_ms({column}) // 3600000 + {zone_hours}) // 24"

    hour_of_day = (
        f"(SELECT least((SELECT min((hour + {zone_hours}) // 24) FROM raw.kept_hour_panes), "
        "(SELECT min(day) FROM raw.keyed_readings)))"
    )
    grown = (
        "(SELECT day, n FROM raw.day_panes UNION ALL SELECT day, version - 1 FROM raw.keyed_readings WHERE version > 1)"
    )
    return (
        DayTable(
            "readings_day",
            "time",
            f"SELECT day, sum(n)::VARCHAR FROM {grown} GROUP BY day",
            _PANES.format(time="make_timestamp(day::BIGINT * 86400000000)", table="day_panes", where="{where}"),
            "day",
            "measure, unit, time",
        ),
        DayTable(
            "readings_hour",
            "time",
            f"SELECT day, sum(n)::VARCHAR FROM {grown} WHERE day >= {hour_of_day} GROUP BY day",
            _PANES.format(
                time=f"make_timestamp((hour + {zone_hours})::BIGINT * 3600000000)", table="hour_panes", where="{where}"
            ),
            f"(hour + {zone_hours}) // 24",
            "measure, unit, time",
        ),
        DayTable(
            "kpi_values",
            "evaluated_at",
            f"SELECT {day_of('evaluated_at')} AS day, count(*)::VARCHAR FROM raw.kpi_values GROUP BY day",
            f"SELECT kpi, unit, {local('evaluated_at')}, {local('as_of')}, value, samples, freshness, "
            "definition_version FROM raw.kpi_values WHERE {where}",
            day_of("evaluated_at"),
            "kpi, unit, evaluated_at",
        ),
        DayTable(
            "kpi_periods",
            "period_from",
            f"SELECT {day_of('period_from')} AS day, count(*) || ' ' || sum(epoch_ms(published_at)) "
            "FROM raw.published_periods GROUP BY day",
            f"SELECT kpi, unit, period, {local('period_from')}, {local('period_to')}, value, samples, "
            f"definition_version, {local('published_at')} FROM raw.published_periods WHERE {{where}}",
            day_of("period_from"),
            "kpi, period, unit, period_from",
        ),
        DayTable(
            "restatements",
            "restated_at",
            f"SELECT {day_of('restated_at')} AS day, count(*)::VARCHAR FROM raw.restatements GROUP BY day",
            f"SELECT kpi, unit, period, {local('period_from')}, {local('period_to')}, {local('published_at')}, "
            f"{local('restated_at')}, value_before, value_after, samples_before, samples_after, cause "
            "FROM raw.restatements WHERE {where}",
            day_of("restated_at"),
            "restated_at",
        ),
    )


def refresh(connection: duckdb.DuckDBPyConnection, table: DayTable) -> int:
    """Bring a table up to the raw snapshot; return how many days were written."""
    now = dict(connection.execute(table.fingerprints).fetchall())
    before = dict(connection.execute("SELECT day, fingerprint FROM kept.days WHERE name = ?", [table.name]).fetchall())
    changed = sorted(day for day in now.keys() | before.keys() if now.get(day) != before.get(day))
    is_there = _exists(connection, table.name)
    if is_there and not changed:
        return 0
    if not is_there or len(changed) > _ALL_ANEW_FROM * len(now) + 3:
        rows = table.rows.format(where="true")
        connection.execute(f"CREATE OR REPLACE TABLE kept.{table.name} AS {rows} ORDER BY {table.order}")
    else:
        listed = ", ".join(map(str, changed))
        first, end = changed[0] * 86_400_000, (changed[-1] + 1) * 86_400_000
        connection.execute(
            f"DELETE FROM kept.{table.name} WHERE {table.at} >= make_timestamp_ms({first}) "
            f"AND {table.at} < make_timestamp_ms({end}) AND epoch_ms({table.at}) // 86400000 IN ({listed})"
        )
        # Consecutive days become one range, by which row groups can be skipped.
        where = (
            f"{table.days} BETWEEN {changed[0]} AND {changed[-1]}"
            if changed[-1] - changed[0] + 1 == len(changed)
            else f"{table.days} IN ({listed})"
        )
        rows = table.rows.format(where=where)
        connection.execute(f"INSERT INTO kept.{table.name} {rows} ORDER BY {table.order}")
    connection.execute("DELETE FROM kept.days WHERE name = ?", [table.name])
    connection.execute(f"INSERT INTO kept.days SELECT '{table.name}', * FROM ({table.fingerprints})")
    return len(changed)


def _exists(connection: duckdb.DuckDBPyConnection, name: str) -> bool:
    found = connection.execute(
        "SELECT count(*) FROM duckdb_tables() WHERE database_name = current_database() AND schema_name = 'kept' "
        "AND table_name = ?",
        [name],
    )
    return bool(found.fetchall()[0][0])
