"""The one way of a source into Kafka: in order, each record once, nothing lost that was called safe."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import replace
from typing import Any

import pyarrow as pa

from connectors.batching import SCHEMAS, Intake, Message, Pending, seal
from connectors.checkpoint import checked_source_name
from connectors.deduplication import Repeats
from connectors.known_keys import KeyFile
from connectors.producer import Outlet
from connectors.record_keys import Keys
from connectors.recovery import Opened
from connectors.row_keys import Flags
from connectors.same_key import SameKey
from connectors.send_queue import UNSAFE_AT_MOST_S, Delivery, Stage
from connectors.taken import Counts, Taken, case_rows, newest_time, of_schema
from ioc import topics
from ioc.errors import BrokerUnavailable, SpoolFull
from ioc.model.case import Case
from ioc.model.reading import Reading
from ioc.model.rejection import Rejection, count_records
from ioc.wire.schemas import readings_batch

FLUSH_S = 0.1
FLUSH_BYTES = 1024 * 1024
_SEALED_AT_MOST = 3
_MEMORY_BYTES = 24 * 1024 * 1024
_CHECKPOINT_EVERY_S = 1.0
_ANSWERS_AT_MOST = 10_000


class SourceWriter:
    """Writes one source's records; made, opened and closed by whoever runs the source. Thread-safe."""

    def __init__(
        self,
        outlet: Outlet,
        source: str,
        *,
        same_key: SameKey = SameKey.REPEAT,
        protect: Callable[[Intake], Intake] = lambda intake: intake,
    ) -> None:
        """`protect` takes personal data out of each intake before anything else sees it.

        Raises ConfigurationInvalid when another process runs the source, or its name is not one."""
        self._protect = protect
        self.source = source
        self._outlet = outlet
        self._lock = threading.RLock()
        self._changed = threading.Condition(self._lock)
        key_file = KeyFile(outlet.data_dir, checked_source_name(source))
        self.same_key = same_key
        self._repeats = Repeats(same_key, lambda: outlet.measures, key_file)
        self._delivery = Delivery(outlet, source, self._changed, self, same_key=same_key)
        self._answers: dict[str, Any] = {}
        self._position: Any = None
        self._buffer: list[Pending] = []
        self._buffer_bytes = 0
        self._buffered_since_s = 0.0
        self._saved_s = 0.0
        self._dirty = False
        self._counts = Counts()
        self._disk_error = ""
        self._step_error = ""
        self.opened = _promise()
        outlet.attach(self)

    def open(self, timeout_s: float = 30.0) -> None:
        """Wait until older writers are fenced off and the log is read back, which begins when the writer is made.

        Raises BrokerUnavailable after `timeout_s`; the opening goes on, and another call waits for it again.
        """
        with self._changed:
            if not self._changed.wait_for(lambda: self._delivery.was_open, timeout_s):
                raise BrokerUnavailable(self.error or "Kafka does not answer yet.")

    def close(self, timeout_s: float = 5.0) -> None:
        """Deliver or spool what is buffered, save the checkpoint, give the source free. Harmless a second time."""
        with self._changed:
            if self._delivery.stage is Stage.CLOSED:
                return
            self._buffered_since_s = 0.0
            self._outlet.wake()
            self._changed.wait_for(lambda: self._is_drained() or self._delivery.stage is not Stage.OPEN, timeout_s)
            self._outlet.detach(self)
            try:
                if self._delivery.was_open:
                    while self._buffer:
                        self._seal()
                    self._delivery.to_disk()
                    self._save()
            except (SpoolFull, OSError) as failure:
                # Nothing of it was called safe: the senders are told so. The source must be free for the next writer.
                self._delivery.give_up(failure)
            finally:
                self._delivery.close()

    def submit(
        self, intake: Intake, request: str = "", answer: Callable[[int, int, Sequence[Rejection]], Any] | None = None
    ) -> Taken:
        """Take an intake without waiting. Repeated records are dropped and counted, contradicting ones refused.

        With `request`, `answer(accepted, duplicate, conflicts)` is remembered under it together with the records
        themselves.
        Raises BrokerUnavailable before the first opening is through, and SpoolFull when the disk buffer is full.
        """
        intake = self._protect(intake)
        with self._changed:
            if not self.is_open:
                raise BrokerUnavailable(self.error or f"Source {self.source!r} is not open yet: Kafka does not answer.")
            under_way = self._buffer_bytes + self._delivery.unspooled_bytes()
            if intake.size_bytes + under_way > self._delivery.spool.room_bytes():
                raise SpoolFull(f"The disk buffer of {self.source!r} is at its bound while Kafka is away; send later.")
            judged = self._repeats.judge(intake, self._delivery.checkpoint.corrects_from_ms)
            pending = Pending(judged.intake, judged.duplicates, _promise(), judged.keys)
            accepted = sum(batch.num_rows for topic in SCHEMAS if (batch := judged.intake.batch(topic)) is not None)
            duplicate = sum(pending.duplicates.values()) + intake.duplicate
            given = answer(accepted, duplicate, judged.conflicts) if answer else None
            if request:
                pending.intake = replace(judged.intake, requests={**intake.requests, request: given})
            if intake.position is not None:
                self._position, self._dirty = intake.position, True
            if intake.records or pending.intake.requests or len(intake.row_keys):
                self._put(pending, intake.records, duplicate)
            else:
                pending.safe.set_result(None)
            return Taken(accepted, duplicate, pending.safe, given, count_records(pending.intake.rejections))

    def add(self, intake: Intake, timeout_s: float = 60.0) -> Taken:
        """As `submit`, but waits while much is under way. Raises SpoolFull also when `timeout_s` is over."""
        with self._changed:
            if not self._changed.wait_for(self.has_room, timeout_s):
                raise SpoolFull(f"Kafka took nothing of {self.source!r} for {timeout_s:g} s.")
            return self.submit(intake)

    def add_readings(self, readings: Sequence[Reading] | pa.RecordBatch, position: Any = None) -> Taken:
        """Readings in their order; a record batch has the schema `ioc.wire.schemas.READINGS` (ValueError if not)."""
        batch = readings if isinstance(readings, pa.RecordBatch) else readings_batch(readings)
        return self.add(Intake(readings=of_schema(batch, topics.READINGS), position=position))

    def add_cases(self, cases: Sequence[Case] | pa.RecordBatch, position: Any = None) -> Taken:
        """Case versions in their order; a record batch has the schema `ioc.wire.schemas.CASES` (ValueError if not)."""
        batch = cases if isinstance(cases, pa.RecordBatch) else case_rows(cases)
        return self.add(Intake(cases=of_schema(batch, topics.CASES), position=position))

    def reject(self, rejection: Rejection, position: Any = None) -> Taken:
        """An unfit record: counted, and a dead letter behind the log."""
        return self.add(Intake(rejections=(rejection,), position=position))

    def flush(self, timeout_s: float = 30.0) -> None:
        """Wait until the broker has acknowledged all. Raises BrokerUnavailable when it has not after `timeout_s`."""
        with self._changed:
            self._buffered_since_s = 0.0
            self._outlet.wake()
            if not self._changed.wait_for(self._is_drained, timeout_s):
                raise BrokerUnavailable(self.error or f"Kafka did not acknowledge {self.source!r} in {timeout_s:g} s.")

    @property
    def position(self) -> Any:
        """The source's place behind all that was taken; once open what the log, the disk and the checkpoint say."""
        return self._position

    @property
    def is_open(self) -> bool:
        """Whether records can be taken."""
        return self._delivery.was_open and self._delivery.stage is not Stage.CLOSED

    @property
    def error(self) -> str:
        """Why nothing goes to the broker or the disk at present; empty when all is well."""
        return self._disk_error or self._step_error or self._delivery.error

    @property
    def notice(self) -> str:
        """A recent fault of the writer that is over; empty when there was none."""
        return self._delivery.notice

    def contradicts(self, readings: pa.RecordBatch) -> Flags:
        """Whether each reading would be refused because its key came before with another value."""
        with self._changed:
            return self._repeats.contradicts(readings, self._delivery.checkpoint.corrects_from_ms)

    def has_room(self) -> bool:
        """Whether little enough is under way that more may come."""
        return self._buffer_bytes + self._delivery.unspooled_bytes() < _MEMORY_BYTES

    def answer_of(self, request: str) -> Any:
        """The remembered answer to an idempotency key, None for a new one."""
        return self._answers.get(request)

    def counts(self) -> Counts:
        with self._changed:
            buffered = sum(p.intake.records for p in self._buffer)
            delivery = self._delivery
            return replace(
                self._counts,
                buffered=buffered + sum(sealed.message.received for sealed in delivery.queue),
                generation=delivery.checkpoint.generation,
                delivered=delivery.delivered,
            )

    def step(self, now_s: float) -> float:
        """Seal what is due, deliver, save; called by the pump. Return when to come again."""
        with self._changed:
            try:
                next_s = self._advance(now_s)
            except Exception as failure:
                self._step_error = f"The source cannot write: {failure!r}."
                raise
            self._step_error = ""
            return next_s

    def _advance(self, now_s: float) -> float:
        while self._is_due(now_s):
            self._seal()
        try:
            self._delivery.step(now_s)
            self._disk_error = ""
        except SpoolFull as fault:
            self._disk_error = str(fault)
        if self._dirty and now_s - self._saved_s > _CHECKPOINT_EVERY_S and self.is_open:
            self._save()
            self._saved_s = now_s
        if not self._buffer:
            return now_s + (0.2 if self._delivery.queue else 1.0)
        return max(now_s + 0.005, self._buffered_since_s + FLUSH_S)

    def _put(self, pending: Pending, records: int, duplicate: int) -> None:
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
        self._dirty = True
        if not self._buffer:
            self._buffered_since_s = time.monotonic()
        self._buffer.append(pending)
        self._buffer_bytes += pending.intake.size_bytes
        if len(self._buffer) == 1 or self._buffer_bytes >= FLUSH_BYTES:
            self._outlet.wake()

    def _is_due(self, now_s: float) -> bool:
        if not self._buffer or not self._delivery.was_open:
            return False
        waited_s = now_s - self._buffered_since_s
        if self._delivery.wants_to_drain():
            return waited_s > UNSAFE_AT_MOST_S
        full = waited_s >= FLUSH_S or self._buffer_bytes >= FLUSH_BYTES
        return full and (len(self._delivery.queue) < _SEALED_AT_MOST or waited_s > UNSAFE_AT_MOST_S)

    def _seal(self) -> None:
        """What is buffered becomes messages; when the disk would not take a group its senders are told so."""
        pending = [self._buffer.pop(0)]
        size_bytes = pending[0].intake.size_bytes
        # As much as one message holds: a flush of several would have to go over the disk.
        while self._buffer and (size_bytes := size_bytes + self._buffer[0].intake.size_bytes) <= 2 * FLUSH_BYTES:
            pending.append(self._buffer.pop(0))
        self._buffer_bytes -= sum(p.intake.size_bytes for p in pending)
        positions = [p.intake.position for p in pending if p.intake.position is not None]
        messages = seal(pending, positions[-1] if positions else None, self._outlet.limits)
        if not messages:
            return
        try:
            self._delivery.put(messages, pending)
        except SpoolFull as fault:
            for p in pending:
                self._repeats.forget(p.keys)
                for request in p.intake.requests:
                    self._answers.pop(request, None)
                p.safe.set_exception(fault)

    def learn(self, opened: Opened) -> None:
        """Take what a writer before this one has sent, or left on disk."""
        self._position = opened.position
        self._remember(opened.requests)
        self._repeats.restore()
        for topic, value in opened.batches:
            self._repeats.acknowledged(self._repeats.learn(topic, value))
        for sealed in self._delivery.queue:
            if sealed.message.position is not None:
                self._position = sealed.message.position
            self._remember(sealed.message.requests)
            if sealed.frame is not None:
                keys = self._repeats.learn(sealed.message.topic, self._delivery.spool.value(sealed.frame))
                sealed.message = replace(sealed.message, keys=keys)

    def acknowledged(self, message: Message) -> None:
        """Note the keys of a message that is in the log."""
        self._repeats.acknowledged(message.keys)

    def before_checkpoint(self) -> None:
        """Write the keys of what is in the log. Raises OSError."""
        self._repeats.save()

    def ready(self) -> None:
        """Let others act on what was learnt."""
        self.opened.set_result(None)

    def known_rows(self, row_keys: Keys) -> tuple[Flags, Flags]:
        """Whether each row key is known, and whether it would be forgotten next (connectors/row_keys.py)."""
        with self._changed:
            return self._repeats.knows(row_keys)

    def _remember(self, answers: Mapping[str, Any]) -> None:
        self._answers.update(answers)
        while len(self._answers) > _ANSWERS_AT_MOST:
            del self._answers[next(iter(self._answers))]

    def _is_drained(self) -> bool:
        return not self._buffer and not self._delivery.queue

    def _save(self) -> None:
        counts = self._counts
        totals = {"received": counts.received, "rejected": counts.rejected, "duplicate": counts.duplicate}
        # A place behind records that are still under way is told by the log and the disk, not by the checkpoint.
        position = self._position if self._is_drained() else self._delivery.checkpoint.position
        self._delivery.save(position, totals)
        self._dirty = not self._is_drained()


def _promise() -> Future[None]:
    """A future that a cancelled waiter cannot cancel."""
    promise: Future[None] = Future()
    promise.set_running_or_notify_cancel()
    return promise
