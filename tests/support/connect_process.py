"""The process under test, and what it left in the log."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from multiprocessing.context import ForkServerProcess
from pathlib import Path
from typing import Any

import pyarrow as pa
from kafka import KafkaConsumer, TopicPartition
from kafka.errors import KafkaTimeoutError

from ioc import topics
from ioc.errors import BatchMalformed
from ioc.model.rejection import Rejection
from ioc.settings import Settings
from ioc.topics import partition_of
from ioc.wire import arrow
from ioc.wire.headers import BatchHeaders
from ioc.wire.schemas import CASES, READINGS
from tests.support.preloaded import FORKED
from tests.support.run_sources import run_sources
from tests.support.running_centre import free_port

PARTITIONS = 4


def wait_until(what: str, holds: Callable[[], Any], timeout_s: float = 30.0, every_s: float = 0.1) -> Any:
    deadline = time.monotonic() + timeout_s
    while time.monotonic() < deadline:
        with suppress(KafkaTimeoutError):  # a broker that is busy counts as not yet
            if result := holds():
                return result
        time.sleep(every_s)
    raise AssertionError(f"{what} did not come about within {timeout_s:g} s")


@dataclass
class Sources:
    """A process of `run_sources` on a data directory of its own."""

    data_dir: Path
    kafka: str
    port: int = field(default_factory=free_port)
    process: ForkServerProcess | None = None
    _states: KafkaConsumer | None = None
    _told: dict[str, dict[str, Any]] = field(default_factory=dict)

    def configure(self, source: str, toml: str) -> None:
        directory = self.data_dir / "sources"
        directory.mkdir(parents=True, exist_ok=True)
        draft = directory / f".{source}"
        draft.write_text(toml, encoding="utf-8")
        draft.replace(directory / f"{source}.toml")

    def start(self) -> Sources:
        settings = Settings(self.data_dir, kafka=self.kafka, partitions=PARTITIONS)
        self.process = FORKED.Process(target=run_sources, args=(settings, self.port), daemon=True)
        self.process.start()
        return self

    def kill(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.join()
            self.process = None

    def close(self) -> None:
        self.kill()
        if self._states is not None:
            self._states.close()

    def state(self, source: str) -> dict[str, Any]:
        """The last one published; empty when there is none."""
        place = TopicPartition(topics.SOURCES, 0)
        if self._states is None:
            self._states = KafkaConsumer(bootstrap_servers=self.kafka, enable_auto_commit=False)
            self._states.assign([place])
            self._states.seek_to_beginning(place)
        end = self._states.end_offsets([place])[place]
        while self._states.position(place) < end:
            for record in self._states.poll(500).get(place, []):
                self._told[record.key.decode()] = json.loads(record.value) if record.value else {}
        return self._told.get(source, {})


@dataclass
class Logged:
    """What holds in the log of one source, older writers' echoes left out as the historian leaves them out."""

    readings: list[dict[str, Any]] = field(default_factory=list)
    cases: list[dict[str, Any]] = field(default_factory=list)
    rejections: list[Rejection] = field(default_factory=list)
    received: int = 0
    duplicate: int = 0
    fenced: int = 0
    batches: int = 0


def logged(kafka: str, source: str) -> Logged:
    found = Logged()
    consumer = KafkaConsumer(bootstrap_servers=kafka, enable_auto_commit=False)
    try:
        for topic, schema, rows in ((topics.READINGS, READINGS, found.readings), (topics.CASES, CASES, found.cases)):
            place = TopicPartition(topic, partition_of(source, PARTITIONS))
            consumer.assign([place])
            consumer.seek_to_beginning(place)
            end = consumer.end_offsets([place])[place]
            last = (0, -1)
            while consumer.position(place) < end:
                for record in consumer.poll(500).get(place, []):
                    try:
                        headers = BatchHeaders.decode(record.headers)
                    except BatchMalformed:
                        continue  # an agent refuses it as well
                    if headers.source == source:
                        last = _add(found, rows, schema, headers, record.value, last)
    finally:
        consumer.close()
    return found


def _add(
    found: Logged,
    rows: list[dict[str, Any]],
    schema: pa.Schema,
    headers: BatchHeaders,
    value: bytes,
    last: tuple[int, int],
) -> tuple[int, int]:
    place = (headers.generation, headers.sequence)
    if place <= last:
        found.fenced += 1
        return last
    batch, rejections = arrow.decode(value, schema)
    rows += [
        {**row, "batch": f"{headers.generation}.{headers.sequence} {headers.batch_id}"} for row in batch.to_pylist()
    ]
    found.rejections += rejections
    found.received += headers.received or 0
    found.duplicate += headers.duplicate
    found.batches += 1
    return place
