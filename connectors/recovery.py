"""Open a source's writer: fence off older writers, then read back from the log what this source has sent."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, field, replace
from typing import Any

from kafka import TopicPartition
from kafka.errors import KafkaError

from connectors.batching import SCHEMAS, empty_batch
from connectors.checkpoint import Checkpoint, Serial
from connectors.producer import DELIVERY_TIMEOUT_S, SharedProducer
from ioc.clock import LAST_MS, rfc3339, to_ms
from ioc.errors import BatchMalformed, BrokerUnavailable
from ioc.kafka import Reader
from ioc.messages import Message
from ioc.topics import partition_of
from ioc.wire import arrow
from ioc.wire.headers import GENERATION_AHEAD_MS, BatchHeaders

READ_BACK_S = 600.0
"""The log is read back for this time for answers, and for keys that the file of keys may lack."""
MAX_MESSAGES_FOR_KEYS = 5000
_MAX_SILENCE_S = 30.0


@dataclass(frozen=True)
class Echo:
    """A message that this writer sent after another's batch of a higher generation: acknowledged, but not applied."""

    topic: str
    headers: BatchHeaders
    value: bytes


@dataclass
class RecoveredState:
    """What the log says about a source.

    `delivered` is the serial of the last batch that counts, `position` the last position in the log. `offsets` are by
    topic the offsets to begin reading back from next time. `batches` are (topic, value) of the last minutes, for the
    keys of records; `requests` the answers found. `echoes` are to be sent again.
    """

    generation: int
    offsets: dict[str, int]
    delivered: Serial
    position: Any
    requests: dict[str, Any] = field(default_factory=dict)
    batches: list[tuple[str, bytes]] = field(default_factory=list)
    echoes: list[Echo] = field(default_factory=list)


def batch_id(source: str, serial: Serial) -> str:
    """Return the id of a batch, `air/1764547200000.12`."""
    return f"{source}/{serial[0]}.{serial[1]}"


def serial_of(batch: str) -> Serial | None:
    """Return the serial in an id of a batch; None for an id that no writer of this project made."""
    generation, dot, count = batch.rsplit("/", 1)[-1].partition(".")
    if not dot or not all(part.isascii() and part.isdigit() and len(part) < 19 for part in (generation, count)):
        return None
    return int(generation), int(count)


def recover(
    producer: SharedProducer,
    source: str,
    known: Checkpoint | None,
    *,
    with_keys: bool,
    replaced_at: Mapping[str, int] | None = None,
) -> RecoveredState:
    """Begin a new generation of the source and read back the log; blocks for some hundred milliseconds.

    `replaced_at` gives by topic the offset of another writer's batch of a higher generation. The historian drops what
    an older generation writes after the opening batch, so what lies before it is all that counts of earlier writers.
    Raises BrokerUnavailable.
    """
    now_ms = to_ms(producer.clock.now())
    checkpoint = _plausible(known or Checkpoint(), now_ms)
    generation = max(checkpoint.generation, now_ms) + 1
    partition = partition_of(source, producer.partitions)
    if not producer.limits:
        producer.read_limits()
    try:
        while True:
            ends = {topic: _send_opening(producer, source, topic, partition, generation) for topic in SCHEMAS}
            with closing(producer.new_reader()) as consumer:
                since_ms = now_ms - int(READ_BACK_S * 1000) if with_keys or known is None else None
                starts = _starts(consumer, partition, checkpoint, ends, since_ms)
                starts = {topic: min(start, (replaced_at or {}).get(topic, start)) for topic, start in starts.items()}
                recovered, highest = _read_back(consumer, source, partition, checkpoint, (starts, ends))
            if highest <= generation:
                if not replaced_at:
                    recovered.echoes = []
                return replace(recovered, generation=generation, offsets={t: ends[t] + 1 for t in ends})
            generation = highest + 1  # the machine's clock was set back
    except KafkaError as fault:
        raise BrokerUnavailable(Message("kafka_away", reason=str(fault))) from fault


def kind_of(topic: str) -> str:
    """Return `readings` or `cases`, as the header `ce_type` has it."""
    return topic.split(".")[1]


def _plausible(checkpoint: Checkpoint, now_ms: int) -> Checkpoint:
    """Drop a generation from a time when the machine's clock was days ahead: batches of it would be refused."""
    if checkpoint.generation <= now_ms + GENERATION_AHEAD_MS:
        return checkpoint
    return replace(checkpoint, generation=0, delivered=(0, 0))


