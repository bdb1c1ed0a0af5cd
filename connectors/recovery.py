"""Opening a source's writer: fence older writers off, then read back from the log what of ours is there."""

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
from connectors.producer import DELIVERY_TIMEOUT_S, Outlet
from ioc.clock import LAST_MS, rfc3339, to_ms
from ioc.errors import BatchMalformed, BrokerUnavailable
from ioc.kafka import Reader
from ioc.topics import partition_of
from ioc.wire import arrow
from ioc.wire.headers import GENERATION_AHEAD_MS, BatchHeaders

READ_BACK_S = 600.0
"""Time for which the log is read back for answers, and for keys that the file of keys may lack."""
MOST_MESSAGES_FOR_KEYS = 5000
_SILENT_AT_MOST_S = 30.0


@dataclass(frozen=True)
class Echo:
    """A message as it lies in the log."""

    topic: str
    headers: BatchHeaders
    value: bytes


@dataclass
class Opened:
    """What the log tells: `delivered` is the serial of the last batch that holds in it, `position` the last one there.

    `batches` are (topic, value) of the last minutes, for record keys; `requests` the answers found. `echoes` are what
    this writer has sent behind another's batch of a higher generation: acknowledged, but not taken by the historian.
    """

    generation: int
    offsets: dict[str, int]
    delivered: Serial
    position: Any
    requests: dict[str, Any] = field(default_factory=dict)
    batches: list[tuple[str, bytes]] = field(default_factory=list)
    echoes: list[Echo] = field(default_factory=list)


def batch_id(source: str, serial: Serial) -> str:
    return f"{source}/{serial[0]}.{serial[1]}"


def serial_of(batch: str) -> Serial | None:
    """None for an id that no writer of ours made."""
    generation, dot, count = batch.rsplit("/", 1)[-1].partition(".")
    if not dot or not all(part.isascii() and part.isdigit() and len(part) < 19 for part in (generation, count)):
        return None
    return int(generation), int(count)


def open_log(
    outlet: Outlet,
    source: str,
    known: Checkpoint | None,
    *,
    with_keys: bool,
    replaced_at: Mapping[str, int] | None = None,
) -> Opened:
    """Blocks for some hundred milliseconds. Raises BrokerUnavailable.

    `replaced_at` are the offsets by topic at which another has taken the place of the writer that runs.

    An older batch that comes in behind our opening batch is dropped by the historian, so what lies before it is all
    that counts of former writers.
    """
    now_ms = to_ms(outlet.clock.now())
    checkpoint = _plausible(known or Checkpoint(), now_ms)
    generation = max(checkpoint.generation, now_ms) + 1
    partition = partition_of(source, outlet.partitions)
    if not outlet.limits:
        outlet.ask_limits()
    try:
        while True:
            ends = {topic: _send_opening(outlet, source, topic, partition, generation) for topic in SCHEMAS}
            with closing(outlet.consumer()) as consumer:
                since_ms = now_ms - int(READ_BACK_S * 1000) if with_keys or known is None else None
                starts = _starts(consumer, partition, checkpoint, ends, since_ms)
                starts = {topic: min(start, (replaced_at or {}).get(topic, start)) for topic, start in starts.items()}
                opened, highest = _read_back(consumer, source, partition, checkpoint, starts, ends)
            if highest <= generation:
                if not replaced_at:
                    opened.echoes = []
                return replace(opened, generation=generation, offsets={t: ends[t] + 1 for t in ends})
            generation = highest + 1  # the machine's clock was set back
    except KafkaError as fault:
        raise BrokerUnavailable(f"Kafka does not answer: {fault}") from fault


def _plausible(checkpoint: Checkpoint, now_ms: int) -> Checkpoint:
    """Without a generation from when the machine's clock was days ahead: what it fences would be refused."""
    if checkpoint.generation <= now_ms + GENERATION_AHEAD_MS:
        return checkpoint
    return replace(checkpoint, generation=0, delivered=(0, 0))


