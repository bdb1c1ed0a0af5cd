"""Connect to Kafka with the centre's settings, and create and inspect its topics."""

from __future__ import annotations

import socket
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from kafka import KafkaAdminClient, KafkaConsumer, TopicPartition
from kafka.admin import ConfigResource
from kafka.consumer.fetcher import Fetcher
from kafka.errors import KafkaError, TopicAlreadyExistsError
from kafka.record import MemoryRecords

from ioc.errors import BrokerUnavailable
from ioc.messages import Message
from ioc.topics import OUTPUT_OF, TOPICS, Topic
from ioc.wire.record_batches import RecordBatches

_MAX_BATCH_SETTING = "max.message.bytes"


@dataclass(frozen=True)
class TopicState:
    """A topic as the broker has it; `messages` is the sum of end minus first offsets over its partitions."""

    name: str
    what: str
    partitions: int
    messages: int
    configuration: dict[str, str]


def connection(bootstrap: str, security: Mapping[str, str]) -> dict[str, Any]:
    """Return the keyword arguments that all kafka-python clients of the centre share."""
    renamed = {"sasl_username": "sasl_plain_username", "sasl_password": "sasl_plain_password"}
    return {
        "bootstrap_servers": bootstrap.split(","),
        "reconnect_backoff_max_ms": 500,  # the library's 30 s would outlast a restart of the broker
        **{renamed.get(name, name): value for name, value in security.items()},
    }


class _SoundRecords(Fetcher.PartitionRecords):  # type: ignore[misc]
    """The library's records of a partition, over batches that were read as a whole before."""

    def __init__(self, fetch_offset: int, tp: TopicPartition, records: MemoryRecords, *args: Any, **named: Any) -> None:
        super().__init__(fetch_offset, tp, RecordBatches(records._buffer, MemoryRecords), *args, **named)  # noqa: SLF001


class Reader(KafkaConsumer):  # type: ignore[misc]
    """The consumer that all of the centre reads with.

    It returns committed records only. A batch that cannot be read is returned as one record, at the last offset of the
    batch, whose value is an `ioc.wire.record_batches.UndecodableBatch`.
    """

    def __init__(self, **options: Any) -> None:
        super().__init__(**{"isolation_level": "read_committed", **options})
        self._fetcher.PartitionRecords = _SoundRecords


@dataclass(frozen=True)
class TopicChanges:
    """Changes to the topics: names of created ones, and numbers of partitions before and after of those that grew."""

    created: list[str]
    grown: dict[str, tuple[int, int]]


def reach(bootstrap: str, timeout_s: float) -> None:
    """Check that a broker listens. Raises OSError.

    kafka-python would try for seconds and leave its sockets unclosed.
    """
    addresses = [address.rpartition(":") for address in bootstrap.split(",")]
    for number, (host, _, port) in enumerate(addresses):
        try:
            socket.create_connection((host.strip("[]"), int(port)), timeout_s).close()
            return
        except OSError:
            if number == len(addresses) - 1:
                raise


def create_topics(bootstrap: str, security: Mapping[str, str], partitions: int) -> list[str]:
    """Create missing topics as `ensure_topics` does, and return their names. Raises BrokerUnavailable."""
    return ensure_topics(bootstrap, security, partitions).created


def ensure_topics(bootstrap: str, security: Mapping[str, str], partitions: int) -> TopicChanges:
    """Create missing topics, and give inputs and their outputs equally many partitions; change nothing else.

    A partition of an input without the same partition of the output would never be answered, so a missing topic gets
    as many partitions as its partner has. Raises BrokerUnavailable.
    """
    try:
        admin = KafkaAdminClient(**connection(bootstrap, security))
        try:
            present = _partition_counts(admin)
            missing = {t.name: _options(t, present, partitions) for t in TOPICS if t.name not in present}
            if missing:
                try:
                    admin.create_topics(missing, wait_for_metadata=True)
                except TopicAlreadyExistsError:  # another process was faster
                    return ensure_topics(bootstrap, security, partitions)
            return TopicChanges(sorted(missing), _grow(admin, present))
        finally:
            admin.close()
    except (KafkaError, OSError) as fault:
        raise BrokerUnavailable(Message("topics_not_created", address=bootstrap, reason=str(fault))) from fault


def _partition_counts(admin: KafkaAdminClient) -> dict[str, int]:
    known = set(admin.list_topics())
    names = [topic.name for topic in TOPICS if topic.name in known]
    found = admin.describe_topics(names) if names else []
    return {topic["name"]: len(topic["partitions"]) for topic in found if topic["error_code"] == 0}


def _grow(admin: KafkaAdminClient, present: Mapping[str, int]) -> dict[str, tuple[int, int]]:
    grown = {}
    for pair in OUTPUT_OF.items():
        if all(name in present for name in pair) and present[pair[0]] != present[pair[1]]:
            smaller, larger = sorted(pair, key=lambda name: present[name])
            admin.create_partitions({smaller: present[larger]})
            grown[smaller] = (present[smaller], present[larger])
    return grown


def message_limits(bootstrap: str, security: Mapping[str, str]) -> dict[str, int]:
    """Return by topic the bytes of the largest record batch that it takes. Raises BrokerUnavailable."""
    try:
        admin = KafkaAdminClient(**connection(bootstrap, security))
        try:
            names = list(_partition_counts(admin))
            wanted = [ConfigResource("TOPIC", name, {_MAX_BATCH_SETTING: None}) for name in names]
            found = admin.describe_configs(wanted, config_filter="all") if wanted else {}
            topics = found.get("TOPIC", found.get("topic", {}))
            return {
                name: int(values[_MAX_BATCH_SETTING]["value"])
                for name, values in topics.items()
                if _MAX_BATCH_SETTING in values
            }
        finally:
            admin.close()
    except (KafkaError, OSError) as fault:
        raise BrokerUnavailable(Message("topic_limits_unread", address=bootstrap, reason=str(fault))) from fault


def topic_states(bootstrap: str, security: Mapping[str, str]) -> list[TopicState]:
    """Return the centre's topics that the broker has, in the order of `TOPICS`. Raises BrokerUnavailable."""
    try:
        consumer = Reader(**connection(bootstrap, security))
        try:
            states = []
            for topic in TOPICS:
                numbers = consumer.partitions_for_topic(topic.name) or set()
                partitions = [TopicPartition(topic.name, number) for number in sorted(numbers)]
                if partitions:
                    first, end = consumer.beginning_offsets(partitions), consumer.end_offsets(partitions)
                    messages = sum(end[one] - first[one] for one in partitions)
                    states.append(TopicState(topic.name, topic.what, len(partitions), messages, topic.configuration))
            return states
        finally:
            consumer.close()
    except (KafkaError, OSError) as fault:
        raise BrokerUnavailable(Message("topics_unread", address=bootstrap, reason=str(fault))) from fault


def _options(topic: Topic, present: Mapping[str, int], partitions: int) -> dict[str, Any]:
    partners = [
        present[other] for pair in OUTPUT_OF.items() if topic.name in pair for other in pair if other in present
    ]
    count = topic.partitions or max(partners, default=partitions)
    return {"num_partitions": count, "replication_factor": -1, "configs": topic.configuration}
