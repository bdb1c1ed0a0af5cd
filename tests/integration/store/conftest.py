"""A real log to read from: topics of a broker, and an agent's outputs written by the test itself."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pyarrow as pa
import pytest
from kafka import KafkaAdminClient, KafkaProducer

from ioc.kafka import create_topics
from ioc.settings import VIETNAM
from ioc.store import Commit, Historian, Store
from ioc.topics import CASES, DEAD_LETTERS, OUTPUT_OF, READINGS, TOPICS
from ioc.wire import arrow
from ioc.wire.headers import OutputHeaders

PARTITIONS = 2


TOPIC_NAMES = tuple(topic.name for topic in TOPICS)


class Agents:
    """Writes inputs, and outputs as the agents do; each call returns when the broker has it."""

    def __init__(self, bootstrap: str) -> None:
        self._producer = KafkaProducer(bootstrap_servers=bootstrap, acks="all", linger_ms=0)

    def input(self, topic: str = READINGS, partition: int = 0) -> int:
        """Offset of a new (empty) input."""
        return int(self._producer.send(topic, b"", partition=partition).get(timeout=10).offset)

    def output(
        self,
        rows: pa.RecordBatch,
        offset: int,
        *,
        topic: str = READINGS,
        partition: int = 0,
        source: str = "sensors",
        generation: int = 1,
        sequence: int | None = None,
        received: int | None = None,
        applied: int | None = None,
        rejected: Mapping[str, int] | None = None,
    ) -> None:
        n = (
            applied
            if applied is not None
            else sum(rows.column("n").to_pylist())
            if topic == READINGS
            else rows.num_rows
        )
        head = OutputHeaders(
            topic=topic,
            partition=partition,
            offset=offset,
            source=source,
            generation=generation,
            sequence=offset if sequence is None else sequence,
            received=n + sum((rejected or {}).values()) if received is None else received,
            applied=n,
            duplicate=0,
            rejected=rejected or {},
            input_time_ms=1_800_000_000_000,
        )
        self.send(OUTPUT_OF[topic], partition, arrow.encode(rows), head.encode())

    def send(
        self, topic: str, partition: int, value: bytes, headers: list[tuple[str, bytes]], key: bytes | None = None
    ) -> None:
        self._producer.send(topic, value, key=key, headers=headers, partition=partition).get(timeout=10)

    def close(self) -> None:
        self._producer.close()


@pytest.fixture
def topics(broker: str) -> Iterator[str]:
    """The centre's topics, empty; the broker's address."""
    remove_topics(broker)
    create_topics(broker, {}, PARTITIONS)
    yield broker
    remove_topics(broker)


def remove_topics(broker: str, names: tuple[str, ...] = TOPIC_NAMES) -> None:
    admin = KafkaAdminClient(bootstrap_servers=broker)
    try:
        if present := [name for name in names if name in set(admin.list_topics())]:
            admin.delete_topics(present)
            until(lambda: not set(present) & set(admin.list_topics()))
    finally:
        admin.close()


@pytest.fixture
def agents(topics: str) -> Iterator[Agents]:
    agents = Agents(topics)
    yield agents
    agents.close()


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    store = Store.open(tmp_path / "store" / "ioc.duckdb", tmp_path / "archive", zone=VIETNAM)
    yield store
    store.close()


@pytest.fixture
def commits() -> list[Commit]:
    return []


@pytest.fixture
def historian(topics: str, store: Store, commits: list[Commit]) -> Iterator[Historian]:
    historian = Historian(store, topics, {}, commits.append)
    historian.start()
    yield historian
    print(historian.state())  # for who reads why a test failed
    historian.stop()


def until(holds: Callable[[], bool], timeout_s: float = 15) -> None:
    """Wait for it; fails when it does not come to hold."""
    end = time.monotonic() + timeout_s
    while not holds():
        assert time.monotonic() < end, "it did not come to hold in time"
        time.sleep(0.05)


__all__ = ["CASES", "DEAD_LETTERS", "READINGS", "Agents", "until"]
