"""The one way of a source into Kafka: in order, each record once, and nothing lost that was reported safe."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import replace
from typing import Any

import pyarrow as pa

from connectors.batching import (
    SCHEMAS,
    Intake,
    IntakeResult,
    OutgoingMessage,
    PendingIntake,
    WriterCounts,
    build_messages,
    case_rows,
    newest_time,
    require_schema,
)
from connectors.checkpoint import checked_source_name
from connectors.deduplication import Deduplicator
from connectors.known_keys import KeyFile, Keys
from connectors.producer import SharedProducer
from connectors.recovery import RecoveredState
from connectors.row_keys import Flags
from connectors.same_key import SameKey
from connectors.send_queue import MAX_UNSAFE_S, QueueStage, SendQueue
from ioc import topics
from ioc.errors import BrokerUnavailable, SpoolFull
from ioc.messages import Message
from ioc.model.case import Case
from ioc.model.reading import Reading
from ioc.model.rejection import Rejection, count_records
from ioc.wire.schemas import readings_batch

FLUSH_S = 0.1
FLUSH_BYTES = 1024 * 1024
_MAX_QUEUED = 3
_MAX_MEMORY_BYTES = 24 * 1024 * 1024
_CHECKPOINT_EVERY_S = 1.0
_MAX_ANSWERS = 10_000


class SourceWriter:
    """Writes one source's records. Whoever runs the source makes it and closes it. Thread-safe."""

    def __init__(
        self,
        producer: SharedProducer,
        source: str,
        *,
        same_key: SameKey = SameKey.REPEAT,
        protect: Callable[[Intake], Intake] = lambda intake: intake,
    ) -> None:
        """Begin to open the writer; `opened` resolves, and `open` returns, when records can be submitted.

        `protect` takes personal data out of each intake before anything else sees it. Raises ConfigurationInvalid when
        another process runs the source, or its name is not valid.
        """
        self._protect = protect
        self.source = source
        self._producer = producer
        self._lock = threading.RLock()
        self._changed = threading.Condition(self._lock)
        key_file = KeyFile(producer.data_dir, checked_source_name(source))
        self.same_key = same_key
        self._deduplicator = Deduplicator(same_key, lambda: producer.measures, key_file)
        self._queue = SendQueue(producer, source, self._changed, self, same_key=same_key)
        self._answers: dict[str, Any] = {}
        self._position: Any = None
        self._buffer: list[PendingIntake] = []
        self._buffer_bytes = 0
        self._buffered_since_s = 0.0
        self._saved_s = 0.0
        self._has_unsaved = False
        self._counts = WriterCounts()
        self._disk_error: str = ""
        self._step_error: str = ""
        self.opened = _promise()
        producer.attach(self)

    def open(self, timeout_s: float = 30.0) -> None:
        """Wait until older writers are fenced off and the log is read back, which begins when the writer is made.

        Raises BrokerUnavailable after `timeout_s`; the opening goes on, and another call waits for it again.
        """
        with self._changed:
            if not self._changed.wait_for(lambda: self._queue.was_open, timeout_s):
                raise BrokerUnavailable(Message.of(self.error) if self.error else Message("kafka_not_yet"))

    def close(self, timeout_s: float = 5.0) -> None:
        """Deliver or spool what is buffered, save the checkpoint and release the source. Harmless a second time."""
        with self._changed:
            if self._queue.stage is QueueStage.CLOSED:
                return
            self._buffered_since_s = 0.0
            self._producer.wake()
            self._changed.wait_for(lambda: self._is_drained() or self._queue.stage is not QueueStage.OPEN, timeout_s)
            self._producer.detach(self)
            try:
                if self._queue.was_open:
                    while self._buffer:
                        self._flush_buffer()
                    self._queue.spool_all()
                    self._save()
            except (SpoolFull, OSError) as failure:
                # None of it was reported safe: its senders get the failure. The next writer must find the source free.
                self._queue.give_up(failure)
            finally:
                self._queue.close()

    def submit(
        self, intake: Intake, request: str = "", answer: Callable[[int, int, Sequence[Rejection]], Any] | None = None
    ) -> IntakeResult:
        """Accept an intake without waiting. Repeated records are dropped and counted, contradicting ones refused.

        With `request`, `answer(accepted, duplicate, conflicts)` is remembered under it together with the records
        themselves. Raises BrokerUnavailable before the first opening is done, and SpoolFull when the disk buffer is
        full.
        """
        intake = self._protect(intake)
        with self._changed:
            if not self.is_open:
                raise BrokerUnavailable(
                    Message.of(self.error) if self.error else Message("source_not_open", source=self.source)
                )
            under_way = self._buffer_bytes + self._queue.unspooled_bytes()
            if intake.size_bytes + under_way > self._queue.spool.room_bytes():
                raise SpoolFull(Message("source_buffer_full", source=self.source))
            fresh = self._deduplicator.remove_repeats(intake, self._queue.checkpoint.corrects_from_ms)
            pending = PendingIntake(fresh.intake, fresh.duplicates, _promise(), fresh.keys)
            accepted = sum(batch.num_rows for topic in SCHEMAS if (batch := fresh.intake.batch(topic)) is not None)
            duplicate = sum(pending.duplicates.values()) + intake.duplicate
            answered = answer(accepted, duplicate, fresh.conflicts) if answer else None
            if request:
                pending.intake = replace(fresh.intake, requests={**intake.requests, request: answered})
            if intake.position is not None:
                self._position, self._has_unsaved = intake.position, True
            if intake.records or pending.intake.requests or len(intake.row_keys):
                self._put(pending, intake.records, duplicate)
            else:
                pending.safe.set_result(None)
            rejected = count_records(pending.intake.rejections)
            return IntakeResult(accepted, duplicate, pending.safe, answered, rejected)

    def add(self, intake: Intake, timeout_s: float = 60.0) -> IntakeResult:
        """Submit an intake, but wait while much is under way. Raises SpoolFull also when `timeout_s` is over."""
        with self._changed:
            if not self._changed.wait_for(self.has_room, timeout_s):
                raise SpoolFull(Message("broker_accepts_nothing", source=self.source, seconds=timeout_s))
            return self.submit(intake)

    def add_readings(self, readings: Sequence[Reading] | pa.RecordBatch, position: Any = None) -> IntakeResult:
        """Add readings in their order; a record batch has the schema `ioc.wire.schemas.READINGS`, else ValueError."""
        batch = readings if isinstance(readings, pa.RecordBatch) else readings_batch(readings)
        return self.add(Intake(readings=require_schema(batch, topics.READINGS), position=position))

    def add_cases(self, cases: Sequence[Case] | pa.RecordBatch, position: Any = None) -> IntakeResult:
        """Add case versions in their order; a record batch has the schema `ioc.wire.schemas.CASES`, else ValueError."""
        batch = cases if isinstance(cases, pa.RecordBatch) else case_rows(cases)
        return self.add(Intake(cases=require_schema(batch, topics.CASES), position=position))

    def reject(self, rejection: Rejection, position: Any = None) -> IntakeResult:
        """Add an unfit record, which is counted and becomes a dead letter."""
        return self.add(Intake(rejections=(rejection,), position=position))

    def flush(self, timeout_s: float = 30.0) -> None:
        """Wait until the broker has acknowledged everything. Raises BrokerUnavailable after `timeout_s`."""
        with self._changed:
            self._buffered_since_s = 0.0
            self._producer.wake()
            if not self._changed.wait_for(self._is_drained, timeout_s):
                raise BrokerUnavailable(
                    Message.of(self.error)
                    if self.error
                    else Message("kafka_unconfirmed", source=self.source, seconds=timeout_s)
                )

    @property
    def position(self) -> Any:
        """The source's position after everything submitted; once open, what log, disk and checkpoint say."""
        return self._position

    @property
    def is_open(self) -> bool:
        """Whether records can be submitted."""
        return self._queue.was_open and self._queue.stage is not QueueStage.CLOSED

    @property
    def error(self) -> str:
        """Why nothing goes to the broker or the disk at present; empty when all is well."""
        return self._disk_error or self._step_error or self._queue.error

    @property
    def notice(self) -> str:
        """A recent fault of the writer that is over; empty when there was none."""
        return self._queue.notice

    def contradicts(self, readings: pa.RecordBatch) -> Flags:
        """Return for each reading whether it would be refused because its key came before with another value."""
        with self._changed:
            return self._deduplicator.contradicts(readings, self._queue.checkpoint.corrects_from_ms)

    def has_room(self) -> bool:
        """Whether little enough is under way that more may come."""
        return self._buffer_bytes + self._queue.unspooled_bytes() < _MAX_MEMORY_BYTES

    def answer_of(self, request: str) -> Any:
        """Return the remembered answer to an idempotency key, None for a new one."""
        return self._answers.get(request)

    def counts(self) -> WriterCounts:
        """Return the numbers of records so far."""
        with self._changed:
            buffered = sum(p.intake.records for p in self._buffer)
            queue = self._queue
            return replace(
                self._counts,
                buffered=buffered + sum(queued.message.received for queued in queue.messages),
                generation=queue.checkpoint.generation,
                delivered=queue.delivered,
            )

    def known_rows(self, row_keys: Keys) -> tuple[Flags, Flags]:
        """Return for each row key whether it is known, and whether it would be forgotten next (row_keys.py)."""
        with self._changed:
            return self._deduplicator.knows(row_keys)

    def step(self, now_s: float) -> float:
        """Flush what is due, send, save; the pump calls it. Return when to call again."""
        with self._changed:
            try:
                next_s = self._advance(now_s)
            except Exception as failure:
                self._step_error = Message("source_write_failed", reason=repr(failure))
                raise
            self._step_error = ""
            return next_s

    def learn(self, recovered: RecoveredState) -> None:
        """Learn what a writer before this one has sent, or left on disk."""
        self._position = recovered.position
        self._remember(recovered.requests)
        self._deduplicator.restore()
        for topic, value in recovered.batches:
            self._deduplicator.acknowledged(self._deduplicator.learn(topic, value))
        for queued in self._queue.messages:
            if queued.message.position is not None:
                self._position = queued.message.position
            self._remember(queued.message.requests)
            if queued.frame is not None:
                keys = self._deduplicator.learn(queued.message.topic, self._queue.spool.value(queued.frame))
                queued.message = replace(queued.message, keys=keys)

    def acknowledged(self, message: OutgoingMessage) -> None:
        """Note the keys of a message that is in the log."""
        self._deduplicator.acknowledged(message.keys)

    def before_checkpoint(self) -> None:
        """Write the keys of what is in the log. Raises OSError."""
        self._deduplicator.save()

    def ready(self) -> None:
        """Resolve `opened`."""
        self.opened.set_result(None)

    def _advance(self, now_s: float) -> float:
        while self._is_due(now_s):
            self._flush_buffer()
        try:
            self._queue.step(now_s)
            self._disk_error = ""
        except SpoolFull as fault:
            self._disk_error = fault.message
        if self._has_unsaved and now_s - self._saved_s > _CHECKPOINT_EVERY_S and self.is_open:
            self._save()
            self._saved_s = now_s
        if not self._buffer:
            return now_s + (0.2 if self._queue.messages else 1.0)
        return max(now_s + 0.005, self._buffered_since_s + FLUSH_S)

    def _put(self, pending: PendingIntake, records: int, duplicate: int) -> None:
        newest = newest_time(pending.intake)
        counts = self._counts
        self._counts = replace(
            counts,
            received=counts.received + records,
            rejected=counts.rejected + count_records(pending.intake.rejections),
            duplicate=counts.duplicate + duplicate,
            newest=max(filter(None, (counts.newest, newest)), default=None),
        )
        self._remember(pending.intake.requests)
        self._has_unsaved = True
        if not self._buffer:
            self._buffered_since_s = time.monotonic()
        self._buffer.append(pending)
        self._buffer_bytes += pending.intake.size_bytes
        if len(self._buffer) == 1 or self._buffer_bytes >= FLUSH_BYTES:
            self._producer.wake()

    def _is_due(self, now_s: float) -> bool:
        if not self._buffer or not self._queue.was_open:
            return False
        waited_s = now_s - self._buffered_since_s
        if self._queue.wants_to_drain():
            return waited_s > MAX_UNSAFE_S
        full = waited_s >= FLUSH_S or self._buffer_bytes >= FLUSH_BYTES
        return full and (len(self._queue.messages) < _MAX_QUEUED or waited_s > MAX_UNSAFE_S)

    def _flush_buffer(self) -> None:
        """Make messages of buffered intakes and queue them; their senders get the failure when the disk refuses."""
        pending = [self._buffer.pop(0)]
        size_bytes = pending[0].intake.size_bytes
        # As much as one message holds: a flush of several would have to go through the disk.
        while self._buffer and (size_bytes := size_bytes + self._buffer[0].intake.size_bytes) <= 2 * FLUSH_BYTES:
            pending.append(self._buffer.pop(0))
        self._buffer_bytes -= sum(p.intake.size_bytes for p in pending)
        positions = [p.intake.position for p in pending if p.intake.position is not None]
        messages = build_messages(pending, positions[-1] if positions else None, self._producer.limits)
        if not messages:
            return
        try:
            self._queue.put(messages, pending)
        except SpoolFull as fault:
            for p in pending:
                self._deduplicator.forget(p.keys)
                for request in p.intake.requests:
                    self._answers.pop(request, None)
                p.safe.set_exception(fault)

    def _remember(self, answers: Mapping[str, Any]) -> None:
        self._answers.update(answers)
        while len(self._answers) > _MAX_ANSWERS:
            del self._answers[next(iter(self._answers))]

    def _is_drained(self) -> bool:
        return not self._buffer and not self._queue.messages

    def _save(self) -> None:
        counts = self._counts
        totals = {"received": counts.received, "rejected": counts.rejected, "duplicate": counts.duplicate}
        # A position after records that are still under way is in the log and on the disk, not in the checkpoint.
        position = self._position if self._is_drained() else self._queue.checkpoint.position
        self._queue.save(position, totals)
        self._has_unsaved = not self._is_drained()


def _promise() -> Future[None]:
    """Return a future that a cancelled waiter cannot cancel."""
    promise: Future[None] = Future()
    promise.set_running_or_notify_cancel()
    return promise
