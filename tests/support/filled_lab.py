"""A store with some of everything that analysts see, filled by SQL: quick, and the same each time."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import duckdb

from ioc.lab.publishing.publish import Publication, publish
from ioc.settings import VIETNAM, Settings
from ioc.store import Store
from ioc.store.snapshot import Snapshot, take

NOW = datetime(2026, 11, 20, 5, 0, tzinfo=UTC)
UNITS = ("46", "19753", "19774")
SECRET = "Nguyễn Văn Bí Mật"
"""Stands wherever analysts must not see it: in dead letters, deliveries, undeclared attributes."""
_DAY = (NOW.date() - datetime(1970, 1, 1, tzinfo=UTC).date()).days


def filled(data_dir: Path, days: int = 90) -> Settings:
    """A data directory with a store of `days` days before NOW; the store is closed."""
    settings = Settings(data_dir=data_dir)
    store = Store.open(settings.store_path, settings.archive_dir, zone=VIETNAM)
    with store.cursor() as cursor:
        fill(cursor, days)
    store.close()
    return settings


def published(data_dir: Path, days: int = 90) -> tuple[Settings, Snapshot, Publication]:
    """As `filled`, with a snapshot and its publication in use."""
    settings = filled(data_dir, days)
    snapshot = snapped(settings, NOW)
    return settings, snapshot, publish(snapshot, settings)


def snapped(settings: Settings, now: datetime) -> Snapshot:
    store = Store.open(settings.store_path, settings.archive_dir, zone=VIETNAM)
    try:
        return take(store, settings.snapshots_dir, now)
    finally:
        store.close()


def fill(cursor: duckdb.DuckDBPyConnection, days: int) -> None:
    measures = ("air.pm25", "lgsp.transactions", "lgsp.failures")
    cursor.execute("BEGIN")
    for table, words in (("measure_codes", measures), ("unit_codes", UNITS), ("subject_codes", ("AQ-01", "AQ-02"))):
        cursor.executemany(f"INSERT INTO {table} VALUES (?, ?)", [[n, word] for n, word in enumerate(words, 1)])
    pane = "(20 + m)::BIGINT AS n, 400.0 + m, 8100.0, 10.0, 30.0, 1000, 12.0, 2000, 28.0"
    keys = "m, u, CASE WHEN m = 1 THEN 1 ELSE 0 END"
    codes = "range(1, 4) t(m), range(1, 4) s(u)"
    cursor.execute(
        f"INSERT INTO kept_day_panes SELECT {keys}, d, {pane} FROM range({_DAY - days}, {_DAY + 1}) r(d), {codes}"
    )
    cursor.execute(
        f"INSERT INTO kept_hour_panes SELECT {keys}, h, {pane} FROM range({(_DAY - days) * 24}, {_DAY * 24 + 5}) r(h), "
        f"{codes}"
    )
    cursor.execute(
        f"INSERT INTO kept_minute_panes SELECT {keys}, h, {pane} "
        f"FROM range({(_DAY - 1) * 1440}, {_DAY * 1440 + 300}) r(h), {codes}"
    )
    _fill_cases(cursor, days)
    since = (NOW - timedelta(days=days)).replace(tzinfo=None)
    cursor.execute(
        "INSERT INTO kpi_values SELECT k, u, $1 + to_hours(h), $1 + to_hours(h), 50 + h % 50, 20, 'live', 'v1' "
        f"FROM range({days * 24}) r(h), (VALUES ('dossier.on_time_rate'), ('dossier.online_share')) k(k), "
        f"(SELECT id FROM unit_codes) u(u)",
        [since],
    )
    cursor.execute(
        "INSERT INTO published_periods SELECT k, u, 'month', m, m + INTERVAL 1 MONTH, 60.5, 40, 'v1', $1 "
        "FROM (SELECT TIMESTAMP '2026-06-30 17:00:00' + to_months(n::INTEGER) AS m FROM range(4) r(n)), "
        "(VALUES ('qd766.total.month'), ('qd766.progress.month'), ('dossier.on_time_rate')) k(k), "
        "(SELECT id FROM unit_codes) u(u)",
        [NOW.replace(tzinfo=None)],
    )
    cursor.execute(
        "INSERT INTO restatements VALUES ('dossier.on_time_rate', '46', 'month', TIMESTAMP '2026-06-30 17:00', "
        "TIMESTAMP '2026-07-31 17:00', $1, $1, 60.0, 60.5, 39, 40, 'v1', 'v1', 'data', 1, '[]')",
        [NOW.replace(tzinfo=None)],
    )
    for number, kind in enumerate(("firing", "resolved"), 1):
        cursor.execute(
            "INSERT INTO alert_transitions VALUES (?, ?, ?, ?, 'a1', 'pm25-high', '19753', ?, 'high', 50, 'v1', '')",
            [number, f"t{number}", kind, NOW.replace(tzinfo=None) + timedelta(hours=number), NOW.replace(tzinfo=None)],
        )
    cursor.execute(
        "INSERT INTO source_counts BY NAME SELECT 'demo-push' AS source, 'ioc.readings.v1' AS topic, 1 AS generation, "
        "1 AS sequence, 100 AS received, 90 AS applied, 7 AS duplicate, 0 AS repeated, 0 AS opened, 0 AS fenced, "
        "0 AS replayed, $1 AS last_input_at",
        [NOW.replace(tzinfo=None)],
    )
    cursor.execute("INSERT INTO source_rejections VALUES ('demo-push', 'ioc.readings.v1', 'not_finite', 3)")
    cursor.execute(
        "INSERT INTO dead_letters BY NAME SELECT 'k' AS key, 'demo-push' AS source, 't' AS topic, 0 AS partition, "
        "1 AS \"offset\", 1 AS \"index\", 'value' AS field, 'not_finite' AS reason, $1 AS message, $2 AS content, "
        '$3 AS "at"',
        [SECRET, SECRET.encode(), NOW.replace(tzinfo=None)],
    )
    cursor.execute(
        "INSERT INTO deliveries VALUES ('d', 'k', 'l', 1, 'r', 'r', 'c', ?, $2, [], [], ?, ?, ?)".replace("?", "$1"),
        [SECRET, NOW.replace(tzinfo=None)],
    )
    cursor.execute("COMMIT")


def _fill_cases(cursor: duckdb.DuckDBPyConnection, days: int) -> None:
    """Three dossiers a unit and day, two thirds of them settled, some late; petitions now and then."""
    secret = SECRET.replace("'", "")
    cursor.execute(
        f"""CREATE OR REPLACE TEMP TABLE made AS
        SELECT 'dossier' AS case_type, u || '-' || d || '-' || n AS case_id, u AS unit,
            CASE WHEN n < 2 THEN 'settled' ELSE 'processing' END AS status,
            CASE WHEN n = 0 THEN 'online' ELSE 'counter' END AS channel, '1.00' || n AS service,
            $1 + to_days(d::INTEGER) + to_hours((n * 3)::INTEGER) AS received_at,
            $1 + to_days(d::INTEGER + 5) AS due_at,
            CASE WHEN n < 2 THEN $1 + to_days(d::INTEGER + 3 + n * 4) END AS closed_at,
            $1 + to_days(d::INTEGER + 3 + n * 4) AS updated_at,
            '{{"level":"full","satisfied":true,"citizen":"{secret}"}}' AS attributes
        FROM range({days}) r(d), range(3) s(n), (SELECT id FROM unit_codes) t(u)
        UNION ALL
        SELECT 'petition', 'P' || d, '19753', 'answered', 'app', NULL, $1 + to_days(d::INTEGER), NULL,
            $1 + to_days(d::INTEGER + 1), $1 + to_days(d::INTEGER + 1), '{{"field":"môi trường","satisfied":false}}'
        FROM range({days}) r(d)""",
        [(NOW - timedelta(days=days)).replace(tzinfo=None)],
    )
    columns = (
        "case_type, case_id, unit, status, channel, service, received_at, due_at, closed_at, updated_at, attributes"
    )
    cursor.execute(f"INSERT INTO cases SELECT {columns}, hash(case_id), due_at, 0, received_at FROM made")
    cursor.execute(
        "INSERT INTO case_changes SELECT * REPLACE ('received' AS status, NULL AS closed_at, "
        "received_at AS updated_at), TIMESTAMP '2026-11-19 00:00' FROM made"
    )
    cursor.execute("INSERT INTO case_changes SELECT *, TIMESTAMP '2026-11-19 01:00' FROM made")
    cursor.execute("DROP TABLE made")
