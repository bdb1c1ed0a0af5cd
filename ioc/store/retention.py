"""Retention: minutes 30 days (after two days in the archive only), hours 400 days, days for ever."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import duckdb

from ioc.panes.schema import STORED
from ioc.store.alerting import expire_alerting
from ioc.store.archive import archive_slice, expire_days, join_files
from ioc.store.dead_letters import expire_dead_letters
from ioc.store.store import Store, transaction
from ioc.store.times import naive

MINUTES_IN_TABLE_DAYS = 2
"""Whole past days of minutes that stay in the table, so that a window of two days never reads the archive."""
MINUTES_DAYS = 30
HOURS_DAYS = 400
VALUES_BY_MINUTE = timedelta(days=30)


def today(now: datetime, zone_hours: int) -> int:
    """Return the current day of the zone, in days since 1970."""
    return ((now.astimezone(UTC) + timedelta(hours=zone_hours)).date() - date(1970, 1, 1)).days


def oldest_minute(now: datetime, zone_hours: int) -> int:
    """Return the first minute (since 1970 UTC) that is still kept as a minute."""
    return ((today(now, zone_hours) - MINUTES_DAYS) * 24 - zone_hours) * 60


def retain_step(store: Store, cursor: duckdb.DuckDBPyConnection, now: datetime) -> bool:
    """Do one step of archiving; return False when there is none left. Raises StoreUnavailable."""
    return archive_slice(store, cursor, today(now, store.zone_hours) - MINUTES_IN_TABLE_DAYS) or join_files(
        store, cursor
    )


def expire(store: Store, cursor: duckdb.DuckDBPyConnection, now: datetime) -> None:
    """Delete what is past its retention. Raises StoreUnavailable."""
    expire_days(store, cursor, today(now, store.zone_hours) - MINUTES_DAYS)
    oldest_hour = (today(now, store.zone_hours) - HOURS_DAYS) * 24 - store.zone_hours
    with transaction(cursor, store.path):
        cursor.execute(
            "INSERT INTO retired SELECT 'hour', (hour + ?) // 24 AS day, sum(n) FROM kept_hour_panes WHERE hour < ? "
            "GROUP BY day",
            [store.zone_hours, oldest_hour],
        )
        for shape in STORED:
            cursor.execute(f"DELETE FROM kept_hour_{shape.table} WHERE hour < ?", [oldest_hour])
    with transaction(cursor, store.path):
        expire_dead_letters(cursor, now)
    with transaction(cursor, store.path):
        expire_alerting(cursor, now)
    with transaction(cursor, store.path):
        _thin_values(cursor, now - VALUES_BY_MINUTE)


def _thin_values(cursor: duckdb.DuckDBPyConnection, before: datetime) -> None:
    """Keep only the last value of each hour of values older than `before`."""
    cursor.execute(
        """
        DELETE FROM kpi_values WHERE rowid IN (
            SELECT rowid FROM kpi_values WHERE evaluated_at < ?
            QUALIFY row_number() OVER (
                PARTITION BY kpi, unit, date_trunc('hour', evaluated_at) ORDER BY evaluated_at DESC, rowid DESC)
            > 1)""",
        [naive(before)],
    )
