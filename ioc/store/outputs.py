"""Check messages of the output topics: every number and text must fit the store's columns. Pure.

Only our agents write these topics, but whoever can write to the broker can write there as well.
"""

from __future__ import annotations

from collections.abc import Sequence

import pyarrow as pa
import pyarrow.compute as pc

from ioc.clock import LAST_MS
from ioc.errors import BatchMalformed
from ioc.messages import Message
from ioc.topics import CASES, OUTPUT_OF
from ioc.wire import arrow, schemas
from ioc.wire.headers import MAX_COUNT, OutputHeaders
from ioc.wire.record_batches import UndecodableBatch

INPUT_OF = {output: source for source, output in OUTPUT_OF.items()}
_MAX_TEXT = 200
_AHEAD_MS = 86_400_000
_BOUNDS = {"n": (1, MAX_COUNT), "first_ms": (0, 59_999), "last_ms": (0, 59_999)}
_FIRST_MS = -62_135_596_800_000  # the year 1
_OPTIONAL_PANES = frozenset({"subject", "buckets", "registers"})


def read_head(topic: str, partition: int, value: bytes | None, headers: Sequence[tuple[str, bytes]]) -> OutputHeaders:
    """Return which input of that partition the message answers. Raises BatchMalformed when it is not an output."""
    if isinstance(value, UndecodableBatch):
        raise BatchMalformed(Message.of(value.fault))
    head = OutputHeaders.decode(headers)
    if (head.topic, head.partition) != (INPUT_OF[topic], partition):
        raise BatchMalformed(
            Message(
                "output_other_partition",
                topic=topic,
                partition=partition,
                other_topic=head.topic,
                other_partition=head.partition,
            )
        )
    return head


def read_rows(head: OutputHeaders, value: bytes | None) -> pa.RecordBatch:
    """Return panes, single readings or case versions, checked against the counts in `head`. Raises BatchMalformed."""
    if head.topic == CASES:
        cases, _ = arrow.decode(value or b"", schemas.CASES, schemas.CASES_OPTIONAL)
        _check_cases(cases)
        _check_count(cases.num_rows, head)
        return cases
    if head.keyed:
        readings, _ = arrow.decode(value or b"", schemas.KEYED_READINGS)
        _check_readings(readings, head)
        _check_count(readings.num_rows, head)
        return readings
    panes, _ = arrow.decode(value or b"", schemas.PANES)
    _check_panes(panes)
    _check_between("minute", panes.column("minute"), 0, (head.input_time_ms + _AHEAD_MS) // 60_000)
    _check_count(pc.sum(panes.column("n")).as_py() or 0, head)
    return panes


def _check_count(rows: int, head: OutputHeaders) -> None:
    if rows != head.applied:
        raise BatchMalformed(Message("output_records", rows=rows, applied=head.applied))


def _check_panes(panes: pa.RecordBatch) -> None:
    for name in panes.schema.names:
        if name not in _OPTIONAL_PANES and panes.column(name).null_count:
            raise BatchMalformed(Message("pane_without", name=name))
    for name, (least, most) in _BOUNDS.items():
        _check_between(name, panes.column(name), least, most)
    for name in ("measure", "unit", "subject"):
        _check_texts(name, panes.column(name))
    for name, part in (("buckets", "n"), ("registers", "rank")):
        lists = panes.column(name).flatten()
        if lists.null_count or any(lists.field(n).null_count for n in range(lists.type.num_fields)):
            raise BatchMalformed(Message("pane_without_value", name=name))
        _check_between(f"{part} of its {name}", lists.field(part), 0, MAX_COUNT)


def _check_readings(readings: pa.RecordBatch, head: OutputHeaders) -> None:
    for name in ("measure", "unit", "time", "value", "kept"):
        if readings.column(name).null_count:
            raise BatchMalformed(Message("reading_without", name=name))
    _check_between("time", readings.column("time").cast(pa.int64()), 0, head.input_time_ms + _AHEAD_MS)
    for name in ("measure", "unit", "subject"):
        _check_texts(name, readings.column(name))


def _check_cases(cases: pa.RecordBatch) -> None:
    for name in cases.schema.names:
        column = cases.column(name)
        if name not in schemas.CASES_OPTIONAL and column.null_count:
            raise BatchMalformed(Message("case_without", name=name))
        if pa.types.is_timestamp(column.type):
            _check_between(name, column.cast(pa.int64()), _FIRST_MS, LAST_MS)
        elif pa.types.is_dictionary(column.type):
            _check_texts(name, column)


def _check_between(name: str, column: pa.Array, least: int, most: int) -> None:
    found = pc.min_max(column).as_py()
    if found["min"] is not None and not least <= found["min"] <= found["max"] <= most:
        raise BatchMalformed(
            Message("output_out_of_range", name=name, low=found["min"], high=found["max"], least=least, most=most)
        )


def _check_texts(name: str, column: pa.DictionaryArray) -> None:
    words = column.dictionary
    if words.null_count or any(len(word) > _MAX_TEXT for word in words.to_pylist()):
        raise BatchMalformed(Message("output_word", name=name, max=_MAX_TEXT))
