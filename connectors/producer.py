"""The way out of a process: one Kafka producer and one pump thread for all its sources.

One producer, since each costs a thread, a connection and its buffers; kafka-python keeps a partition's batches in
order with one request under way, so a second producer would win nothing. A producer that failed once is replaced:
one whose broker stood still while it asked for its id waits for that id for ever, and takes no message again.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from kafka import KafkaProducer
from kafka.errors import KafkaError, KafkaTimeoutError

from connectors.fence_watch import LOOK_EVERY_S, FenceWatch
from ioc import topics
from ioc.clock import Clock, SystemClock
from ioc.errors import BrokerUnavailable
from ioc.fault_register import FaultRegister
from ioc.kafka import Reader, connection, message_limits
from ioc.model.measure import Measure
from ioc.periodic_thread import PeriodicThread
from ioc.wire.headers import Headers

SPOOL_BYTES = 256 * 1024 * 1024
DELIVERY_TIMEOUT_S = 10.0
_SILENT_AT_MOST_S = DELIVERY_TIMEOUT_S + 2.0
"""Later than that a producer says nothing any more of a message."""
_ID_WITHIN_S = 1.5
"""A producer whose broker was killed as it asked for its id waits for it for ever: it is replaced after this time."""
_AWAY_FOR_S = 0.5
_SLOWEST_TICK_S = 1.0
_OVERHEAD_BYTES = 512 * 1024

Done = Callable[[int | None, Exception | None], None]
"""Told once, from the producer's thread: the offset of an acknowledged message, or why it failed."""


@dataclass(frozen=True, eq=False)
class _Sent:
    """A message whose fate is not known yet, handed over at `since_s`."""

    producer: KafkaProducer
    done: Done
    since_s: float


class Pumped(Protocol):
    """What the pump thread works for."""

    def step(self, now_s: float) -> float:
        """Do what is due (monotonic seconds) and give when to come again. Must not wait for the broker."""


