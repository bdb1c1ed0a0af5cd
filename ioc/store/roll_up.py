"""Roll up: move the recent rows, merged, to the tables of minutes, hours and days."""

from __future__ import annotations

import duckdb

from ioc.errors import StoreUnavailable
from ioc.messages import Message
from ioc.panes.merge import merge_rows
from ioc.panes.roll_up import hours_to_days, minutes_to_hours
from ioc.panes.schema import STORED, Columns, RowShape
from ioc.store import rows

MAX_ROWS = 200_000
"""Rows per step: it takes about this many µs and some ten MB."""


def recent_rows(cursor: duckdb.DuckDBPyConnection) -> int:
    """Return how many rows wait to be rolled up."""
    total = " + ".join(f"(SELECT count(*) FROM recent_{shape.table})" for shape in STORED)
    return int(cursor.execute(f"SELECT {total}").fetchall()[0][0])


def roll_up(
    cursor: duckdb.DuckDBPyConnection, zone_hours: int, oldest_minute: int, max_rows: int = MAX_ROWS
) -> dict[tuple[str, str], list[int]]:
    """Roll up one step of each kind, oldest rows first, in the running transaction; return the changed times.

    They are by (level, table). Minutes before `oldest_minute` are past their retention: they are kept as hours and days
    only, and recorded as retired. Rows that the historian appends in the meantime are not seen by this transaction and
    stay.
    """
    touched: dict[tuple[str, str], list[int]] = {}
    for shape in STORED:
        table = f"recent_{shape.table}"
        until = _until(cursor, table, max_rows)
        if until is None:
            continue
        found = rows.fetch(cursor, table, "minute", shape, "minute <= ?", [until])
        deleted = cursor.execute(f"DELETE FROM {table} WHERE minute <= ?", [until]).fetchall()[0][0]
        if deleted != rows.count(found):
            raise StoreUnavailable(Message("roll_up_counts", count=rows.count(found), table=table, deleted=deleted))
        minutes = merge_rows(found, shape)
        hours = merge_rows(minutes_to_hours(minutes), shape)
        days = merge_rows(hours_to_days(hours, zone_hours), shape)
        minutes = _still_kept(cursor, shape, minutes, oldest_minute, zone_hours)
        for level, columns in (("minute", minutes), ("hour", hours), ("day", days)):
            if rows.count(columns):
                rows.insert(cursor, f"kept_{level}_{shape.table}", level, columns)
                touched[level, shape.table] = columns["time"].tolist()
    return touched


def _until(cursor: duckdb.DuckDBPyConnection, table: str, max_rows: int) -> int | None:
    """Return the minute up to which there are about `max_rows` rows; None for an empty table.

    By the rows' own minute and not by `rowid`: a checkpoint of another connection drops row groups that are deleted as
    a whole and renumbers the rest, also between two statements of this transaction (DuckDB 1.5.5).
    """
    count, last = cursor.execute(f"SELECT count(*), max(minute) FROM {table}").fetchall()[0]
    if count <= max_rows:
        return None if last is None else int(last)
    share = max_rows / count
    return int(cursor.execute(f"SELECT quantile_disc(minute, ?) FROM {table}", [share]).fetchall()[0][0])


def _still_kept(
    cursor: duckdb.DuckDBPyConnection, shape: RowShape, minutes: Columns, oldest_minute: int, zone_hours: int
) -> Columns:
    late = minutes["time"] < oldest_minute
    if not late.any():
        return minutes
    if shape.table == "panes":
        days = (minutes["time"][late] // 60 + zone_hours) // 24
        for day in sorted(set(days.tolist())):
            n = int(minutes["n"][late][days == day].sum())
            cursor.execute("INSERT INTO retired VALUES ('minute', ?, ?)", [day, n])
    return {name: values[~late] for name, values in minutes.items()}
