"""The log as the historian reads it: outputs to write, and what the broker knows of the inputs."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from kafka import KafkaAdminClient
from kafka import TopicPartition as KafkaPartition
from kafka.errors import KafkaError

from ioc.errors import BrokerUnavailable
from ioc.kafka import Reader, connection, reach
from ioc.messages import Message
from ioc.store.topic_logs import READ_TOPICS
from ioc.topics import MAX_MESSAGE_BYTES, OUTPUT_OF, TopicPartition

_TIMEOUT_MS = 5000
# The broker's answer waits for data at most this long; an idle historian asks five times a second.
_FETCH_WAIT_MS = 200
_MAX_RECORDS = 2000
_CLIENT = {"request_timeout_ms": _TIMEOUT_MS, "bootstrap_timeout_ms": _TIMEOUT_MS, "reconnect_backoff_max_ms": 250}


@dataclass(frozen=True)
class LogState:
    """Id and number of partitions of the topics of READ_TOPICS that the broker has; `ends` of the input partitions."""

    topic_ids: Mapping[str, str]
    partitions: Mapping[str, int]
    ends: Mapping[TopicPartition, int]


class Log:
    """Clients of one broker connection; after it is lost, make another. All methods raise BrokerUnavailable."""

    def __init__(self, bootstrap: str, security: Mapping[str, str]) -> None:
        self._bootstrap = bootstrap
        options = connection(bootstrap, security) | _CLIENT
        reading = options | {
            "group_id": None,
            "enable_auto_commit": False,
            # Only for outputs that expired unread; what is missing then shows as a gap or as lost inputs.
            "auto_offset_reset": "earliest",
            "allow_auto_create_topics": False,
            "fetch_max_wait_ms": _FETCH_WAIT_MS,
            "max_partition_fetch_bytes": MAX_MESSAGE_BYTES,
            "fetch_max_bytes": 2 * MAX_MESSAGE_BYTES,
            "max_poll_records": _MAX_RECORDS,
            "metrics_enabled": False,
        }
        self._clients: list[Any] = []
        try:
            reach(bootstrap, _TIMEOUT_MS / 1000)
            self._admin = self._kept(KafkaAdminClient(**options))
            self._outputs = self._kept(Reader(**reading))
            # Asked for single records only: the broker hands out one batch at least, however low the limit.
            self._inputs = self._kept(Reader(**reading | {"max_partition_fetch_bytes": 1}))
        except (KafkaError, OSError) as fault:
            self.close()
            raise self._unavailable(fault) from fault

    def state(self) -> LogState:
        try:
            found = [t for t in self._admin.describe_topics(list(READ_TOPICS)) if t["error_code"] == 0]
            counts = {topic["name"]: len(topic["partitions"]) for topic in found}
            inputs = [(name, n) for name in OUTPUT_OF if name in counts for n in range(counts[name])]
        except (KafkaError, OSError) as fault:
            raise self._unavailable(fault) from fault
        ids = {topic["name"]: str(topic["topic_id"]) for topic in found}
        return LogState(ids, counts, self.ends(inputs) if inputs else {})

    def ends(self, partitions: Collection[TopicPartition]) -> dict[TopicPartition, int]:
        """Return the end offset of each partition."""
        ends: dict[TopicPartition, int] = {}
        try:
            # Topic by topic: of several, kafka-python leaves out one that it has never asked about before.
            for topic in sorted({topic for topic, _ in partitions}):
                found = self._inputs.end_offsets([KafkaPartition(*each) for each in partitions if each[0] == topic])
                ends |= {(each.topic, each.partition): end for each, end in found.items()}
        except (KafkaError, OSError) as fault:
            raise self._unavailable(fault) from fault
        return ends

    def assign(self, offsets: Mapping[TopicPartition, int]) -> None:
        """Read these output partitions from these offsets on."""
        try:
            self._outputs.assign([KafkaPartition(*each) for each in offsets])
            for each, offset in offsets.items():
                self._outputs.seek(KafkaPartition(*each), offset)
        except (KafkaError, OSError) as fault:
            raise self._unavailable(fault) from fault

    def rewind(self, partition: TopicPartition, offset: int) -> None:
        """Read an assigned partition from another offset on."""
        self._outputs.seek(KafkaPartition(*partition), offset)

    def poll(self, timeout_ms: int) -> Iterable[tuple[TopicPartition, list[Any]]]:
        """Return new records (kafka-python's) by output partition, in order.

        A batch that cannot be read gives one record with an `UndecodableBatch` as its value.
        """
        try:
            polled = self._outputs.poll(timeout_ms=timeout_ms)
        except (KafkaError, OSError) as fault:
            raise self._unavailable(fault) from fault
        return [((each.topic, each.partition), records) for each, records in polled.items()]

    def first_input(self, source: TopicPartition, offset: int) -> tuple[int, int | None]:
        """Return the start of an input partition's log, and the offset of the first record at or above `offset`.

        The second is None when there is none before the end.
        """
        partition = KafkaPartition(*source)
        try:
            start: int = self._inputs.beginning_offsets([partition])[partition]
            end: int = self._inputs.end_offsets([partition])[partition]
            self._inputs.assign([partition])
            self._inputs.seek(partition, max(offset, start))
            while self._inputs.position(partition) < end:
                records = self._inputs.poll(timeout_ms=_TIMEOUT_MS, max_records=1).get(partition)
                if records:
                    return start, records[0].offset
                if self._inputs.position(partition) < end:
                    raise BrokerUnavailable(Message("broker_gives_nothing", address=self._bootstrap, place=source[0]))
            return start, None
        except (KafkaError, OSError) as fault:
            raise self._unavailable(fault) from fault
        finally:
            with suppress(KafkaError, OSError):
                self._inputs.assign([])

    def close(self) -> None:
        for client in self._clients:
            with suppress(KafkaError, OSError):
                client.close()
        self._clients = []

    def _kept(self, client: Any) -> Any:
        self._clients.append(client)
        return client

    def _unavailable(self, fault: Exception) -> BrokerUnavailable:
        return BrokerUnavailable(
            Message("broker_no_answer", address=self._bootstrap, reason=fault or type(fault).__name__)
        )