class Outlet:
    """Shared by the writers of one process. `measures` tell gauges from deltas for record keys."""

    def __init__(
        self,
        bootstrap: str,
        data_dir: Path,
        *,
        partitions: int,
        measures: Mapping[str, Measure],
        security: Mapping[str, str] | None = None,
        clock: Clock | None = None,
        spool_bytes: int = SPOOL_BYTES,
        faults: FaultRegister | None = None,
    ) -> None:
        self.data_dir = data_dir
        self.partitions = partitions
        self.measures = measures
        self.clock = clock or SystemClock()
        self.spool_bytes = spool_bytes
        self.limits: Mapping[str, int] = {}
        """Bytes of the largest batch that each topic takes, once the broker has told."""
        self._address = (bootstrap, dict(security or {}))
        self.background = ThreadPoolExecutor(2, thread_name_prefix="opening")
        self._connection: dict[str, Any] = {
            **connection(bootstrap, security or {}),
            "bootstrap_timeout_ms": 5000,
            "reconnect_backoff_max_ms": 500,
            "request_timeout_ms": 5000,
            "metrics_enabled": False,
        }
        self._producer: KafkaProducer | None = None
        self._producer_lock = threading.Lock()
        self._away_until_s = 0.0
        self._sent: set[_Sent] = set()
        self._sent_lock = threading.Lock()
        self._pumped: tuple[Pumped, ...] = ()
        self._pumped_lock = threading.Lock()
        self.fences = FenceWatch(self.consumer)
        self._pump = PeriodicThread("outlet", self._step, _SLOWEST_TICK_S, faults)
        self._pump.start()
        self._fence_watch = PeriodicThread("fence-watch", self._look_for_others, LOOK_EVERY_S, faults)
        self._fence_watch.start()

    def attach(self, pumped: Pumped) -> None:
        with self._pumped_lock:
            self._pumped = (*self._pumped, pumped)
        self.wake()

    def detach(self, pumped: Pumped) -> None:
        with self._pumped_lock:
            self._pumped = tuple(other for other in self._pumped if other is not pumped)

    def wake(self) -> None:
        self._pump.wake()

    def send(self, topic: str, partition: int, value: bytes, headers: Headers, done: Done) -> None:
        """Hand one message to the producer; `done` is told what came of it, some seconds after DELIVERY_TIMEOUT_S at
        the latest. Waits a second at most, when the broker has never told of the topic.

        Raises BrokerUnavailable when it could not even be handed over.
        """
        producer = self._producer
        if producer is None:
            raise BrokerUnavailable("Kafka does not answer.")
        try:
            future = producer.send(topic, value, headers=headers, partition=partition)
        except KafkaError as fault:
            raise BrokerUnavailable(f"Kafka does not take a message: {fault}") from fault
        sent = _Sent(producer, done, time.monotonic())
        with self._sent_lock:
            self._sent.add(sent)
        future.add_callback(lambda found: self._acknowledged(sent, topic, partition, found.offset))
        future.add_errback(lambda fault: self._told(sent, None, fault))

    def producer(self) -> KafkaProducer:
        """Return the process's producer; make it if there is none, which waits some seconds for the broker.

        Raises BrokerUnavailable, at once when another thread has just waited in vain."""
        with self._producer_lock:
            if self._producer is None:
                if time.monotonic() < self._away_until_s:
                    raise BrokerUnavailable("Kafka does not answer.")
                try:
                    self._producer = KafkaProducer(
                        **self._connection,
                        enable_idempotence=True,
                        acks="all",
                        linger_ms=0,
                        delivery_timeout_ms=int(DELIVERY_TIMEOUT_S * 1000),
                        max_block_ms=1000,
                        max_request_size=topics.MESSAGE_BYTES + _OVERHEAD_BYTES,
                    )
                except (KafkaError, OSError) as fault:
                    self._away_until_s = time.monotonic() + _AWAY_FOR_S
                    raise BrokerUnavailable(f"Kafka does not answer: {fault}") from fault
            return self._producer

    def ask_limits(self) -> None:
        """Learn how large messages may be. Raises BrokerUnavailable."""
        self.limits = message_limits(*self._address)

    def consumer(self) -> Reader:
        """A reader of its own for an opening. Raises BrokerUnavailable."""
        try:
            return Reader(
                **self._connection,
                enable_auto_commit=False,
                fetch_max_wait_ms=50,
                max_partition_fetch_bytes=topics.MESSAGE_BYTES,
                max_poll_records=2000,
            )
        except (KafkaError, OSError) as fault:
            raise BrokerUnavailable(f"Kafka does not answer: {fault}") from fault

    def close(self) -> None:
        """Stop the pump and the producer; writers must have been closed."""
        self._fence_watch.stop()
        self.fences.close()
        self._pump.stop()
        self.background.shutdown(wait=True, cancel_futures=True)
        if self._producer is not None:
            self._producer.close(timeout=2)

    def _acknowledged(self, sent: _Sent, topic: str, partition: int, offset: int) -> None:
        self.fences.acknowledged(topic, partition, offset)
        self._told(sent, offset, None)

    def _look_for_others(self) -> None:
        with suppress(KafkaError, OSError, BrokerUnavailable):  # the broker is away, which its writers tell
            self.fences.look()

    def _told(self, sent: _Sent, offset: int | None, fault: Exception | None) -> None:
        """Once of each message, whoever is first to know."""
        with self._sent_lock:
            if sent not in self._sent:
                return
            self._sent.remove(sent)
        if fault is not None:
            self._replace(sent.producer)
        sent.done(offset, fault)

    def _replace(self, producer: KafkaProducer) -> None:
        sender = producer._sender
        if self._producer is not producer:
            return  # without waiting for who makes another
        with self._producer_lock:
            if self._producer is not producer:
                return
            self._producer = None
        # What is under way fails now, and is told so. `close` alone would give up over what it cannot flush, and leave
        # the thread of the producer behind.
        sender.force_close()
        threading.Thread(target=lambda: _close(producer), name="producer-closing", daemon=True).start()

    def _step(self) -> float:
        now_s = time.monotonic()
        next_s = now_s + _SLOWEST_TICK_S
        with self._sent_lock:
            silent = [sent for sent in self._sent if now_s - sent.since_s > _SILENT_AT_MOST_S]
            waiting = [
                sent for sent in self._sent if now_s - sent.since_s > _ID_WITHIN_S and _waits_for_id(sent.producer)
            ]
        for sent in silent:
            self._told(sent, None, KafkaTimeoutError("nothing was heard of a message"))
        for sent in waiting:
            self._told(sent, None, KafkaTimeoutError("the producer waits for its id"))
        for pumped in self._pumped:
            try:
                next_s = min(next_s, pumped.step(now_s))
            except Exception as failure:  # noqa: BLE001  one source's fault must not stop the others
                self._pump.failed(failure)
        return max(0.0, next_s - time.monotonic())


def _waits_for_id(producer: KafkaProducer) -> bool:
    transactions = producer._transaction_manager
    return transactions is not None and (not transactions.has_producer_id() or transactions.is_bumping_epoch())


def _close(producer: KafkaProducer) -> None:
    producer._sender.join(_SILENT_AT_MOST_S)
    with suppress(KafkaError):
        producer.close(timeout=0)
