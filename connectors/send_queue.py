"""Sealed messages on their way to the broker: one at a time, through the disk when it is away, across crashes."""

from __future__ import annotations

import logging
import time
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from threading import Condition
from typing import Any, Protocol

from connectors.batching import Message, Pending
from connectors.checkpoint import Checkpoint, CheckpointFile, Serial
from connectors.producer import Outlet
from connectors.recovery import Opened, batch_id, kind_of, open_log, serial_of
from connectors.same_key import SameKey
from connectors.spool import Spool, Spooled
from ioc import topics
from ioc.clock import rfc3339, to_ms
from ioc.errors import BrokerUnavailable, SpoolFull
from ioc.wire.headers import BatchHeaders

NOTICE_S = 60.0
UNSAFE_AT_MOST_S = 1.0
"""A message that the broker has not acknowledged for so long goes to disk."""
_TIDY_SPOOL_BYTES = 16 * 1024 * 1024
_FIRST_RETRY_S, _LONGEST_RETRY_S = 0.25, 2.0


class Stage(StrEnum):
    """`away`: the broker does not answer, the next opening has its time; also before the first."""

    AWAY = "away"
    OPENING = "opening"
    OPEN = "open"
    CLOSED = "closed"


@dataclass
class Sealed:
    """A message with its identity. `value` is None while only the disk holds it; `pending` is told at the end."""

    serial: Serial
    message: Message
    since_s: float
    frame: Spooled | None = None
    pending: Sequence[Pending] = ()


class Owner(Protocol):
    """Whoever a queue belongs to. All methods are called with the queue's lock held."""

    def learn(self, opened: Opened) -> None:
        """Take what earlier writers have sent, once, before anything else is sent."""

    def acknowledged(self, message: Message) -> None:
        """The message is in the log."""

    def before_checkpoint(self) -> None:
        """Write what must be on disk before the checkpoint moves past the acknowledged messages. Raises OSError."""

    def ready(self) -> None:
        """Records can be taken, from the first opening on."""


