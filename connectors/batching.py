"""Build Kafka messages from what sources hand over: merge, number the refusals, cut to size. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

import numpy as np
import orjson
import pyarrow as pa
import pyarrow.compute as pc

from connectors.known_keys import NO_ROWS, KeyRows, Keys
from ioc import topics
from ioc.model.case import Case
from ioc.model.rejection import Rejection, count_records
from ioc.wire import arrow
from ioc.wire.schemas import CASES, READINGS, cases_batch

MAX_ROWS_BYTES = 4 * 1024 * 1024
"""Rows of one message before compression; half of what the broker takes."""
MAX_REJECTIONS_BYTES = 2 * 1024 * 1024
MAX_REJECTION_BYTES = 1024 * 1024
"""Of a larger unfit record only the beginning is kept."""
_OVERHEAD_BYTES = 64 * 1024

SCHEMAS = {topics.READINGS: READINGS, topics.CASES: CASES}


@dataclass(frozen=True)
class Intake:
    """What a source hands over at once: all of it comes to be in the log, or nothing.

    `readings` and `cases` have the schemas READINGS and CASES of `ioc.wire.schemas`. `duplicate` counts records that
    the connector itself recognised as repeated. `position` is the source's position after the intake (any JSON value,
    None for none). `requests` are answers by idempotency key. The indices of the rejections count from the beginning
    of this intake, and so do `reading_indices`, the indices of the readings where they are known. `row_keys` are to be
    remembered once the intake is in the log (connectors/row_keys.py).
    """

    readings: pa.RecordBatch | None = None
    cases: pa.RecordBatch | None = None
    rejections: Sequence[Rejection] = ()
    duplicate: int = 0
    position: Any = None
    requests: Mapping[str, Any] = field(default_factory=dict)
    reading_indices: Sequence[int] = ()
    row_keys: Keys = field(default_factory=lambda: np.empty(0, np.uint64))

    def batch(self, topic: str) -> pa.RecordBatch | None:
        """Return the rows that go to a topic."""
        return self.readings if topic == topics.READINGS else self.cases

    def with_batch(self, topic: str, batch: pa.RecordBatch) -> Intake:
        """Return the intake with other rows for a topic."""
        return replace(self, readings=batch) if topic == topics.READINGS else replace(self, cases=batch)

    @property
    def topic_of_rejections(self) -> str:
        """The topic that the counts and rejections go to."""
        return topics.CASES if self.cases is not None and self.readings is None else topics.READINGS

    @property
    def size_bytes(self) -> int:
        """About how much memory the intake takes."""
        rows: int = sum(batch.nbytes for batch in (self.readings, self.cases) if batch is not None)
        return rows + sum(min(len(r.content), MAX_REJECTION_BYTES) * 4 // 3 + 200 for r in self.rejections)

    @property
    def records(self) -> int:
        """The number of records: rows, rejected ones and duplicates."""
        rows: int = sum(batch.num_rows for batch in (self.readings, self.cases) if batch is not None)
        return rows + count_records(self.rejections) + self.duplicate


@dataclass(frozen=True)
class IntakeResult:
    """What became of an intake: numbers of rows accepted, of known ones dropped, and of records rejected.

    `safe` resolves once all of it is acknowledged by the broker, or on disk while the broker is away. It fails with
    SpoolFull when neither was possible; then nothing of the intake was kept. `answer` is what the sender's `answer`
    function returned.
    """

    accepted: int
    duplicate: int
    safe: Future[None]
    answer: Any = None
    rejected: int = 0


@dataclass(frozen=True)
class WriterCounts:
    """Numbers of records since the writer was made.

    `delivered`: records that the broker has acknowledged since `generation` began. `buffered`: records that it has not
    acknowledged. `newest`: the newest event time.
    """

    received: int = 0
    rejected: int = 0
    duplicate: int = 0
    buffered: int = 0
    newest: datetime | None = None
    generation: int = 0
    delivered: int = 0


@dataclass
class PendingIntake:
    """An intake that is not safe yet.

    `duplicates` counts by topic the records dropped because their keys are known. `safe` resolves when the broker or
    the disk has everything. `keys` are those of its records, and its row keys.
    """

    intake: Intake
    duplicates: Mapping[str, int]
    safe: Future[None]
    keys: KeyRows = NO_ROWS


@dataclass(frozen=True)
class OutgoingMessage:
    """A message before it has an offset in the log.

    Several messages of one flush form a group: `ends_group` is false for all but the last, which has the `keys` of
    them all.
    """

    topic: str
    value: bytes
    received: int
    duplicate: int
    rejected: int
    position: Any
    requests: Mapping[str, Any]
    ends_group: bool = True
    keys: KeyRows = NO_ROWS


def build_messages(
    pending: Sequence[PendingIntake], position: Any, limits: Mapping[str, int] | None = None
) -> list[OutgoingMessage]:
    """Return the messages of one flush, in order; `position` is the source's position after all of it.

    `limits` are the bytes of the largest batch that each topic takes; every message keeps to them.
    """
    messages: list[OutgoingMessage] = []
    requests = {key: answer for p in pending for key, answer in p.intake.requests.items()}
    row_keys = b"".join(p.intake.row_keys.tobytes() for p in pending)
    keys = KeyRows.joined([p.keys for p in pending])
    header_bytes = len(orjson.dumps([requests, position], default=str))
    for topic, schema in SCHEMAS.items():
        room = _room((limits or {}).get(topic, topics.MAX_BATCH_BYTES), header_bytes)
        rows = [batch for p in pending if (batch := p.intake.batch(topic)) is not None and batch.num_rows]
        rejected_here = _numbered([p.intake for p in pending if p.intake.topic_of_rejections == topic], room)
        duplicate = sum(p.duplicates.get(topic, 0) for p in pending)
        duplicate += sum(p.intake.duplicate for p in pending if p.intake.topic_of_rejections == topic)
        for whole, rejections in _cut(rows, rejected_here, schema, room, counts_alone=duplicate > 0):
            keys_here, row_keys = row_keys[: _keys_bytes(room)], row_keys[_keys_bytes(room) :]
            for batch, own, value in _fitting(whole, rejections, keys_here, room):
                rejected = count_records(own)
                received = batch.num_rows + rejected + duplicate
                messages.append(OutgoingMessage(topic, value, received, duplicate, rejected, position, requests))
                requests, duplicate = {}, 0
    room = _room((limits or {}).get(topics.READINGS, topics.MAX_BATCH_BYTES), header_bytes)
    while row_keys or (requests and not messages):
        empty = arrow.encode(empty_batch(topics.READINGS), (), row_keys[: _keys_bytes(room)])
        row_keys = row_keys[_keys_bytes(room) :]
        messages.append(OutgoingMessage(topics.READINGS, empty, 0, 0, 0, position, requests))
        requests = {}
    if messages:
        messages[-1] = replace(messages[-1], keys=keys)
    return [replace(message, ends_group=message is messages[-1]) for message in messages]


def empty_batch(topic: str) -> pa.RecordBatch:
    """Return a batch without rows in the topic's schema."""
    return pa.RecordBatch.from_pylist([], schema=SCHEMAS[topic])


