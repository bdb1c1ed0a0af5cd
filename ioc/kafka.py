"""Kafka clients with the centre's connection settings, and its topics on the broker."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from kafka import KafkaAdminClient, KafkaConsumer, TopicPartition
from kafka.consumer.fetcher import Fetcher
from kafka.errors import KafkaError, TopicAlreadyExistsError
from kafka.record import MemoryRecords

from ioc.errors import IocError
from ioc.topics import TOPICS, Topic
from ioc.wire.record_batches import RecordBatches


class BrokerUnavailable(IocError):
    """The broker does not answer or refuses; the caller waits and tries again, or tells the user."""

    fault_code = "broker_away"


@dataclass(frozen=True)
class TopicState:
    """A topic as the broker has it; `messages` is the sum of end minus first offsets over its partitions."""

    name: str
    what: str
    partitions: int
    messages: int
    configuration: dict[str, str]


def connection(bootstrap: str, security: Mapping[str, str]) -> dict[str, Any]:
    """Keyword arguments that every kafka-python client here begins with."""
    renamed = {"sasl_username": "sasl_plain_username", "sasl_password": "sasl_plain_password"}
    return {
        "bootstrap_servers": bootstrap.split(","),
        "reconnect_backoff_max_ms": 500,  # the library's 30 s would outlast a restart of the broker
        **{renamed.get(name, name): value for name, value in security.items()},
    }


class _SoundRecords(Fetcher.PartitionRecords):  # type: ignore[misc]
    """The library's, over batches that have been read as a whole before."""

    def __init__(self, fetch_offset: int, tp: TopicPartition, records: MemoryRecords, *args: Any, **named: Any) -> None:
        super().__init__(fetch_offset, tp, RecordBatches(records._buffer, MemoryRecords), *args, **named)


class Reader(KafkaConsumer):  # type: ignore[misc]
    """The consumer that everything here reads with.

    It gives what was committed only, and a batch that cannot be read as one record, at the last offset of the batch,
    whose value is an `ioc.wire.record_batches.UndecodableBatch`.
    """

    def __init__(self, **options: Any) -> None:
        super().__init__(**{"isolation_level": "read_committed", **options})
        self._fetcher.PartitionRecords = _SoundRecords


def create_topics(bootstrap: str, security: Mapping[str, str], partitions: int) -> list[str]:
    """Create what is missing, leave what is there; names of the created. Raises BrokerUnavailable."""
    try:
        admin = KafkaAdminClient(**connection(bootstrap, security))
        try:
            present = set(admin.list_topics())
            missing = {topic.name: _options(topic, partitions) for topic in TOPICS if topic.name not in present}
            if missing:
                try:
                    admin.create_topics(missing, wait_for_metadata=True)
                except TopicAlreadyExistsError:  # another process was quicker
                    return create_topics(bootstrap, security, partitions)
            return sorted(missing)
        finally:
            admin.close()
    except (KafkaError, OSError) as fault:
        raise BrokerUnavailable(f"The broker at {bootstrap} did not create the topics: {fault}") from fault


def topic_states(bootstrap: str, security: Mapping[str, str]) -> list[TopicState]:
    """The centre's topics that the broker has, in the order of `TOPICS`. Raises BrokerUnavailable."""
    try:
        consumer = Reader(**connection(bootstrap, security))
        try:
            states = []
            for topic in TOPICS:
                numbers = consumer.partitions_for_topic(topic.name) or set()
                places = [TopicPartition(topic.name, number) for number in sorted(numbers)]
                if places:
                    first, end = consumer.beginning_offsets(places), consumer.end_offsets(places)
                    messages = sum(end[place] - first[place] for place in places)
                    states.append(TopicState(topic.name, topic.what, len(places), messages, topic.configuration))
            return states
        finally:
            consumer.close()
    except (KafkaError, OSError) as fault:
        raise BrokerUnavailable(f"The broker at {bootstrap} did not tell its topics: {fault}") from fault


def _options(topic: Topic, partitions: int) -> dict[str, Any]:
    return {"num_partitions": topic.partitions or partitions, "replication_factor": -1, "configs": topic.configuration}
