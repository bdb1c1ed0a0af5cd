"""The one Kafka producer and pump thread that all sources of a process share.

One producer, since each costs a thread, a connection and its buffers; kafka-python keeps a partition's batches in
order with one request in flight, so a second producer would gain nothing. A producer that failed once is replaced:
one whose broker stalled while it asked for its producer id waits for that id for ever and sends nothing any more.
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
from ioc.messages import Message
from ioc.model.measure import Measure
from ioc.periodic_thread import PeriodicThread
from ioc.wire.headers import Headers

MAX_SPOOL_BYTES = 256 * 1024 * 1024
DELIVERY_TIMEOUT_S = 10.0
_MAX_SILENCE_S = DELIVERY_TIMEOUT_S + 2.0
"""After this time a producer says nothing any more about a message."""
_MAX_WAIT_FOR_ID_S = 1.5
"""A producer whose broker was killed while it asked for its id would wait for ever; it is replaced after this time."""
_AWAY_FOR_S = 0.5
_MAX_TICK_S = 1.0
_OVERHEAD_BYTES = 512 * 1024

DeliveryCallback = Callable[[int | None, Exception | None], None]
"""Called once, from the producer's thread, with the offset of an acknowledged message or the reason of its failure."""


@dataclass(frozen=True, eq=False)
class _InFlight:
    """A message that was handed over at `since_s` and is neither acknowledged nor failed."""

    producer: KafkaProducer
    done: DeliveryCallback
    since_s: float


class PumpClient(Protocol):
    """Something that the pump thread calls at intervals."""

    def step(self, now_s: float) -> float:
        """Do what is due at `now_s` (monotonic seconds); return when to call again. Must not wait for the broker."""


