"""Dead letters: messages of `ioc.dead-letters.v1` as rows, each stored once."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import astuple, dataclass, fields
from datetime import datetime, timedelta

import duckdb
import pyarrow as pa

from ioc.errors import BatchMalformed
from ioc.store.cases import naive

KEPT_FOR = timedelta(days=30)
MOST_BYTES = 256 * 1024 * 1024
_SCHEMA = pa.schema([
    ("key", pa.string()), ("source", pa.string()), ("topic", pa.string()), ("partition", pa.int32()),
    ("offset", pa.int64()), ("index", pa.int64()), ("field", pa.string()), ("reason", pa.string()),
    ("message", pa.string()), ("content", pa.binary()), ("cut_from", pa.int64()), ("at", pa.timestamp("us")),
])  # fmt: skip


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """One unfit record. `key` is {topic}:{partition}:{offset}:{index}; `at` is when the broker took it (naive UTC);
    `cut_from` is the size in bytes of a record of which `content` holds only the beginning."""

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

    @classmethod
    def decode(cls, key: bytes | None, value: bytes | None, headers: Iterable[tuple[str, bytes]]) -> DeadLetter:
        """Raises BatchMalformed: only our agents write that topic."""
        found = {name: content.decode(errors="replace") for name, content in headers}
        try:
            return cls(
                key=(key or b"").decode(),
                source=found["ioc-source"],
                topic=found["source-topic"],
                partition=int(found["source-partition"]),
                offset=int(found["source-offset"]),
                index=int(found["ioc-index"]),
                field=found["ioc-field"],
                reason=found["ioc-reason"],
                message=found["ioc-message"],
                content=value or b"",
                cut_from=int(found["ioc-cut"]) if "ioc-cut" in found else None,
                at=naive(datetime.fromisoformat(found["ioc-time"])),
            )
        except (KeyError, ValueError) as fault:
            raise BatchMalformed(f"The dead letter has no readable header {fault}.") from fault


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
