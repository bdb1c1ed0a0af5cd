"""Replay refused records: ask the process that runs the source to read them again, and record the result."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Callable, Mapping
from contextlib import closing
from datetime import datetime
from time import monotonic
from typing import Any

from kafka import KafkaProducer, TopicPartition
from kafka.errors import KafkaError

from ioc.clock import Clock
from ioc.errors import BatchMalformed
from ioc.kafka import Reader, connection
from ioc.messages import Message
from ioc.store.dead_letters import mark_replayed, read_refused
from ioc.store.replays import ReplayNotTaken, ReplayOutcome
from ioc.store.store import Store, transaction
from ioc.topics import MAX_MESSAGE_BYTES, REPLAYS
from ioc.wire.replays import KIND_HEADER, REQUEST, RESULT, RefusedRecord, ReplayRequest, ReplayResult

MAX_RECORDS = 2000
MAX_CONTENT_BYTES = 2 * 1024 * 1024
"""Limit of one request before base64; one record of any size still fits."""
ANSWERED_WITHIN_S = 30.0


class Replays:
    """Request replays through Kafka; may be called from any thread, one replay at a time."""

    def __init__(self, store: Store, bootstrap: str, security: Mapping[str, str], clock: Clock) -> None:
        self._store = store
        self._connection = connection(bootstrap, security)
        self._clock = clock
        self._one_at_a_time = threading.Lock()

    def replay(self, source: str, since: datetime | None, by: str) -> ReplayOutcome:
        """Replay the kept dead letters of a source from `since` on that were not replayed yet; `by` is the person.

        Blocks until all are answered. Raises ReplayNotTaken, also while another replay runs, and StoreUnavailable.
        Answers up to then are recorded, and a request that is answered later still counts once.
        """
        if not self._one_at_a_time.acquire(blocking=False):
            raise ReplayNotTaken(Message("replay_running"))
        outcome = ReplayOutcome()
        seen: set[str] = set()
        try:
            while records := self._unseen(source, since, seen):
                seen |= {record.key for record in records}
                result = self._request(ReplayRequest(uuid.uuid4().hex, source, by, records))
                with self._store.cursor() as cursor, transaction(cursor, self._store.path):
                    mark_replayed(cursor, result.replayed, by, self._clock.now())
                outcome.add(result)
        finally:
            self._one_at_a_time.release()
        return outcome

    def _unseen(self, source: str, since: datetime | None, seen: set[str]) -> list[RefusedRecord]:
        with self._store.cursor() as cursor:
            return read_refused(cursor, source, since, seen, MAX_RECORDS, MAX_CONTENT_BYTES)

    def _request(self, request: ReplayRequest) -> ReplayResult:
        partition = TopicPartition(REPLAYS, 0)
        try:
            with closing(KafkaProducer(**self._connection, acks="all", max_request_size=MAX_MESSAGE_BYTES)) as producer:
                sent = producer.send(
                    REPLAYS,
                    request.encode(),
                    key=request.source.encode(),
                    headers=[(KIND_HEADER, REQUEST)],
                    partition=0,
                )
                offset = sent.get(timeout=10).offset
            with closing(Reader(**self._connection, enable_auto_commit=False)) as consumer:
                consumer.assign([partition])
                consumer.seek(partition, offset + 1)
                return _result_of(request.id, lambda: consumer.poll(timeout_ms=200).get(partition, []))
        except (KafkaError, OSError) as fault:
            raise ReplayNotTaken(Message("replay_no_kafka", reason=str(fault))) from fault


def _result_of(request: str, poll: Callable[[], list[Any]]) -> ReplayResult:
    until_s = monotonic() + ANSWERED_WITHIN_S
    while monotonic() < until_s:
        for record in poll():
            if dict(record.headers).get(KIND_HEADER) != RESULT:
                continue
            try:
                result = ReplayResult.decode(record.value or b"")
            except BatchMalformed:
                continue
            if result.id == request:
                return result
    raise ReplayNotTaken(Message("replay_no_answer"))
