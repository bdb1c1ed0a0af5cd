"""From what a source hands over to Kafka messages: merge, number the refusals, cut to size. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import orjson
import pyarrow as pa

from connectors.known_keys import NO_ROWS, KeyRows
from connectors.record_keys import Keys
from ioc import topics
from ioc.model.rejection import Rejection, count_records
from ioc.wire import arrow
from ioc.wire.schemas import CASES, READINGS

MESSAGE_ROWS_BYTES = 4 * 1024 * 1024
"""Rows of one message before compression; half of what the broker takes."""
_OVERHEAD_BYTES = 64 * 1024
MESSAGE_REJECTIONS_BYTES = 2 * 1024 * 1024
REJECTION_BYTES = 1024 * 1024
"""Of a larger unfit record only the beginning is kept."""

SCHEMAS = {topics.READINGS: READINGS, topics.CASES: CASES}


@dataclass(frozen=True)
class Intake:
    """What a source hands over at once; it comes to be in the log whole, or not at all.

    `duplicate` counts records the connector itself knew as repeated; `position` is the source's place behind all of
    it (any JSON value, None for none); `requests` are answers by idempotency key. `index` of the rejections counts
    from the beginning of this intake, and so do `reading_places`, the indices of the readings where they are known.
    `row_keys` are to be remembered once the intake is in the log (connectors/row_keys.py).
    """

    readings: pa.RecordBatch | None = None
    cases: pa.RecordBatch | None = None
    rejections: Sequence[Rejection] = ()
    duplicate: int = 0
    position: Any = None
    requests: Mapping[str, Any] = field(default_factory=dict)
    reading_places: Sequence[int] = ()
    row_keys: Keys = field(default_factory=lambda: np.empty(0, np.uint64))

    def batch(self, topic: str) -> pa.RecordBatch | None:
        return self.readings if topic == topics.READINGS else self.cases

    def with_batch(self, topic: str, batch: pa.RecordBatch) -> Intake:
        return replace(self, readings=batch) if topic == topics.READINGS else replace(self, cases=batch)

    @property
    def topic_of_refused(self) -> str:
        """Where the counts and refusals travel."""
        return topics.CASES if self.cases is not None and self.readings is None else topics.READINGS

    @property
    def size_bytes(self) -> int:
        rows: int = sum(batch.nbytes for batch in (self.readings, self.cases) if batch is not None)
        return rows + sum(min(len(r.content), REJECTION_BYTES) * 4 // 3 + 200 for r in self.rejections)

    @property
    def records(self) -> int:
        rows: int = sum(batch.num_rows for batch in (self.readings, self.cases) if batch is not None)
        return rows + count_records(self.rejections) + self.duplicate


@dataclass
class Pending:
    """An intake under way. `duplicates` by topic were dropped by their keys; `safe` resolves when the broker or the
    disk has it all. `keys` are those of its records, and its row keys."""

    intake: Intake
    duplicates: Mapping[str, int]
    safe: Future[None]
    keys: KeyRows = NO_ROWS


@dataclass(frozen=True)
class Message:
    """A message before it has a place in the log. Several messages of one flush form a group: `ends_group` is false
    for all but the last, which has the `keys` of them all."""

    topic: str
    value: bytes
    received: int
    duplicate: int
    rejected: int
    position: Any
    requests: Mapping[str, Any]
    ends_group: bool = True
    keys: KeyRows = NO_ROWS


def seal(pending: Sequence[Pending], position: Any, limits: Mapping[str, int] | None = None) -> list[Message]:
    """The messages of one flush, in order; `position` is the source's place behind all of it.

    `limits` are the bytes of the largest batch that each topic takes, which every message keeps to.
    """
    messages: list[Message] = []
    requests = {key: answer for p in pending for key, answer in p.intake.requests.items()}
    row_keys = b"".join(p.intake.row_keys.tobytes() for p in pending)
    keys = KeyRows.joined([p.keys for p in pending])
    heads = len(orjson.dumps([requests, position], default=str))
    for topic, schema in SCHEMAS.items():
        room = _room((limits or {}).get(topic, topics.LARGEST_BATCH_BYTES), heads)
        rows = [batch for p in pending if (batch := p.intake.batch(topic)) is not None and batch.num_rows]
        refused = _numbered([p.intake for p in pending if p.intake.topic_of_refused == topic], room)
        duplicate = sum(p.duplicates.get(topic, 0) for p in pending)
        duplicate += sum(p.intake.duplicate for p in pending if p.intake.topic_of_refused == topic)
        for whole, rejections in _cut(rows, refused, schema, room, counts_alone=duplicate > 0):
            keys_here, row_keys = row_keys[: _keys_bytes(room)], row_keys[_keys_bytes(room) :]
            for batch, refusals, value in _fitting(whole, rejections, keys_here, room):
                rejected = count_records(refusals)
                received = batch.num_rows + rejected + duplicate
                messages.append(Message(topic, value, received, duplicate, rejected, position, requests))
                requests, duplicate = {}, 0
    room = _room((limits or {}).get(topics.READINGS, topics.LARGEST_BATCH_BYTES), heads)
    while row_keys or (requests and not messages):
        empty = arrow.encode(empty_batch(topics.READINGS), (), row_keys[: _keys_bytes(room)])
        row_keys = row_keys[_keys_bytes(room) :]
        messages.append(Message(topics.READINGS, empty, 0, 0, 0, position, requests))
        requests = {}
    if messages:
        messages[-1] = replace(messages[-1], keys=keys)
    return [replace(message, ends_group=message is messages[-1]) for message in messages]


def _room(limit_bytes: int, heads_bytes: int) -> int:
    """Bytes of a message's value, when its headers and its place in a batch take the rest."""
    return max(limit_bytes - _OVERHEAD_BYTES - heads_bytes, limit_bytes // 4)


def _keys_bytes(room: int) -> int:
    return max(8, room // 8 // 8 * 8)


def _fitting(
    batch: pa.RecordBatch, rejections: list[Rejection], row_keys: bytes, room: int
) -> Iterator[tuple[pa.RecordBatch, list[Rejection], bytes]]:
    """The batch with its encoded value, halved until each part fits; the rejections and keys go with the first."""
    value = arrow.encode(batch, rejections, row_keys)
    if len(value) <= room or batch.num_rows < 2:
        yield batch, rejections, value
        return
    half = batch.num_rows // 2
    yield from _fitting(_part(batch, 0, half), rejections, row_keys, room)
    yield from _fitting(_part(batch, half, batch.num_rows - half), [], b"", room)


def _part(batch: pa.RecordBatch, start: int, rows: int) -> pa.RecordBatch:
    """Some rows, with only the words that they use: a slice would carry the dictionaries of the whole."""
    columns = [
        column.cast(column.type.value_type).dictionary_encode().cast(column.type)
        if pa.types.is_dictionary(column.type)
        else column
        for column in batch.slice(start, rows).columns
    ]
    return pa.RecordBatch.from_arrays(columns, schema=batch.schema)


def empty_batch(topic: str) -> pa.RecordBatch:
    return pa.RecordBatch.from_pylist([], schema=SCHEMAS[topic])


def _numbered(intakes: Sequence[Intake], room: int) -> list[Rejection]:
    """Refusals of several intakes with indices that differ: each intake's count on from the one before."""
    numbered: list[Rejection] = []
    base = 0
    for intake in intakes:
        numbered += [
            replace(r, index=base + r.index, content=r.content[: min(REJECTION_BYTES, room // 4)])
            for r in intake.rejections
        ]
        base += max([intake.records, *(r.index + r.records for r in intake.rejections)])
    return numbered


def _cut(
    rows: list[pa.RecordBatch], rejections: list[Rejection], schema: pa.Schema, room: int, *, counts_alone: bool
) -> Iterator[tuple[pa.RecordBatch, list[Rejection]]]:
    empty = pa.RecordBatch.from_pylist([], schema=schema)
    slices = list(_row_slices(_merged(rows), min(MESSAGE_ROWS_BYTES, room // 2))) if rows else []
    chunks = list(_rejection_chunks(rejections, min(MESSAGE_REJECTIONS_BYTES, room // 3)))
    if not slices and not chunks and counts_alone:
        yield empty, []
    for i in range(max(len(slices), len(chunks))):
        yield slices[i] if i < len(slices) else empty, chunks[i] if i < len(chunks) else []


def _merged(batches: list[pa.RecordBatch]) -> pa.RecordBatch:
    if len(batches) == 1:
        return batches[0]
    return pa.Table.from_batches(batches).unify_dictionaries().combine_chunks().to_batches()[0]


def _row_slices(batch: pa.RecordBatch, size_bytes: int) -> Iterator[pa.RecordBatch]:
    parts = -(-batch.nbytes // size_bytes)
    step = -(-batch.num_rows // parts)
    for start in range(0, batch.num_rows, step):
        yield batch if parts == 1 else _part(batch, start, min(step, batch.num_rows - start))


def _rejection_chunks(rejections: list[Rejection], size_bytes: int) -> Iterator[list[Rejection]]:
    chunk: list[Rejection] = []
    size = 0
    for rejection in rejections:
        own = len(rejection.content) * 4 // 3 + len(rejection.message) + 100
        if chunk and size + own > size_bytes:
            yield chunk
            chunk, size = [], 0
        chunk.append(rejection)
        size += own
    if chunk:
        yield chunk
