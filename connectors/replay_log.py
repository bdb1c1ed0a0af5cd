"""The topic of replays as a process with sources sees it: requests for its own sources, each taken once."""

from __future__ import annotations

import logging
from collections.abc import Collection

from kafka import KafkaConsumer, TopicPartition
from kafka.errors import KafkaError

from connectors.producer import Outlet
from ioc.clock import to_ms
from ioc.errors import BatchMalformed, BrokerUnavailable
from ioc.topics import REPLAYS
from ioc.wire.replays import KIND_HEADER, REQUEST, RESULT, ReplayRequest, ReplayResult

LOG = logging.getLogger(__name__)
BEGINS_BEFORE_MS = 3_600_000
"""A request that nobody has answered is still taken up so long after it was made."""


class ReplayLog:
    """Used by one thread at a time. A request that is taken twice, as after a crash, counts once all the same: the
    writer knows the keys of its records."""

    def __init__(self, outlet: Outlet) -> None:
        self._outlet = outlet
        self._reader: KafkaConsumer | None = None
        self._waiting: dict[str, ReplayRequest] = {}

    def take(self, sources: Collection[str]) -> list[ReplayRequest]:
        """Requests for these sources that were not answered. Returns soon, without any while the broker is away."""
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
        """It could not be done yet."""
        self._waiting[request.id] = request

    def answer(self, result: ReplayResult) -> None:
        """Tell who asked. Where the broker does not take it, the request is taken up again after a restart."""
        try:
            self._outlet.producer().send(
                REPLAYS,
                result.encode(),
                key=result.source.encode(),
                headers=[(KIND_HEADER, RESULT)],
                partition=0,
            )
        except (BrokerUnavailable, KafkaError) as fault:
            LOG.warning("the result of a replay of %s was not published: %s", result.source, fault)

    def close(self) -> None:
        reader, self._reader = self._reader, None
        if reader is not None:
            reader.close()

    def _read(self) -> None:
        """Read new requests from the topic. Raises BrokerUnavailable, KafkaError."""
        place = TopicPartition(REPLAYS, 0)
        if self._reader is None:
            self._reader = reader = self._outlet.consumer()
            reader.assign([place])
            since_ms = to_ms(self._outlet.clock.now()) - BEGINS_BEFORE_MS
            found = reader.offsets_for_times({place: since_ms})[place]
            if found is None:
                reader.seek_to_end(place)
            else:
                reader.seek(place, found.offset)
        for record in self._reader.poll(timeout_ms=20).get(place, []):
            kind = dict(record.headers).get(KIND_HEADER)
            try:
                if kind == REQUEST:
                    request = ReplayRequest.decode(record.value or b"")
                    self._waiting[request.id] = request
                elif kind == RESULT:
                    self._waiting.pop(ReplayResult.decode(record.value or b"").id, None)
            except BatchMalformed as fault:
                LOG.warning("a message of %s is passed over: %s", REPLAYS, fault)
