"""Read requests for replays from their topic, each once, and publish the results."""

from __future__ import annotations

import logging
from collections.abc import Collection

from kafka import KafkaConsumer, TopicPartition
from kafka.errors import KafkaError

from connectors.producer import SharedProducer
from ioc.clock import to_ms
from ioc.errors import BatchMalformed, BrokerUnavailable
from ioc.topics import REPLAYS
from ioc.wire.replays import KIND_HEADER, REQUEST, RESULT, ReplayRequest, ReplayResult

LOG = logging.getLogger(__name__)
MAX_AGE_MS = 3_600_000
"""A request without a result is still carried out this long after it was made."""


class ReplayLog:
    """The topic of replays as a process with sources sees it. Used by one thread at a time.

    A request that is carried out twice, for example after a crash, still counts once: the writer knows the keys of its
    records.
    """

    def __init__(self, producer: SharedProducer) -> None:
        self._producer = producer
        self._reader: KafkaConsumer | None = None
        self._waiting: dict[str, ReplayRequest] = {}

    def requests_for(self, sources: Collection[str]) -> list[ReplayRequest]:
        """Return new requests for these sources that have no result yet; none while the broker is away.

        Returns within milliseconds.
        """
        try:
            self._read()
        except (BrokerUnavailable, KafkaError) as fault:
            LOG.debug("requests for replays cannot be read: %s", fault)
            self.close()
        mine = [request for request in self._waiting.values() if request.source in sources]
        for request in mine:
            del self._waiting[request.id]
        return mine

    def put_back(self, request: ReplayRequest) -> None:
        """Return the request again later: it could not be carried out yet."""
        self._waiting[request.id] = request

    def publish(self, result: ReplayResult) -> None:
        """Publish a result. If the broker does not accept it, the request is carried out again after a restart."""
        try:
            self._producer.kafka_producer().send(
                REPLAYS,
                result.encode(),
                key=result.source.encode(),
                headers=[(KIND_HEADER, RESULT)],
                partition=0,
            )
        except (BrokerUnavailable, KafkaError) as fault:
            LOG.warning("the result of a replay of %s was not published: %s", result.source, fault)

    def close(self) -> None:
        """Close the connection; the next call makes another."""
        reader, self._reader = self._reader, None
        if reader is not None:
            reader.close()

    def _read(self) -> None:
        """Read new requests from the topic. Raises BrokerUnavailable, KafkaError."""
        partition = TopicPartition(REPLAYS, 0)
        if self._reader is None:
            self._reader = reader = self._producer.new_reader()
            reader.assign([partition])
            since_ms = to_ms(self._producer.clock.now()) - MAX_AGE_MS
            first = reader.offsets_for_times({partition: since_ms})[partition]
            if first is None:
                reader.seek_to_end(partition)
            else:
                reader.seek(partition, first.offset)
        for record in self._reader.poll(timeout_ms=20).get(partition, []):
            kind = dict(record.headers).get(KIND_HEADER)
            try:
                if kind == REQUEST:
                    request = ReplayRequest.decode(record.value or b"")
                    self._waiting[request.id] = request
                elif kind == RESULT:
                    self._waiting.pop(ReplayResult.decode(record.value or b"").id, None)
            except BatchMalformed as fault:
                LOG.warning("a message of %s is skipped: %s", REPLAYS, fault)