def _send_opening(producer: SharedProducer, source: str, topic: str, partition: int, generation: int) -> int:
    """Send the opening batch and return its offset. Raises BrokerUnavailable."""
    settled = threading.Event()
    result: list[tuple[int | None, Exception | None]] = []

    def done(offset: int | None, fault: Exception | None) -> None:
        result.append((offset, fault))
        settled.set()

    headers = BatchHeaders(
        source=source,
        kind=kind_of(topic),
        batch_id=batch_id(source, (generation, 0)),
        time=rfc3339(producer.clock.now()),
        generation=generation,
        received=0,
    )
    producer.kafka_producer()
    producer.send(topic, partition, arrow.encode(empty_batch(topic)), headers.encode(), done)
    if not settled.wait(DELIVERY_TIMEOUT_S + 5):
        raise BrokerUnavailable(Message("opening_unconfirmed"))
    offset, fault = result[0]
    if offset is None:
        raise BrokerUnavailable(Message("opening_failed", reason=str(fault)))
    return offset


def _starts(
    consumer: Reader, partition: int, checkpoint: Checkpoint, ends: dict[str, int], since_ms: int | None
) -> dict[str, int]:
    """Return by topic the offset to read back from."""
    partitions = {topic: TopicPartition(topic, partition) for topic in ends}
    consumer.assign(list(partitions.values()))
    first = consumer.beginning_offsets(list(partitions.values()))
    recent = consumer.offsets_for_times(dict.fromkeys(partitions.values(), since_ms)) if since_ms is not None else {}
    starts = {}
    for topic, topic_partition in partitions.items():
        start = checkpoint.offsets.get(topic, ends[topic])
        if (since := recent.get(topic_partition)) is not None:
            start = min(start, max(since.offset, ends[topic] - MAX_MESSAGES_FOR_KEYS))
        starts[topic] = max(first[topic_partition], min(start, ends[topic]))
    return starts


def _read_back(
    consumer: Reader,
    source: str,
    partition: int,
    checkpoint: Checkpoint,
    offsets: tuple[dict[str, int], dict[str, int]],
) -> tuple[RecoveredState, int]:
    """Return what lies in the log between the (starts, ends) by topic, and the highest generation found."""
    recovered = RecoveredState(0, {}, checkpoint.delivered, checkpoint.position)
    last: dict[str, tuple[int, int]] = {}
    for topic, record in _messages(consumer, partition, *offsets):
        offset, value = record.offset, record.value or b""
        try:
            headers = BatchHeaders.decode(record.headers, min(max(0, record.timestamp), LAST_MS))
        except BatchMalformed:
            continue
        if headers.source != source or not headers.generation:
            continue
        if offset >= checkpoint.offsets.get(topic, 0):
            last[topic] = max(last.get(topic, (0, -1)), (checkpoint.generation, -1))
        order = (headers.generation, headers.sequence)
        if order <= last.get(topic, (0, -1)):
            # An echo of a dead writer, which the historian drops too; or this writer's own, while it was fenced off.
            if headers.generation == checkpoint.generation and headers.sequence:
                recovered.echoes.append(Echo(topic, headers, bytes(value)))
            continue
        last[topic] = order
        serial = serial_of(headers.batch_id)
        if headers.sequence == 0 or serial is None:
            continue
        if serial > recovered.delivered:
            recovered.delivered = serial
            if headers.position is not None:
                recovered.position = headers.position
        recovered.requests.update(headers.requests)
        recovered.batches.append((topic, value))
    return recovered, max((generation for generation, _ in last.values()), default=0)


def _messages(
    consumer: Reader, partition: int, starts: dict[str, int], ends: dict[str, int]
) -> Iterator[tuple[str, Any]]:
    """Yield (topic, kafka-python's record) from `starts` to before `ends`, each topic in order.

    Raises BrokerUnavailable.
    """
    for topic, start in starts.items():
        topic_partition = TopicPartition(topic, partition)
        consumer.assign([topic_partition])
        consumer.seek(topic_partition, start)
        received_s = time.monotonic()
        while consumer.position(topic_partition) < ends[topic]:
            records = consumer.poll(timeout_ms=1000).get(topic_partition, [])
            if records:
                received_s = time.monotonic()
            elif time.monotonic() - received_s > _MAX_SILENCE_S:
                raise BrokerUnavailable(Message("kafka_no_return"))
            for record in records:
                if record.offset < ends[topic]:
                    yield topic, record
