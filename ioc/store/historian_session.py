"""One session of the historian while broker and store are well: read outputs, decide, write a tick."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from time import monotonic, sleep, thread_time
from typing import Any

from ioc.clock import LAST_MS, Clock, from_ms, to_ms
from ioc.errors import BatchMalformed, IocError, NotStorable
from ioc.messages import Message
from ioc.model.ledger import LogView, LossCause
from ioc.model.rejection import Reason, Rejection
from ioc.store.commit_tick import Commit, HistorianTick, LostInputs, write_tick
from ioc.store.exactly_once import Output, OutputOrder, PartitionProgress, judge_missing
from ioc.store.kafka_log import Log, LogState
from ioc.store.outputs import INPUT_OF, read_head, read_rows
from ioc.store.source_offsets import read_positions, record_logs
from ioc.store.stalls import Stalls
from ioc.store.store import Store, transaction
from ioc.store.topic_logs import judge_logs
from ioc.topics import DEAD_LETTERS, OUTPUT_OF, TopicPartition
from ioc.wire import arrow
from ioc.wire.dead_letters import WHOLE_MESSAGE, DeadLetter, SourceOffset
from ioc.wire.headers import EXTERNAL_SOURCE, OutputHeaders

TICK_EVERY_S = 0.1
TICK_BYTES = 8 * 1024 * 1024
CHECK_EVERY_S = 1.0
STALLED_S = 5.0
CONFIRM_CUT_S = 1.0
_MAX_SENTENCE = 1000
# A tick that took long is followed by a pause, so that writing never takes more than two thirds of a processor. By
# processor time: where others take the machine, a tick that had to wait is no reason to wait more.
_REST = 0.5


class LogRefused(IocError):
    """The topics are not those the store has read from; the text says what to do."""

    fault_code = "log_refused"


class TopicsMissing(IocError):
    """The broker does not have all topics yet."""

    fault_code = "topics_missing"


class HistorianSession:
    """The work of one connection. Any failure ends it; the next session begins from what the store holds.

    With `one_by_one`, each output gets its own tick, and one that the store cannot hold is set aside.
    """

    def __init__(
        self,
        store: Store,
        log: Log,
        on_commit: Callable[[Commit], None],
        on_view: Callable[[LogView], None],
        clock: Clock,
        *,
        one_by_one: bool = False,
    ) -> None:
        """Read the offsets and check the log.

        Raises BrokerUnavailable, StoreUnavailable, TopicsMissing and LogRefused.
        """
        self._store = store
        self._log = log
        self._on_commit = on_commit
        self._on_view = on_view
        self._clock = clock
        self._one_by_one = one_by_one
        self._cursor = store.cursor()
        self._progress: dict[TopicPartition, PartitionProgress] = {}
        self._tick = HistorianTick()
        self._next_tick_s = 0.0
        self._stalls = Stalls()
        self._moved_s: dict[TopicPartition, tuple[int, float]] = {}
        self._ends: dict[TopicPartition, int] = {}
        positions = read_positions(self._cursor, to_ms(clock.now()))
        self._number = positions.tick
        self._fences = positions.fences
        self._topic_ids: dict[str, str] = positions.topic_ids
        self._checked_s = -CHECK_EVERY_S
        self.check_log()

    def close(self) -> None:
        self._cursor.close()

    @property
    def is_one_by_one(self) -> bool:
        """True until all that was waiting is written."""
        return self._one_by_one

    def turn(self) -> None:
        """Read what is there (waiting up to a tick) and write it when a tick is due.

        Raises NotStorable; then nothing of the tick is written, and the next session has to go one by one.
        """
        if monotonic() - self._checked_s >= CHECK_EVERY_S:
            self.check_log()
            self._commit_alone()
        wait_s = max(0.0, self._next_tick_s - monotonic()) if self._tick else TICK_EVERY_S
        polled = self._log.poll(round(wait_s * 1000))
        for partition, records in polled:
            for record in records:
                self._read(partition, record)
                self._commit_alone()
        self._rewind()
        if not polled:
            self._one_by_one = False
        due = monotonic() >= self._next_tick_s or self._tick.size_bytes >= TICK_BYTES
        if self._tick and due:
            self.commit()

    def _commit_alone(self) -> None:
        if self._one_by_one and self._tick:
            self.commit()

    def commit(self) -> None:
        """Write what was read. Raises StoreUnavailable and NotStorable; then nothing of it is written."""
        began_s, worked_s = monotonic(), thread_time()
        tick, self._tick = self._tick, HistorianTick()
        for (topic, partition), progress in self._progress.items():
            output = (OUTPUT_OF[topic], partition)
            if output in tick.read:
                tick.read[output] = progress.resume_offset
        at = self._clock.now()
        try:
            with self._store.writing, transaction(self._cursor, self._store.path):
                commit = write_tick(self._cursor, self._store.codes, tick, self._number + 1, at, self._store.zone_hours)
        except BaseException:
            self._store.codes.forget()
            raise
        self._store.codes.keep()
        self._number += 1
        took_s = monotonic() - began_s
        self._next_tick_s = began_s + took_s + max(TICK_EVERY_S - took_s, _REST * (thread_time() - worked_s))
        if commit.earliest_minute or commit.case_types:
            self._on_commit(commit)

    def check_log(self) -> None:
        """Compare the broker's topics with the store's, and find out about inputs whose outputs are missing."""
        state = self._log.state()
        self._checked_s = monotonic()
        verdict = judge_logs(self._topic_ids, state.topic_ids, state.partitions)
        if verdict.missing:
            raise TopicsMissing(Message("topics_missing_yet", topics=", ".join(verdict.missing)))
        if verdict.refusal:
            raise LogRefused(verdict.refusal)
        if dict(state.topic_ids) != self._topic_ids:
            with transaction(self._cursor, self._store.path):
                record_logs(self._cursor, state.topic_ids, verdict.recreated, self._ends, self._clock.now())
            self._topic_ids = dict(state.topic_ids)
            if verdict.recreated:
                self._progress = {}
                self._tick = HistorianTick()
        if any(progress.next_offset > state.ends[partition] for partition, progress in self._progress.items()):
            if self._tick:
                self.commit()
            self._progress = {}  # the log was cut
        self._ends = dict(state.ends)
        self._assign(state)
        for partition, progress in self._progress.items():
            self._check_progress(partition, progress)
        self._on_view(self._view(state))

    def _assign(self, state: LogState) -> None:
        partitions = [(topic, n) for topic, output in OUTPUT_OF.items() for n in range(state.partitions[output])]
        if all(partition in self._progress for partition in partitions):
            return
        if self._tick:
            self.commit()
        known = read_positions(self._cursor, to_ms(self._clock.now()))
        self._number = known.tick
        self._fences = known.fences
        read = {(OUTPUT_OF[topic], n): known.read.get((OUTPUT_OF[topic], n), 0) for topic, n in partitions}
        read[DEAD_LETTERS, 0] = known.read.get((DEAD_LETTERS, 0), 0)
        applied = {partition: known.applied.get(partition, 0) for partition in partitions}
        self._progress = {}
        self._fall_back(applied, read)
        self._progress = {
            (topic, n): PartitionProgress(offset, read[OUTPUT_OF[topic], n]) for (topic, n), offset in applied.items()
        }
        self._log.assign(read)

    def _fall_back(self, applied: dict[TopicPartition, int], read: dict[TopicPartition, int]) -> None:
        """Go back to the end of the log where it ends before what the store has of it, as after a loss of power.

        What comes next has offsets that were given before. The outputs that are there still answer the inputs that are
        gone, so they are skipped.
        """
        ends = self._log.ends([*applied, *read])
        if not any(ends[partition] < offset for partition, offset in (applied | read).items()):
            return
        sleep(CONFIRM_CUT_S)  # a broker that has just started may not know all that it has
        ends = self._log.ends([*applied, *read])
        for (topic, partition), offset in list(applied.items()):
            end, output = ends[topic, partition], (OUTPUT_OF[topic], partition)
            if end < offset:
                self._tick.losses.append(LostInputs((topic, partition), end, offset, LossCause.LOG_CUT))
                self._tick.applied[topic, partition] = applied[topic, partition] = end
                self._tick.read[output] = read[output] = ends[output]
                self._ends[topic, partition] = end
        for output, offset in list(read.items()):
            if ends[output] < offset:
                self._tick.read[output] = read[output] = ends[output]
        self.commit()

    def _read(self, partition: TopicPartition, record: Any) -> None:
        topic, number = partition
        if topic == DEAD_LETTERS:
            self._read_dead_letter(partition, record)
            return
        progress = self._progress[INPUT_OF[topic], number]
        try:
            head = read_head(topic, number, record.value, record.headers)
            self._check_input_exists(head)
            if progress.order_of(head) is OutputOrder.REPLAYED:
                progress.advance(record.offset)
                self._tick.read[partition] = progress.read_offset
                self._tick.replay(head)
                return
            rows = read_rows(head, record.value)
        except BatchMalformed as fault:
            # As if it had not come: if its input still waits for an answer, that shows as a gap.
            progress.set_aside(record.offset)
            self._set_aside(partition, record, Reason.MALFORMED, str(fault))
            return
        outputs = progress.accept(Output(head, rows, record.offset))
        self._tick.read[partition] = progress.read_offset
        self._apply((head.topic, number), outputs)

    def _read_dead_letter(self, partition: TopicPartition, record: Any) -> None:
        try:
            letter = DeadLetter.decode(record.key, record.value, record.headers)
        except BatchMalformed as fault:
            self._set_aside(partition, record, Reason.MALFORMED, str(fault))
            return
        self._tick.read[partition] = record.offset + 1
        self._tick.dead_letters.append(letter)
        self._tick.size_bytes += len(letter.content)
        if self._one_by_one:
            self._commit_or(lambda fault: self._set_aside(partition, record, Reason.NOT_STORABLE, fault))

    def _check_input_exists(self, head: OutputHeaders) -> None:
        """Check that the log has the input. Raises BatchMalformed when it does not."""
        partition = (head.topic, head.partition)
        if head.end_offset > self._ends[partition]:
            self._ends |= self._log.ends([known for known in self._ends if known[0] == head.topic])
        if head.end_offset > self._ends[partition]:
            raise BatchMalformed(
                Message(
                    "output_beyond_end",
                    offset=head.end_offset - 1,
                    topic=head.topic,
                    partition=head.partition,
                    end=self._ends[partition],
                )
            )

    def _set_aside(self, partition: TopicPartition, record: Any, reason: Reason, message: str) -> None:
        """Turn a message that does not belong in its topic into a dead letter with its own offset."""
        self._tick.read[partition] = record.offset + 1
        received_ms = min(max(0, record.timestamp or 0), LAST_MS)
        at = self._clock.now()
        value = bytes(record.value or b"")
        letter = _whole_message(SourceOffset(*partition, record.offset), EXTERNAL_SOURCE, reason, message, value, at)
        head = _external_head(partition, record.offset, received_ms)
        self._tick.refuse(head, letter, {reason: 1})

    def _apply(self, partition: TopicPartition, outputs: list[Output]) -> None:
        for output in outputs:
            if self._fences.admits(output.headers):
                self._tick.apply(output)
            else:
                self._tick.fence(output.headers)
            self._tick.applied[partition] = output.headers.end_offset
            if self._one_by_one:
                self._commit_or(lambda fault, output=output: self._refuse(partition, output, fault))  # type: ignore[misc]
        if outputs:
            self._tick.applied[partition] = self._progress[partition].next_offset

    def _refuse(self, partition: TopicPartition, output: Output, fault: str) -> None:
        """Count an output that the store cannot hold as rejected; its rows are kept as they came."""
        head, value = output.headers, arrow.encode(output.rows)
        at = from_ms(head.input_time_ms)
        letter = _whole_message(
            SourceOffset(*partition, head.offset), head.source, Reason.NOT_STORABLE, fault, value, at
        )
        rejected = dict(head.rejected)
        rejected[Reason.NOT_STORABLE] = rejected.get(Reason.NOT_STORABLE, 0) + head.applied + head.duplicate
        self._tick.applied[partition] = head.end_offset
        self._tick.read[OUTPUT_OF[partition[0]], partition[1]] = output.output_offset + 1
        self._tick.refuse(head, letter, rejected)

    def _commit_or(self, refuse: Callable[[str], None]) -> None:
        """Commit; when the store cannot hold the tick, commit what `refuse` puts into a new one instead."""
        try:
            self.commit()
        except NotStorable as fault:
            refuse(str(fault))
            self.commit()

    def _rewind(self) -> None:
        for (topic, partition), progress in self._progress.items():
            if (offset := progress.rewind()) is not None:
                self._log.rewind((OUTPUT_OF[topic], partition), offset)

    def _check_progress(self, partition: TopicPartition, progress: PartitionProgress) -> None:
        """Find holes that the broker made, and expired records, among inputs whose outputs are still to come."""
        end = self._ends[partition]
        offset, since_s = self._moved_s.get(partition, (-1, 0.0))
        if offset != progress.next_offset:
            since_s = monotonic()
            self._moved_s[partition] = (progress.next_offset, since_s)
        stalled = progress.next_offset < end and monotonic() - since_s >= STALLED_S
        gap = progress.gap
        if gap is None and not stalled:
            return
        start, first = self._log.first_input(partition, progress.next_offset)
        missing = judge_missing(progress.next_offset, gap[1] if gap else end, start, first)
        if missing.lost:
            self._tick.losses.append(LostInputs(partition, *missing.lost, LossCause.INPUTS_EXPIRED))
        skip_to = missing.skip_to
        if skip_to is None and stalled and (unreadable := progress.unreadable_gap):
            self._tick.losses.append(LostInputs(partition, *unreadable, LossCause.OUTPUT_UNREADABLE))
            skip_to = unreadable[1]
        if stalled:
            self._moved_s[partition] = (progress.next_offset, monotonic())
        if skip_to is not None:
            self._tick.applied[partition] = skip_to
            self._apply(partition, progress.skip_to(skip_to))

    def _view(self, state: LogState) -> LogView:
        now = self._clock.now()
        gaps, stalls = self._stalls.update(self._progress, state.ends, now)
        generations: dict[str, int] = {}
        for (source, _), (generation, _) in self._fences.highest.items():
            generations[source] = max(generation, generations.get(source, 0))
        return LogView(at=now, ends=dict(state.ends), gaps=gaps, stalls=stalls, generations=generations)


def _external_head(partition: TopicPartition, offset: int, received_ms: int) -> OutputHeaders:
    """Return the counts of a message without a known sender."""
    topic, number = partition
    return OutputHeaders(topic, number, offset, EXTERNAL_SOURCE, 0, 0, 1, 0, 0, {}, received_ms)


def _whole_message(
    message: SourceOffset, source: str, reason: Reason, sentence: str, value: bytes, at: datetime
) -> DeadLetter:
    rejection = Rejection(WHOLE_MESSAGE, "", reason, sentence[:_MAX_SENTENCE], value)
    return DeadLetter.of_rejection(message, source, WHOLE_MESSAGE, rejection, at)