class SharedProducer:
    """Sends messages for all writers of one process, and calls them at intervals. Thread-safe.

    `measures` tell gauges from deltas for the keys of records.
    """

    def __init__(  # noqa: PLR0913  made once per process, with keywords
        self,
        bootstrap: str,
        data_dir: Path,
        *,
        partitions: int,
        measures: Mapping[str, Measure],
        security: Mapping[str, str] | None = None,
        clock: Clock | None = None,
        spool_bytes: int = MAX_SPOOL_BYTES,
        faults: FaultRegister | None = None,
    ) -> None:
        self.data_dir = data_dir
        self.partitions = partitions
        self.measures = measures
        self.clock = clock or SystemClock()
        self.spool_bytes = spool_bytes
        self.limits: Mapping[str, int] = {}
        """Bytes of the largest batch that each topic takes; empty until the broker has answered."""
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
        self._in_flight: set[_InFlight] = set()
        self._in_flight_lock = threading.Lock()
        self._clients: tuple[PumpClient, ...] = ()
        self._clients_lock = threading.Lock()
        self.fences = FenceWatch(self.new_reader)
        self._pump = PeriodicThread("outlet", self._step, _MAX_TICK_S, faults)
        self._pump.start()
        self._fence_watch = PeriodicThread("fence-watch", self._look_for_others, LOOK_EVERY_S, faults)
        self._fence_watch.start()

    def attach(self, client: PumpClient) -> None:
        """Call the client's `step` from now on."""
        with self._clients_lock:
            self._clients = (*self._clients, client)
        self.wake()

    def detach(self, client: PumpClient) -> None:
        """Stop calling the client."""
        with self._clients_lock:
            self._clients = tuple(other for other in self._clients if other is not client)

    def wake(self) -> None:
        """Call the clients at once."""
        self._pump.wake()

    def send(self, topic: str, partition: int, value: bytes, headers: Headers, done: DeliveryCallback) -> None:
        """Hand one message to Kafka; `done` is called within a few seconds after DELIVERY_TIMEOUT_S at the latest.

        Waits for up to a second when the broker has not answered for the topic yet. Raises BrokerUnavailable when the
        message could not be handed over.
        """
        producer = self._producer
        if producer is None:
            raise BrokerUnavailable(Message("kafka_silent"))
        try:
            future = producer.send(topic, value, headers=headers, partition=partition)
        except KafkaError as fault:
            raise BrokerUnavailable(Message("kafka_refuses", reason=str(fault))) from fault
        sent = _InFlight(producer, done, time.monotonic())
        with self._in_flight_lock:
            self._in_flight.add(sent)
        future.add_callback(lambda found: self._acknowledged(sent, topic, partition, found.offset))
        future.add_errback(lambda fault: self._settle(sent, None, fault))

    def kafka_producer(self) -> KafkaProducer:
        """Return the process's producer, made if there is none; that waits for the broker for some seconds.

        Raises BrokerUnavailable, at once when another caller has just waited in vain.
        """
        with self._producer_lock:
            if self._producer is None:
                if time.monotonic() < self._away_until_s:
                    raise BrokerUnavailable(Message("kafka_silent"))
                try:
                    self._producer = KafkaProducer(
                        **self._connection,
                        enable_idempotence=True,
                        acks="all",
                        linger_ms=0,
                        delivery_timeout_ms=int(DELIVERY_TIMEOUT_S * 1000),
                        max_block_ms=1000,
                        max_request_size=topics.MAX_MESSAGE_BYTES + _OVERHEAD_BYTES,
                    )
                except (KafkaError, OSError) as fault:
                    self._away_until_s = time.monotonic() + _AWAY_FOR_S
                    raise BrokerUnavailable(Message("kafka_away", reason=str(fault))) from fault
            return self._producer

    def read_limits(self) -> None:
        """Read from the broker how large messages may be. Raises BrokerUnavailable."""
        self.limits = message_limits(*self._address)

    def new_reader(self) -> Reader:
        """Return a new consumer, which the caller closes. Raises BrokerUnavailable."""
        try:
            return Reader(
                **self._connection,
                enable_auto_commit=False,
                fetch_max_wait_ms=50,
                max_partition_fetch_bytes=topics.MAX_MESSAGE_BYTES,
                max_poll_records=2000,
            )
        except (KafkaError, OSError) as fault:
            raise BrokerUnavailable(Message("kafka_away", reason=str(fault))) from fault

    def close(self) -> None:
        """Stop the pump and the producer; the writers must have been closed."""
        self._fence_watch.stop()
        self.fences.close()
        self._pump.stop()
        self.background.shutdown(wait=True, cancel_futures=True)
        if self._producer is not None:
            self._producer.close(timeout=2)

    def _acknowledged(self, sent: _InFlight, topic: str, partition: int, offset: int) -> None:
        self.fences.acknowledged(topic, partition, offset)
        self._settle(sent, offset, None)

    def _look_for_others(self) -> None:
        with suppress(KafkaError, OSError, BrokerUnavailable):  # the broker is away, which the writers report
            self.fences.look()

    def _settle(self, sent: _InFlight, offset: int | None, fault: Exception | None) -> None:
        """Call the message's callback, unless that has happened."""
        with self._in_flight_lock:
            if sent not in self._in_flight:
                return
            self._in_flight.remove(sent)
        if fault is not None:
            self._replace(sent.producer)
        sent.done(offset, fault)

    def _replace(self, producer: KafkaProducer) -> None:
        sender = producer._sender  # noqa: SLF001  kafka-python has no other way to abort what is in flight
        if self._producer is not producer:
            return  # does not wait for a thread that is making another
        with self._producer_lock:
            if self._producer is not producer:
                return
            self._producer = None
        # What is in flight fails now, with its callbacks. `close` alone would give up over what it cannot flush, and
        # leave the producer's thread behind.
        sender.force_close()
        threading.Thread(target=lambda: _close(producer), name="producer-closing", daemon=True).start()

    def _step(self) -> float:
        now_s = time.monotonic()
        next_s = now_s + _MAX_TICK_S
        with self._in_flight_lock:
            silent = [sent for sent in self._in_flight if now_s - sent.since_s > _MAX_SILENCE_S]
            waiting = [
                sent
                for sent in self._in_flight
                if now_s - sent.since_s > _MAX_WAIT_FOR_ID_S and _waits_for_id(sent.producer)
            ]
        for sent in silent:
            self._settle(sent, None, KafkaTimeoutError("the broker did not answer for a message"))
        for sent in waiting:
            self._settle(sent, None, KafkaTimeoutError("the producer waits for its id"))
        for client in self._clients:
            try:
                next_s = min(next_s, client.step(now_s))
            except Exception as failure:  # noqa: BLE001  one source's fault must not stop the others
                self._pump.failed(failure)
        return max(0.0, next_s - time.monotonic())


def _waits_for_id(producer: KafkaProducer) -> bool:
    transactions = producer._transaction_manager  # noqa: SLF001  the id is kept nowhere else
    return transactions is not None and (not transactions.has_producer_id() or transactions.is_bumping_epoch())


def _close(producer: KafkaProducer) -> None:
    producer._sender.join(_MAX_SILENCE_S)  # noqa: SLF001  `close` does not wait for it after `force_close`
    with suppress(KafkaError):
        producer.close(timeout=0)
