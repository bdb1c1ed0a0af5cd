"""The historian while broker and store are well: read outputs, decide, write a tick."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from time import monotonic, thread_time
from typing import Any

from ioc.clock import Clock
from ioc.errors import BatchMalformed, IocError
from ioc.model.ledger import Gap, LogView
from ioc.store.dead_letters import DeadLetter
from ioc.store.log import Log, LogState
from ioc.store.offsets import Output, PartitionProgress, Verdict, judge_missing
from ioc.store.positions import Place, read_positions, record_logs
from ioc.store.store import Store, transaction
from ioc.store.tick import Commit, Loss, Tick, write_tick
from ioc.store.topic_logs import judge_logs
from ioc.topics import CASES, DEAD_LETTERS, OUTPUT_OF
from ioc.wire import arrow, schemas
from ioc.wire.headers import OutputHeaders

TICK_EVERY_S = 0.1
TICK_BYTES = 8 * 1024 * 1024
LOOK_EVERY_S = 1.0
STALLED_S = 5.0
# A tick that took long is followed by a pause, so that writing never takes more than two thirds of a processor. By
# processor time: where others take the machine, a tick that had to wait is no reason to wait more.
_REST = 0.5
_INPUT_OF = {output: source for source, output in OUTPUT_OF.items()}


class LogRefused(IocError):
    """The topics are not those the store has read from; the text says what to do."""

    fault_code = "log_refused"


class TopicsMissing(IocError):
    """The broker does not have all topics yet."""

    fault_code = "topics_missing"


class Session:
    """One connection's worth of work. Anything that fails ends it; the next one begins from what the store holds."""

    def __init__(
        self,
        store: Store,
        log: Log,
        on_commit: Callable[[Commit], None],
        on_view: Callable[[LogView], None],
        clock: Clock,
    ) -> None:
        """Raises BrokerUnavailable, StoreUnavailable, TopicsMissing, LogRefused."""
        self._store = store
        self._log = log
        self._on_commit = on_commit
        self._on_view = on_view
        self._clock = clock
        self._cursor = store.cursor()
        self._progress: dict[Place, PartitionProgress] = {}
        self._letters_from = 0
        self._tick = Tick()
        self._next_tick_s = 0.0
        self._gap_since: dict[Place, datetime] = {}
        self._moved_s: dict[Place, tuple[int, float]] = {}
        self._ends: dict[Place, int] = {}
        positions = read_positions(self._cursor)
        self._number = positions.tick
        self._fences = positions.fences
        self._topic_ids: dict[str, str] = positions.topic_ids
        self._looked_s = -LOOK_EVERY_S
        self.look()

    def close(self) -> None:
        self._cursor.close()

    def turn(self) -> None:
        """Read what is there (waiting up to a tick) and write it when a tick is due."""
        if monotonic() - self._looked_s >= LOOK_EVERY_S:
            self.look()
        wait_s = max(0.0, self._next_tick_s - monotonic()) if self._tick else TICK_EVERY_S
        for place, records in self._log.poll(round(wait_s * 1000)):
            for record in records:
                self._take(place, record)
        self._rewind()
        due = monotonic() >= self._next_tick_s or self._tick.size_bytes >= TICK_BYTES
        if self._tick and due:
            self.commit()

    def commit(self) -> None:
        """Write what was read. Raises StoreUnavailable; then nothing of it is written."""
        began_s, worked_s = monotonic(), thread_time()
        tick, self._tick = self._tick, Tick()
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

    def look(self) -> None:
        """Ask the broker how its topics are: identity, partitions, ends; and what it has where outputs are missing."""
        state = self._log.state()
        self._looked_s = monotonic()
        verdict = judge_logs(self._topic_ids, state.topic_ids)
        if verdict.waits_for:
            raise TopicsMissing(f"The broker does not have topic {', '.join(verdict.waits_for)} yet.")
        if verdict.refusal:
            raise LogRefused(verdict.refusal)
        if dict(state.topic_ids) != self._topic_ids:
            with transaction(self._cursor, self._store.path):
                record_logs(self._cursor, state.topic_ids, verdict.begins_anew, self._ends, self._clock.now())
            self._topic_ids = dict(state.topic_ids)
            if verdict.begins_anew:
                self._progress = {}
                self._tick = Tick()
        self._ends = dict(state.ends)
        self._assign(state)
        for place, progress in self._progress.items():
            self._look_at(place, progress)
        self._on_view(self._view(state))

    def _assign(self, state: LogState) -> None:
        places = [(topic, n) for topic, output in OUTPUT_OF.items() for n in range(state.partitions[output])]
        if all(place in self._progress for place in places):
            return
        if self._tick:
            self.commit()
        known = read_positions(self._cursor)
        self._number = known.tick
        self._fences = known.fences
        self._progress = {
            (topic, n): PartitionProgress(known.applied.get((topic, n), 0), known.read.get((OUTPUT_OF[topic], n), 0))
            for topic, n in places
        }
        offsets = {(OUTPUT_OF[topic], n): p.read_offset for (topic, n), p in self._progress.items()}
        self._log.assign(offsets | {(DEAD_LETTERS, 0): known.read.get((DEAD_LETTERS, 0), 0)})

    def _take(self, place: Place, record: Any) -> None:
        topic, partition = place
        if topic == DEAD_LETTERS:
            self._tick.read[place] = record.offset + 1
            try:
                self._tick.dead_letters.append(DeadLetter.decode(record.key, record.value, record.headers))
                self._tick.size_bytes += len(record.value or b"")
            except BatchMalformed:
                return  # of another program: nothing of ours to keep
            return
        progress = self._progress[_INPUT_OF[topic], partition]
        progress.passed(record.offset)
        self._tick.read[place] = progress.read_offset
        try:
            head = OutputHeaders.decode(record.headers)
            if progress.verdict(head.offset) is Verdict.REPLAYED:
                self._tick.replay(head)
                return
            if head.topic == CASES:
                rows, _ = arrow.decode(record.value or b"", schemas.CASES, schemas.CASES_OPTIONAL)
            else:
                rows, _ = arrow.decode(record.value or b"", schemas.KEYED_READINGS if head.keyed else schemas.PANES)
        except BatchMalformed:
            return  # as if it had not come: if its input still waits for an answer, that shows as a gap
        self._apply((head.topic, partition), progress.take(Output(head, rows, record.offset)))

    def _apply(self, place: Place, outputs: list[Output]) -> None:
        for output in outputs:
            if self._fences.admits(output.headers):
                self._tick.apply(output)
            else:
                self._tick.fence(output.headers)
        if outputs:
            self._tick.applied[place] = self._progress[place].next_offset

    def _rewind(self) -> None:
        for (topic, partition), progress in self._progress.items():
            if (offset := progress.rewind()) is not None:
                self._log.rewind((OUTPUT_OF[topic], partition), offset)

    def _look_at(self, place: Place, progress: PartitionProgress) -> None:
        """Tell holes that the broker made, and records that expired, from outputs that are still to come."""
        end = self._ends[place]
        offset, since_s = self._moved_s.get(place, (-1, 0.0))
        if offset != progress.next_offset:
            since_s = monotonic()
            self._moved_s[place] = (progress.next_offset, since_s)
        stalled = progress.next_offset < end and monotonic() - since_s >= STALLED_S
        gap = progress.gap
        if gap is None and not stalled:
            return
        self._moved_s[place] = (progress.next_offset, monotonic())
        start, first = self._log.first_input(place, progress.next_offset)
        missing = judge_missing(progress.next_offset, gap[1] if gap else end, start, first)
        if missing.lost:
            self._tick.losses.append(Loss(place, *missing.lost, "expired before it was applied"))
        if missing.skip_to is not None:
            self._tick.applied[place] = missing.skip_to
            self._apply(place, progress.skip_to(missing.skip_to))

    def _view(self, state: LogState) -> LogView:
        now = self._clock.now()
        gaps = {place: progress.gap for place, progress in self._progress.items() if progress.gap}
        self._gap_since = {place: self._gap_since.get(place, now) for place in gaps}
        return LogView(
            at=now,
            ends=dict(state.ends),
            gaps=tuple(Gap(*place, *gap, self._gap_since[place]) for place, gap in gaps.items()),
        )
