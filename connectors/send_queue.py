"""Per-source send queue: one message in flight; spills to disk while the broker is away; recovers after a crash."""

from __future__ import annotations

import logging
import time
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from threading import Condition
from typing import Any, Protocol

from connectors.batching import OutgoingMessage, PendingIntake
from connectors.checkpoint import Checkpoint, CheckpointFile, Serial
from connectors.producer import SharedProducer
from connectors.recovery import RecoveredState, batch_id, kind_of, recover, serial_of
from connectors.same_key import SameKey
from connectors.spool import Spool, SpooledMessage
from ioc import topics
from ioc.clock import rfc3339, to_ms
from ioc.errors import BrokerUnavailable, SpoolFull
from ioc.messages import Message
from ioc.wire.headers import BatchHeaders

LOG = logging.getLogger(__name__)
NOTICE_S = 60.0
MAX_UNSAFE_S = 1.0
"""A message that the broker has not acknowledged for this time goes to disk."""
_TIDY_SPOOL_BYTES = 16 * 1024 * 1024
_MIN_RETRY_S, _MAX_RETRY_S = 0.25, 2.0


class QueueStage(StrEnum):
    """`away`: the broker does not answer, and the next opening is not due yet; also before the first one."""

    AWAY = "away"
    OPENING = "opening"
    OPEN = "open"
    CLOSED = "closed"


@dataclass
class QueuedMessage:
    """A message with its serial.

    `frame` says where it is on disk, None while only memory has it; then its value is in the message. `pending` are
    the intakes to settle once it is safe.
    """

    serial: Serial
    message: OutgoingMessage
    since_s: float
    frame: SpooledMessage | None = None
    pending: Sequence[PendingIntake] = ()


class QueueOwner(Protocol):
    """The owner of a queue. All methods are called with the queue's lock held."""

    def learn(self, recovered: RecoveredState) -> None:
        """Learn what earlier writers have sent; called once, before anything else is sent."""

    def acknowledged(self, message: OutgoingMessage) -> None:
        """Note that the message is in the log."""

    def before_checkpoint(self) -> None:
        """Write what must be on disk before the checkpoint moves past the acknowledged messages. Raises OSError."""

    def ready(self) -> None:
        """Note that records can be submitted, after the first opening."""


