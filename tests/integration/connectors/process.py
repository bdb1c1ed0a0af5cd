"""The process under test, and what it left in the log."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa
from kafka import KafkaConsumer, TopicPartition
from kafka.errors import KafkaTimeoutError

from ioc import topics
from ioc.model.rejection import Rejection
from ioc.topics import partition_of
from ioc.wire import arrow
from ioc.wire.headers import BatchHeaders
from ioc.wire.schemas import CASES, READINGS
from tests.running import free_port

PARTITIONS = 4
REPOSITORY = Path(__file__).parents[3]


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
    """`run_sources.py` on a data directory of its own."""

    data_dir: Path
    kafka: str
    port: int = field(default_factory=free_port)
    process: subprocess.Popen[bytes] | None = None

    def configure(self, source: str, toml: str) -> None:
        directory = self.data_dir / "sources"
        directory.mkdir(parents=True, exist_ok=True)
        draft = directory / f".{source}"
        draft.write_text(toml, encoding="utf-8")
        draft.replace(directory / f"{source}.toml")

    def start(self) -> Sources:
        environment = {**os.environ, "IOC_DATA_DIR": str(self.data_dir), "IOC_KAFKA": self.kafka}
        environment |= {"IOC_PARTITIONS": str(PARTITIONS), "PYTHONPATH": str(REPOSITORY)}
        script = Path(__file__).with_name("run_sources.py")
        self.process = subprocess.Popen(
            [sys.executable, str(script), str(self.port)], env=environment, cwd=self.data_dir
        )
        return self

    def kill(self) -> None:
        if self.process is not None:
            self.process.send_signal(signal.SIGKILL)
            self.process.wait()
            self.process = None

    def stop(self) -> None:
        if self.process is not None:
            self.process.terminate()
            self.process.wait(20)
            self.process = None

    def state(self, source: str) -> dict[str, Any]:
        """The last one published; empty when there is none."""
        consumer = KafkaConsumer(bootstrap_servers=self.kafka, enable_auto_commit=False)
        place = TopicPartition(topics.SOURCES, 0)
        try:
            consumer.assign([place])
            consumer.seek_to_beginning(place)
            end = consumer.end_offsets([place])[place]
            found: dict[str, Any] = {}
            while consumer.position(place) < end:
                for record in consumer.poll(500).get(place, []):
                    if record.key == source.encode():
                        found = json.loads(record.value) if record.value else {}
            return found
        finally:
            consumer.close()


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
                    headers = BatchHeaders.decode(record.headers)
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
