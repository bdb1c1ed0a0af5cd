"""The topics of a real broker: removed between tests, and written as the Faust agents write them."""

from __future__ import annotations

from collections.abc import Mapping

import pyarrow as pa
from kafka import KafkaAdminClient, KafkaProducer

from ioc.topics import OUTPUT_OF, READINGS, TOPICS
from ioc.wire import arrow
from ioc.wire.headers import OutputHeaders
from tests.support.waiting import until

PARTITIONS = 2


TOPIC_NAMES = tuple(topic.name for topic in TOPICS)


class Agents:
    """Write inputs, and outputs as the agents do; each call returns when the broker has the record."""

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


def remove_topics(broker: str, names: tuple[str, ...] = TOPIC_NAMES) -> None:
    admin = KafkaAdminClient(bootstrap_servers=broker)
    try:
        if present := [name for name in names if name in set(admin.list_topics())]:
            admin.delete_topics(present)
            until(lambda: not set(present) & set(admin.list_topics()))
    finally:
        admin.close()