def case_rows(cases: Sequence[Case]) -> pa.RecordBatch:
    """Return cases as a batch, with their attributes as JSON."""
    return cases_batch(cases, [orjson.dumps(c.attributes).decode() if c.attributes else None for c in cases])


def require_schema(batch: pa.RecordBatch, topic: str) -> pa.RecordBatch:
    """Return the batch. Raises ValueError when it does not have the topic's schema."""
    if not batch.schema.equals(SCHEMAS[topic]):
        raise ValueError(f"the batch has columns {batch.schema.names}, not the schema of {topic}")
    return batch


def newest_time(intake: Intake) -> datetime | None:
    """Return the newest event time of an intake; None when it has no rows."""
    times = [
        pc.max(batch.column(name)).as_py()
        for batch, name in ((intake.readings, "time"), (intake.cases, "updated_at"))
        if batch is not None and batch.num_rows
    ]
    return max(times, default=None)


def _room(limit_bytes: int, header_bytes: int) -> int:
    """Return the bytes left for a message's value after its headers and its part of a batch's overhead."""
    return max(limit_bytes - _OVERHEAD_BYTES - header_bytes, limit_bytes // 4)


def _keys_bytes(room: int) -> int:
    """Return how many bytes of 8-byte row keys one message carries."""
    return max(8, room // 8 // 8 * 8)


def _fitting(
    batch: pa.RecordBatch, rejections: list[Rejection], row_keys: bytes, room: int
) -> Iterator[tuple[pa.RecordBatch, list[Rejection], bytes]]:
    """Yield the batch with its encoded value, halved until each part fits; rejections and keys go with the first."""
    value = arrow.encode(batch, rejections, row_keys)
    if len(value) <= room or batch.num_rows < 2:
        yield batch, rejections, value
        return
    half = batch.num_rows // 2
    yield from _fitting(_part(batch, 0, half), rejections, row_keys, room)
    yield from _fitting(_part(batch, half, batch.num_rows - half), [], b"", room)


def _part(batch: pa.RecordBatch, start: int, rows: int) -> pa.RecordBatch:
    """Return some rows with only the dictionary values they use: a slice would carry the whole dictionaries."""
    columns = [
        column.cast(column.type.value_type).dictionary_encode().cast(column.type)
        if pa.types.is_dictionary(column.type)
        else column
        for column in batch.slice(start, rows).columns
    ]
    return pa.RecordBatch.from_arrays(columns, schema=batch.schema)


def _numbered(intakes: Sequence[Intake], room: int) -> list[Rejection]:
    """Return the rejections of several intakes with unique indices: those of each intake continue the one before."""
    numbered: list[Rejection] = []
    base = 0
    for intake in intakes:
        numbered += [
            replace(r, index=base + r.index, content=r.content[: min(MAX_REJECTION_BYTES, room // 4)])
            for r in intake.rejections
        ]
        base += max([intake.records, *(r.index + r.records for r in intake.rejections)])
    return numbered


def _cut(
    rows: list[pa.RecordBatch], rejections: list[Rejection], schema: pa.Schema, room: int, *, counts_alone: bool
) -> Iterator[tuple[pa.RecordBatch, list[Rejection]]]:
    """Yield rows and rejections in pieces of about a message each.

    With `counts_alone`, one empty piece is yielded when there is neither, to carry the counts.
    """
    empty = pa.RecordBatch.from_pylist([], schema=schema)
    slices = list(_row_slices(_merged(rows), min(MAX_ROWS_BYTES, room // 2))) if rows else []
    chunks = list(_rejection_chunks(rejections, min(MAX_REJECTIONS_BYTES, room // 3)))
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