class SendQueue:
    """The queue of one source. All methods are called with `changed`'s lock held, but for `replaced_by`.

    One message at a time is in flight, so that what a crash or a failure leaves in the log is always a beginning of
    the queue. After a failed delivery the source is opened again under a higher generation, and the log tells whether
    the message had arrived.
    """

    def __init__(
        self, producer: SharedProducer, source: str, changed: Condition, owner: QueueOwner, *, same_key: SameKey
    ) -> None:
        """Load checkpoint and spool. Raises ConfigurationInvalid when another process runs the source."""
        self._producer = producer
        self._source = source
        self._partition = topics.partition_of(source, producer.partitions)
        self._changed = changed
        self._owner = owner
        self._same_key = same_key
        self._file = CheckpointFile(producer.data_dir, source)
        try:
            stored = self._file.load()
            self.spool = Spool(producer.data_dir, source, producer.spool_bytes)
            frames = self.spool.load()
        except BaseException:
            self._file.close()  # or the next attempt would find the source held by this one
            raise
        self._is_new = stored is None
        self.checkpoint = stored or Checkpoint()
        self.messages: deque[QueuedMessage] = deque(
            QueuedMessage(frame.serial, _message_of(frame), 0.0, frame) for frame in frames
        )
        self.stage = QueueStage.AWAY
        self.error: str = ""
        self.was_open = False
        self.delivered = 0
        """Records acknowledged since the present generation began."""
        self.notice: str = ""
        """A fault of the writer that is over; shown for NOTICE_S."""
        self._notice_until_s = 0.0
        self._replaced_at: dict[str, int] = {}
        self._retry_at_s = 0.0
        self._retry_after_s = _MIN_RETRY_S
        self._in_flight = False
        self._results: deque[tuple[int, int | None, Exception | None]] = deque()
        self._epoch = 0
        self._sequence = 0
        self._count = 0
        producer.fences.watch(source, self)

    def put(self, messages: Sequence[OutgoingMessage], pending: Sequence[PendingIntake]) -> None:
        """Queue one flush. Several messages go to disk first, since a part must not stand for the whole.

        Raises SpoolFull when the disk is full; none of the flush is then queued.
        """
        now_s = time.monotonic()
        flush = []
        for message in messages:
            self._count += 1
            flush.append(QueuedMessage((self.checkpoint.generation, self._count), message, now_s))
        flush[-1].pending = pending
        self.messages.extend(flush)
        if len(flush) > 1:
            try:
                self.spool_all()
            except SpoolFull:
                for _ in flush:
                    self.messages.pop()
                raise

    def spool_all(self) -> None:
        """Spool what only memory holds; it is safe from then on. Raises SpoolFull when the disk is full."""
        unspooled = [queued for queued in self.messages if queued.frame is None]
        if not unspooled:
            return
        frames = self.spool.append([(queued.serial, queued.message) for queued in unspooled])
        for queued, frame in zip(unspooled, frames, strict=True):
            queued.frame = frame
            if not self._is_flowing():
                queued.message = replace(queued.message, value=b"")
            _settle(queued)
        self._changed.notify_all()

    def replaced_by(self, topic: str, offset: int, generation: int) -> None:
        """Open a generation above that of another writer of the source, and send again what was sent after it.

        May be called from any thread, without the lock.
        """
        with self._changed:
            if self.stage is not QueueStage.OPEN or generation <= self.checkpoint.generation:
                return
            self._replaced_at[topic] = min(offset, self._replaced_at.get(topic, offset))
            self.notice = Message(
                "source_written_elsewhere",
                source=self._source,
                generation=generation,
                topic=topic,
                partition=self._partition,
                offset=offset,
            )
            self._notice_until_s = time.monotonic() + NOTICE_S
            LOG.warning("%s", self.notice)
            self._fail(self.notice)
            self._retry_at_s = 0.0
        self._producer.wake()

    def step(self, now_s: float) -> None:
        """Handle acknowledgements, open or send when it is time, and spool what has waited too long.

        Raises SpoolFull when the disk is full.
        """
        if self.notice and now_s > self._notice_until_s:
            self.notice = ""
        while self._results:
            self._delivered(*self._results.popleft())
        if self.stage is QueueStage.AWAY and now_s >= self._retry_at_s:
            self.stage = QueueStage.OPENING
            self._producer.background.submit(self._open)
        if self.stage is QueueStage.OPEN and self.messages and not self._in_flight:
            self._send(self.messages[0])
        if self.was_open and any(q.frame is None and now_s - q.since_s > MAX_UNSAFE_S for q in self.messages):
            self.spool_all()

    def unspooled_bytes(self) -> int:
        """Return the size of what only memory holds."""
        return sum(len(queued.message.value) for queued in self.messages if queued.frame is None)

    def wants_to_drain(self) -> bool:
        """Whether the spool has grown though the broker accepts messages.

        It can be emptied once none of its messages is queued.
        """
        return self._is_flowing() and self.spool.size_bytes > _TIDY_SPOOL_BYTES and bool(self.messages)

    def save(self, position: Any, totals: dict[str, int]) -> None:
        """Save the checkpoint. Raises OSError."""
        self._owner.before_checkpoint()
        self.checkpoint = replace(self.checkpoint, position=position, totals=totals)
        self._file.save(self.checkpoint)

    def give_up(self, failure: Exception) -> None:
        """Report to the senders of what only memory holds that it is not safe."""
        refusal = SpoolFull(Message("source_buffer_failed", source=self._source, reason=str(failure)))
        for queued in self.messages:
            if queued.frame is None:
                for pending in queued.pending:
                    if not pending.safe.done():
                        pending.safe.set_exception(refusal)

    def close(self) -> None:
        """Release the files, and with them the source."""
        self.stage = QueueStage.CLOSED
        self._producer.fences.unwatch(self._source)
        self.spool.close()
        self._file.close()

    def _is_flowing(self) -> bool:
        return self.stage is QueueStage.OPEN and (
            not self.messages or time.monotonic() - self.messages[0].since_s < MAX_UNSAFE_S
        )

    def _open(self) -> None:
        """Open the source; blocks. Runs in a background thread, without the lock."""
        known = None if self._is_new else self.checkpoint
        try:
            recovered = recover(
                self._producer, self._source, known, with_keys=not self.was_open, replaced_at=self._replaced_at
            )
        except BrokerUnavailable as fault:
            with self._changed:
                self._fail(fault.message)
            return
        except Exception as fault:
            LOG.exception("opening %s", self._source)
            with self._changed:
                self._fail(Message("source_not_opened", reason=repr(fault)))
            return
        with self._changed:
            if self.stage is not QueueStage.CLOSED:
                try:
                    self._apply(recovered)
                except (OSError, SpoolFull) as fault:  # the checkpoint cannot be written; it is tried again
                    self._fail(Message("source_checkpoint_failed", reason=str(fault)))
        self._producer.wake()

    def _apply(self, recovered: RecoveredState) -> None:
        if not self.was_open:
            self._owner.learn(recovered)
        while self.messages and self.messages[0].serial <= recovered.delivered:
            queued = self.messages.popleft()
            self._owner.acknowledged(queued.message)
            _settle(queued)
        self.checkpoint = replace(
            self.checkpoint,
            generation=recovered.generation,
            offsets=recovered.offsets,
            delivered=recovered.delivered,
            position=recovered.position,
        ).for_same_key(self._same_key, to_ms(self._producer.clock.now()))
        # Before any record is sent: without it on disk, nobody would know after a crash where to begin reading back.
        self._owner.before_checkpoint()
        self._file.save(self.checkpoint)
        self._is_new = False
        self.delivered = self._sequence = 0
        self._in_flight = False
        self._epoch += 1
        self._send_again(recovered)
        self._tidy()
        self.stage, self.error, self._retry_after_s = QueueStage.OPEN, "", _MIN_RETRY_S
        if not self.was_open:
            self.was_open = True
            self._owner.ready()
        self._changed.notify_all()

    def _send_again(self, recovered: RecoveredState) -> None:
        """Queue what the historian did not accept, after everything else: its serials must stay the highest."""
        self._replaced_at = {}
        serials = {queued.serial for queued in self.messages}
        for echo in recovered.echoes:
            headers = echo.headers
            if serial_of(headers.batch_id) in serials:
                continue  # its acknowledgement has not arrived yet
            self._count += 1
            message = OutgoingMessage(echo.topic, echo.value, headers.received or 0, headers.duplicate, 0, None, {})
            self.messages.append(QueuedMessage((recovered.generation, self._count), message, time.monotonic()))

    def _send(self, queued: QueuedMessage) -> None:
        message = queued.message
        value = message.value or (self.spool.value(queued.frame) if queued.frame else b"")
        self._sequence += 1
        headers = BatchHeaders(
            source=self._source,
            kind=kind_of(message.topic),
            batch_id=batch_id(self._source, queued.serial),
            time=rfc3339(self._producer.clock.now()),
            generation=self.checkpoint.generation,
            sequence=self._sequence,
            received=message.received,
            duplicate=message.duplicate,
            position=message.position,
            requests=message.requests,
            corrects=self._same_key is SameKey.CORRECTION and message.topic == topics.READINGS,
        )
        epoch = self._epoch

        def done(offset: int | None, fault: Exception | None) -> None:
            self._results.append((epoch, offset, fault))
            self._producer.wake()

        try:
            self._in_flight = True
            self._producer.send(message.topic, self._partition, value, headers.encode(), done)
        except BrokerUnavailable as fault:
            self._fail(fault.message)

    def _delivered(self, epoch: int, offset: int | None, fault: Exception | None) -> None:
        """Handle the acknowledgement or failure of the first message; those of former openings are ignored."""
        if epoch != self._epoch or not self.messages:
            return
        if offset is None:
            self._fail(Message("kafka_unacknowledged", reason=str(fault)))
            return
        self._in_flight = False
        queued = self.messages.popleft()
        self.delivered += queued.message.received
        offsets = {**self.checkpoint.offsets, queued.message.topic: offset + 1}
        self.checkpoint = replace(self.checkpoint, offsets=offsets, delivered=queued.serial)
        if queued.message.position is not None:
            self.checkpoint = replace(self.checkpoint, position=queued.message.position)
        self._owner.acknowledged(queued.message)
        _settle(queued)
        self._tidy()
        self._changed.notify_all()

    def _tidy(self) -> None:
        if self.spool.size_bytes and not any(queued.frame for queued in self.messages):
            self.spool.clear()

    def _fail(self, error: str) -> None:
        if self.stage is QueueStage.CLOSED:
            return
        self.stage, self.error = QueueStage.AWAY, error
        self._retry_at_s = time.monotonic() + self._retry_after_s
        self._retry_after_s = min(_MAX_RETRY_S, self._retry_after_s * 2)
        self._changed.notify_all()


def _settle(queued: QueuedMessage) -> None:
    """Report to the senders that their records are safe."""
    for pending in queued.pending:
        if not pending.safe.done():
            pending.safe.set_result(None)
    queued.pending = ()


def _message_of(frame: SpooledMessage) -> OutgoingMessage:
    """Return the message of a frame, without its value."""
    return OutgoingMessage(
        frame.topic,
        b"",
        frame.received,
        frame.duplicate,
        frame.rejected,
        frame.position,
        frame.requests,
        frame.ends_group,
    )