def _send_opening(outlet: Outlet, source: str, topic: str, partition: int, generation: int) -> int:
    """Offset of the opening batch."""
    told = threading.Event()
    result: list[tuple[int | None, Exception | None]] = []

    def done(offset: int | None, fault: Exception | None) -> None:
        result.append((offset, fault))
        told.set()

    headers = BatchHeaders(
        source=source,
        kind=kind_of(topic),
        batch_id=batch_id(source, (generation, 0)),
        time=rfc3339(outlet.clock.now()),
        generation=generation,
        received=0,
    )
    outlet.producer()
    outlet.send(topic, partition, arrow.encode(empty_batch(topic)), headers.encode(), done)
    if not told.wait(DELIVERY_TIMEOUT_S + 5):
        raise BrokerUnavailable("Kafka does not acknowledge the opening of the source.")
    offset, fault = result[0]
    if offset is None:
        raise BrokerUnavailable(f"Kafka does not acknowledge the opening of the source: {fault}")
    return offset


def kind_of(topic: str) -> str:
    """`readings`, `cases`: the word in `ce_type`."""
    return topic.split(".")[1]


def _starts(
    consumer: Reader, partition: int, checkpoint: Checkpoint, ends: dict[str, int], since_ms: int | None
) -> dict[str, int]:
    places = {topic: TopicPartition(topic, partition) for topic in ends}
    consumer.assign(list(places.values()))
    first = consumer.beginning_offsets(list(places.values()))
    recent = consumer.offsets_for_times(dict.fromkeys(places.values(), since_ms)) if since_ms is not None else {}
    starts = {}
    for topic, place in places.items():
        start = checkpoint.offsets.get(topic, ends[topic])
        if (found := recent.get(place)) is not None:
            start = min(start, max(found.offset, ends[topic] - MOST_MESSAGES_FOR_KEYS))
        starts[topic] = max(first[place], min(start, ends[topic]))
    return starts


def _read_back(
    consumer: Reader,
    source: str,
    partition: int,
    checkpoint: Checkpoint,
    starts: dict[str, int],
    ends: dict[str, int],
) -> tuple[Opened, int]:
    opened = Opened(0, {}, checkpoint.delivered, checkpoint.position)
    last: dict[str, tuple[int, int]] = {}
    for topic, record in _messages(consumer, partition, starts, ends):
        offset, value = record.offset, record.value or b""
        try:
            headers = BatchHeaders.decode(record.headers, min(max(0, record.timestamp), LAST_MS))
        except BatchMalformed:
            continue
        if headers.source != source or not headers.generation:
            continue
        if offset >= checkpoint.offsets.get(topic, 0):
            last[topic] = max(last.get(topic, (0, -1)), (checkpoint.generation, -1))
        place = (headers.generation, headers.sequence)
        if place <= last.get(topic, (0, -1)):
            # A dead writer's echo, which the historian drops too; or our own, when we were taken for dead.
            if headers.generation == checkpoint.generation and headers.sequence:
                opened.echoes.append(Echo(topic, headers, bytes(value)))
            continue
        last[topic] = place
        serial = serial_of(headers.batch_id)
        if headers.sequence == 0 or serial is None:
            continue
        if serial > opened.delivered:
            opened.delivered = serial
            if headers.position is not None:
                opened.position = headers.position
        opened.requests.update(headers.requests)
        opened.batches.append((topic, value))
    return opened, max((generation for generation, _ in last.values()), default=0)


def _messages(
    consumer: Reader, partition: int, starts: dict[str, int], ends: dict[str, int]
) -> Iterator[tuple[str, Any]]:
    """Yield both topics' messages (kafka-python's) from `starts` to before `ends`, each topic in order.

    Raises BrokerUnavailable."""
    for topic, start in starts.items():
        place = TopicPartition(topic, partition)
        consumer.assign([place])
        consumer.seek(place, start)
        heard_s = time.monotonic()
        while consumer.position(place) < ends[topic]:
            records = consumer.poll(timeout_ms=1000).get(place, [])
            if records:
                heard_s = time.monotonic()
            elif time.monotonic() - heard_s > _SILENT_AT_MOST_S:
                raise BrokerUnavailable("Kafka does not give back what the source has sent.")
            for record in records:
                if record.offset < ends[topic]:
                    yield topic, record
