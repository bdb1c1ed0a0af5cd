"""Store dead letters, each once; delete old ones; read those to be replayed."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import astuple, fields, replace
from datetime import UTC, datetime, timedelta

import duckdb
import pyarrow as pa

from ioc.store.times import naive
from ioc.wire.dead_letters import DeadLetter
from ioc.wire.replays import RefusedRecord

KEPT_FOR = timedelta(days=30)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MAX_BYTES = 256 * 1024 * 1024
_SCHEMA = pa.schema([
    ("key", pa.string()), ("source", pa.string()), ("topic", pa.string()), ("partition", pa.int32()),
    ("offset", pa.int64()), ("index", pa.int64()), ("field", pa.string()), ("reason", pa.string()),
    ("message", pa.string()), ("content", pa.binary()), ("cut_from", pa.int64()), ("at", pa.timestamp("us")),
    ("records", pa.int64()), ("place", pa.string()),
])  # fmt: skip


def append_dead_letters(cursor: duckdb.DuckDBPyConnection, letters: Sequence[DeadLetter]) -> None:
    """Insert new dead letters, in the running transaction; an agent may publish one again after a crash."""
    if not letters:
        return
    once = list({letter.key: letter for letter in letters}.values())
    columns = zip(*(astuple(replace(letter, at=naive(letter.at))) for letter in once), strict=True)
    arrays = [pa.array(column, field.type) for column, field in zip(columns, _SCHEMA, strict=True)]
    cursor.register("arrived_letters", pa.Table.from_arrays(arrays, schema=_SCHEMA))
    try:
        names = ", ".join(f'"{field.name}"' for field in fields(DeadLetter))
        fresh = 'arrived_letters ANTI JOIN dead_letters USING ("key")'
        cursor.execute(f"INSERT INTO dead_letters ({names}) SELECT {names} FROM {fresh}")
    finally:
        cursor.unregister("arrived_letters")


def expire_dead_letters(cursor: duckdb.DuckDBPyConnection, now: datetime, max_bytes: int = MAX_BYTES) -> None:
    """Delete dead letters older than 30 days, and the oldest beyond `max_bytes` of content.

    In the running transaction.
    """
    cursor.execute('DELETE FROM dead_letters WHERE "at" < ?', [naive(now - KEPT_FOR)])
    held = cursor.execute("SELECT coalesce(sum(octet_length(content)), 0) FROM dead_letters").fetchall()[0][0]
    if held > max_bytes:
        cursor.execute(
            """
            DELETE FROM dead_letters WHERE "key" IN (
                SELECT "key" FROM dead_letters
                QUALIFY sum(octet_length(content)) OVER (ORDER BY "at" DESC, "key" DESC) > ?)""",
            [max_bytes],
        )


def read_refused(
    cursor: duckdb.DuckDBPyConnection,
    source: str,
    since: datetime | None,
    but: Collection[str],
    most: int,
    max_bytes: int,
) -> list[RefusedRecord]:
    """Return the oldest dead letters of a source that were not replayed, from `since` on and without the keys `but`.

    At most `most` are returned, and at most one more than `max_bytes` of content hold.
    """
    cursor.register("keys_left_out", pa.table({"key": pa.array(list(but), pa.string())}))
    try:
        rows = cursor.execute(
            """
            SELECT "key", "index", content, coalesce(place, ''), cut_from IS NOT NULL, records FROM (
                SELECT *, sum(octet_length(content)) OVER (ORDER BY "at", "key") - octet_length(content) AS before
                FROM dead_letters ANTI JOIN keys_left_out USING ("key")
                WHERE source = ? AND replayed_at IS NULL AND "at" >= ?)
            WHERE before <= ? ORDER BY "at", "key" LIMIT ?""",
            [source, naive(since) if since else naive(_EPOCH), max_bytes, most],
        ).fetchall()
    finally:
        cursor.unregister("keys_left_out")
    return [RefusedRecord(*row) for row in rows]


def mark_replayed(cursor: duckdb.DuckDBPyConnection, keys: Sequence[str], by: str, at: datetime) -> None:
    """Record who had these dead letters read again, and when, in the running transaction."""
    if keys:
        cursor.register("replayed_keys", pa.table({"key": list(keys)}))
        cursor.execute(
            "UPDATE dead_letters SET replayed_at = ?, replayed_by = ? "
            'WHERE replayed_at IS NULL AND "key" IN (SELECT "key" FROM replayed_keys)',
            [naive(at), by],
        )
        cursor.unregister("replayed_keys")
