"""Dead letters: messages of `ioc.dead-letters.v1` as rows, each stored once."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import astuple, dataclass, fields
from datetime import UTC, datetime, timedelta

import duckdb
import pyarrow as pa

from ioc.errors import BatchMalformed
from ioc.model.rejection import Reason
from ioc.store.times import naive
from ioc.wire.headers import MAX_COUNT, MAX_OFFSET, MAX_PARTITION, bounded, source_name
from ioc.wire.record_batches import UndecodableBatch
from ioc.wire.replays import RefusedRecord

KEPT_FOR = timedelta(days=30)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MOST_BYTES = 256 * 1024 * 1024
MAX_CONTENT_BYTES = 1_000_000
_MAX_TEXT = 1000
_SCHEMA = pa.schema([
    ("key", pa.string()), ("source", pa.string()), ("topic", pa.string()), ("partition", pa.int32()),
    ("offset", pa.int64()), ("index", pa.int64()), ("field", pa.string()), ("reason", pa.string()),
    ("message", pa.string()), ("content", pa.binary()), ("cut_from", pa.int64()), ("at", pa.timestamp("us")),
    ("records", pa.int64()), ("place", pa.string()),
])  # fmt: skip


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """One unfit record. `key` is {topic}:{partition}:{offset}:{index}; `at` is when the broker took it (naive UTC);
    `cut_from` is the size in bytes of a record of which `content` holds only the beginning. With `records` above 1 it
    stands for that many, one a line. `place` is what a replay needs besides the content."""

    key: str
    source: str
    topic: str
    partition: int
    offset: int
    index: int
    field: str
    reason: str
    message: str
    content: bytes
    cut_from: int | None
    at: datetime
    records: int = 1
    place: str | None = None

    @classmethod
    def decode(cls, key: bytes | None, value: bytes | None, headers: Iterable[tuple[str, bytes]]) -> DeadLetter:
        """Decode a message. Raises BatchMalformed for what is not a dead letter, or has a number or time that no column
        holds: only our agents write that topic, but anybody may try."""
        if isinstance(value, UndecodableBatch):
            raise BatchMalformed(value.fault)
        found = {name: content or b"" for name, content in headers}
        try:
            return cls(
                key=_text(key or b""),
                source=source_name(found["ioc-source"]),
                topic=_text(found["source-topic"]),
                partition=bounded(found["source-partition"], 0, MAX_PARTITION),
                offset=bounded(found["source-offset"], 0, MAX_OFFSET),
                index=bounded(found["ioc-index"], -1, 2 * MAX_COUNT),
                field=_text(found["ioc-field"]),
                reason=Reason(found["ioc-reason"].decode()),
                message=_text(found["ioc-message"]),
                content=(value or b"")[:MAX_CONTENT_BYTES],
                cut_from=_cut(found.get("ioc-cut"), value or b""),
                at=_moment(found["ioc-time"].decode()),
                records=bounded(found.get("ioc-records", b"1"), 1, MAX_COUNT),
                place=_place(found.get("ioc-place")),
            )
        except (KeyError, ValueError, OverflowError) as fault:
            raise BatchMalformed(f"A header of the dead letter cannot be read: {fault}.") from fault

    @classmethod
    def of_message(
        cls, place: tuple[str, int, int], source: str, reason: Reason, message: str, value: bytes, at: datetime
    ) -> DeadLetter:
        """A whole message of (topic, partition, offset) that is set aside at the moment `at`."""
        topic, partition, offset = place
        cut_from = len(value) if len(value) > MAX_CONTENT_BYTES else None
        key = f"{topic}:{partition}:{offset}:-1"
        content = bytes(value[:MAX_CONTENT_BYTES])
        return cls(
            key, source, topic, partition, offset, -1, "", reason, message[:_MAX_TEXT], content, cut_from, naive(at)
        )


def _text(content: bytes) -> str:
    text = content.decode(errors="replace")
    if len(text) > _MAX_TEXT:
        raise ValueError(f"of at most {_MAX_TEXT} characters: {text[:40]!r}…")
    return text


def _place(header: bytes | None) -> str | None:
    return header.decode() if header is not None and len(header) <= MAX_CONTENT_BYTES else None


def _cut(header: bytes | None, value: bytes) -> int | None:
    if header is not None:
        return bounded(header, 0, MAX_OFFSET)
    return len(value) if len(value) > MAX_CONTENT_BYTES else None


def _moment(text: str) -> datetime:
    at = naive(datetime.fromisoformat(text))
    if not 1970 <= at.year <= 9998:
        raise ValueError(f"ioc-time: {text[:40]} is out of the calendar")
    return at


def append_dead_letters(cursor: duckdb.DuckDBPyConnection, letters: Sequence[DeadLetter]) -> None:
    """Insert what is not there yet, in the running transaction; an agent may publish one again after a crash."""
    if not letters:
        return
    once = list({letter.key: letter for letter in letters}.values())
    columns = zip(*(astuple(letter) for letter in once), strict=True)
    arrays = [pa.array(column, field.type) for column, field in zip(columns, _SCHEMA, strict=True)]
    cursor.register("arrived_letters", pa.Table.from_arrays(arrays, schema=_SCHEMA))
    try:
        names = ", ".join(f'"{field.name}"' for field in fields(DeadLetter))
        fresh = 'arrived_letters ANTI JOIN dead_letters USING ("key")'
        cursor.execute(f"INSERT INTO dead_letters ({names}) SELECT {names} FROM {fresh}")
    finally:
        cursor.unregister("arrived_letters")


def expire_dead_letters(cursor: duckdb.DuckDBPyConnection, now: datetime, most_bytes: int = MOST_BYTES) -> None:
    """Delete what is older than 30 days, and the oldest beyond `most_bytes` of content, in the running transaction."""
    cursor.execute('DELETE FROM dead_letters WHERE "at" < ?', [naive(now - KEPT_FOR)])
    held = cursor.execute("SELECT coalesce(sum(octet_length(content)), 0) FROM dead_letters").fetchall()[0][0]
    if held > most_bytes:
        cursor.execute(
            """
            DELETE FROM dead_letters WHERE "key" IN (
                SELECT "key" FROM dead_letters
                QUALIFY sum(octet_length(content)) OVER (ORDER BY "at" DESC, "key" DESC) > ?)""",
            [most_bytes],
        )


def read_refused(
    cursor: duckdb.DuckDBPyConnection,
    source: str,
    since: datetime | None,
    but: Collection[str],
    most: int,
    most_bytes: int,
) -> list[RefusedRecord]:
    """The oldest dead letters of a source that were not replayed, from `since` on and without those of the keys `but`:
    at most `most`, and one more than `most_bytes` of content hold."""
    cursor.register("keys_left_out", pa.table({"key": pa.array(list(but), pa.string())}))
    try:
        rows = cursor.execute(
            """
            SELECT "key", "index", content, coalesce(place, ''), cut_from IS NOT NULL, records FROM (
                SELECT *, sum(octet_length(content)) OVER (ORDER BY "at", "key") - octet_length(content) AS before
                FROM dead_letters ANTI JOIN keys_left_out USING ("key")
                WHERE source = ? AND replayed_at IS NULL AND "at" >= ?)
            WHERE before <= ? ORDER BY "at", "key" LIMIT ?""",
            [source, naive(since) if since else naive(_EPOCH), most_bytes, most],
        ).fetchall()
    finally:
        cursor.unregister("keys_left_out")
    return [RefusedRecord(*row) for row in rows]


def mark_replayed(cursor: duckdb.DuckDBPyConnection, keys: Sequence[str], by: str, at: datetime) -> None:
    """Note who had these dead letters read again, and when, in the running transaction."""
    if keys:
        cursor.register("replayed_keys", pa.table({"key": list(keys)}))
        cursor.execute(
            "UPDATE dead_letters SET replayed_at = ?, replayed_by = ? "
            'WHERE replayed_at IS NULL AND "key" IN (SELECT "key" FROM replayed_keys)',
            [naive(at), by],
        )
        cursor.unregister("replayed_keys")