class Delivery:
    """The queue of one source. All methods are called with `changed`'s lock held.

    One message at a time is under way, so that what a crash or a failure leaves in the log is always a beginning of
    the queue. After a failed delivery the source is opened anew under a higher generation, and the log tells whether
    the message had come through.
    """

    def __init__(self, outlet: Outlet, source: str, changed: Condition, owner: Owner, *, same_key: SameKey) -> None:
        """Raises ConfigurationInvalid when another process runs the source, or its name is not one."""
        self._outlet = outlet
        self._source = source
        self._partition = topics.partition_of(source, outlet.partitions)
        self._changed = changed
        self._owner = owner
        self._same_key = same_key
        self._file = CheckpointFile(outlet.data_dir, source)
        try:
            stored = self._file.load()
            self.spool = Spool(outlet.data_dir, source, outlet.spool_bytes)
            frames = self.spool.load()
        except BaseException:
            self._file.close()  # else the next try would find the source held by this one
            raise
        self._is_new = stored is None
        self.checkpoint = stored or Checkpoint()
        self.queue: deque[Sealed] = deque(Sealed(frame.serial, _of_frame(frame), 0.0, frame) for frame in frames)
        self.stage = Stage.AWAY
        self.error = ""
        self.was_open = False
        self.delivered = 0
        """Records acknowledged since the present generation began."""
        self.notice = ""
        """A fault of the writer that is over; shown for NOTICE_S."""
        self._notice_until_s = 0.0
        self._replaced_at: dict[str, int] = {}
        self._retry_at_s = 0.0
        self._retry_after_s = _FIRST_RETRY_S
        self._under_way = False
        self._results: deque[tuple[int, int | None, Exception | None]] = deque()
        self._epoch = 0
        self._sequence = 0
        self._count = 0
        outlet.fences.watch(source, self)

    def put(self, messages: Sequence[Message], pending: Sequence[Pending]) -> None:
        """Queue one flush. Several messages go to disk first, since a part must not stand for the whole.

        Raises SpoolFull when the disk is full; none of the flush is then queued.
        """
        now_s = time.monotonic()
        flush = []
        for message in messages:
            self._count += 1
            flush.append(Sealed((self.checkpoint.generation, self._count), message, now_s))
        flush[-1].pending = pending
        self.queue.extend(flush)
        if len(flush) > 1:
            try:
                self.to_disk()
            except SpoolFull:
                for _ in flush:
                    self.queue.pop()
                raise

    def to_disk(self) -> None:
        """Spool what only memory holds; it is safe from then on. Raises SpoolFull when the disk is full."""
        unspooled = [sealed for sealed in self.queue if sealed.frame is None]
        if not unspooled:
            return
        frames = self.spool.append([(sealed.serial, sealed.message) for sealed in unspooled])
        for sealed, frame in zip(unspooled, frames, strict=True):
            sealed.frame = frame
            if not self._is_flowing():
                sealed.message = replace(sealed.message, value=b"")
            _tell(sealed)
        self._changed.notify_all()

    def replaced_by(self, topic: str, offset: int, generation: int) -> None:
        """Open a generation above that of another writer of the source, and send again what was sent behind it.
        May be called from any thread, without the lock."""
        with self._changed:
            if self.stage is not Stage.OPEN or generation <= self.checkpoint.generation:
                return
            self._replaced_at[topic] = min(offset, self._replaced_at.get(topic, offset))
            self.notice = (
                f"Another has written under the name {self._source!r} (generation {generation}, {topic} partition "
                f"{self._partition} offset {offset}); the writer reopens and sends again what it had sent since. "
                "Find out who does."
            )
            self._notice_until_s = time.monotonic() + NOTICE_S
            logging.getLogger(__name__).warning("%s", self.notice)
            self._fail(self.notice)
            self._retry_at_s = 0.0
        self._outlet.wake()

    def step(self, now_s: float) -> None:
        if self.notice and now_s > self._notice_until_s:
            self.notice = ""
        while self._results:
            self._told(*self._results.popleft())
        if self.stage is Stage.AWAY and now_s >= self._retry_at_s:
            self.stage = Stage.OPENING
            self._outlet.background.submit(self._open)
        if self.stage is Stage.OPEN and self.queue and not self._under_way:
            self._send(self.queue[0])
        if self.was_open and any(s.frame is None and now_s - s.since_s > UNSAFE_AT_MOST_S for s in self.queue):
            self.to_disk()

    def unspooled_bytes(self) -> int:
        return sum(len(sealed.message.value) for sealed in self.queue if sealed.frame is None)

    def wants_to_drain(self) -> bool:
        """The spool has grown though the broker takes messages: it can be emptied once nothing of it is queued."""
        return self._is_flowing() and self.spool.size_bytes > _TIDY_SPOOL_BYTES and bool(self.queue)

    def save(self, position: Any, totals: dict[str, int]) -> None:
        """Save the checkpoint. Raises OSError."""
        self._owner.before_checkpoint()
        self.checkpoint = replace(self.checkpoint, position=position, totals=totals)
        self._file.save(self.checkpoint)

    def give_up(self, failure: Exception) -> None:
        """Tell the senders of what only memory holds that it is not safe."""
        refusal = SpoolFull(f"The disk buffer of {self._source!r} cannot be written: {failure}")
        for sealed in self.queue:
            if sealed.frame is None:
                for pending in sealed.pending:
                    if not pending.safe.done():
                        pending.safe.set_exception(refusal)

    def close(self) -> None:
        self.stage = Stage.CLOSED
        self._outlet.fences.unwatch(self._source)
        self.spool.close()
        self._file.close()

    def _is_flowing(self) -> bool:
        return self.stage is Stage.OPEN and (
            not self.queue or time.monotonic() - self.queue[0].since_s < UNSAFE_AT_MOST_S
        )

    def _open(self) -> None:
        """In a background thread, without the lock; blocks."""
        known = None if self._is_new else self.checkpoint
        try:
            opened = open_log(
                self._outlet, self._source, known, with_keys=not self.was_open, replaced_at=self._replaced_at
            )
        except BrokerUnavailable as fault:
            with self._changed:
                self._fail(str(fault))
            return
        except Exception as fault:
            logging.getLogger(__name__).exception("opening %s", self._source)
            with self._changed:
                self._fail(f"The source cannot be opened: {fault!r}")
            return
        with self._changed:
            if self.stage is not Stage.CLOSED:
                try:
                    self._apply(opened)
                except (OSError, SpoolFull) as fault:  # the checkpoint cannot be written; it is tried again
                    self._fail(f"The source cannot be opened, since the disk does not take its checkpoint: {fault}")
        self._outlet.wake()

    def _apply(self, opened: Opened) -> None:
        if not self.was_open:
            self._owner.learn(opened)
        while self.queue and self.queue[0].serial <= opened.delivered:
            sealed = self.queue.popleft()
            self._owner.acknowledged(sealed.message)
            _tell(sealed)
        self.checkpoint = replace(
            self.checkpoint,
            generation=opened.generation,
            offsets=opened.offsets,
            delivered=opened.delivered,
            position=opened.position,
        ).for_same_key(self._same_key, to_ms(self._outlet.clock.now()))
        # Before any record is sent: without it on disk a crash would not know where to read back from.
        self._owner.before_checkpoint()
        self._file.save(self.checkpoint)
        self._is_new = False
        self.delivered = self._sequence = 0
        self._under_way = False
        self._epoch += 1
        self._send_again(opened)
        self._tidy()
        self.stage, self.error, self._retry_after_s = Stage.OPEN, "", _FIRST_RETRY_S
        if not self.was_open:
            self.was_open = True
            self._owner.ready()
        self._changed.notify_all()

    def _send_again(self, opened: Opened) -> None:
        """Queue what the historian did not take, behind all else: its serials must stay the highest."""
        self._replaced_at = {}
        queued = {sealed.serial for sealed in self.queue}
        for echo in opened.echoes:
            head = echo.headers
            if serial_of(head.batch_id) in queued:
                continue  # its acknowledgement has not been heard of yet
            self._count += 1
            message = Message(echo.topic, echo.value, head.received or 0, head.duplicate, 0, None, {})
            self.queue.append(Sealed((opened.generation, self._count), message, time.monotonic()))

    def _send(self, sealed: Sealed) -> None:
        message = sealed.message
        value = message.value or (self.spool.value(sealed.frame) if sealed.frame else b"")
        self._sequence += 1
        headers = BatchHeaders(
            source=self._source,
            kind=kind_of(message.topic),
            batch_id=batch_id(self._source, sealed.serial),
            time=rfc3339(self._outlet.clock.now()),
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
            self._outlet.wake()

        try:
            self._under_way = True
            self._outlet.send(message.topic, self._partition, value, headers.encode(), done)
        except BrokerUnavailable as fault:
            self._fail(str(fault))

    def _told(self, epoch: int, offset: int | None, fault: Exception | None) -> None:
        if epoch != self._epoch or not self.queue:
            return
        if offset is None:
            self._fail(f"Kafka does not acknowledge: {fault}")
            return
        self._under_way = False
        sealed = self.queue.popleft()
        self.delivered += sealed.message.received
        offsets = {**self.checkpoint.offsets, sealed.message.topic: offset + 1}
        self.checkpoint = replace(self.checkpoint, offsets=offsets, delivered=sealed.serial)
        if sealed.message.position is not None:
            self.checkpoint = replace(self.checkpoint, position=sealed.message.position)
        self._owner.acknowledged(sealed.message)
        _tell(sealed)
        self._tidy()
        self._changed.notify_all()

    def _tidy(self) -> None:
        if self.spool.size_bytes and not any(sealed.frame for sealed in self.queue):
            self.spool.clear()

    def _fail(self, error: str) -> None:
        if self.stage is Stage.CLOSED:
            return
        self.stage, self.error = Stage.AWAY, error
        self._retry_at_s = time.monotonic() + self._retry_after_s
        self._retry_after_s = min(_LONGEST_RETRY_S, self._retry_after_s * 2)
        self._changed.notify_all()


def _tell(sealed: Sealed) -> None:
    for pending in sealed.pending:
        if not pending.safe.done():
            pending.safe.set_result(None)
    sealed.pending = ()


def _of_frame(frame: Spooled) -> Message:
    return Message(
        frame.topic,
        b"",
        frame.received,
        frame.duplicate,
        frame.rejected,
        frame.position,
        frame.requests,
        frame.ends_group,
    )
