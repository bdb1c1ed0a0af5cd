"""Which output is applied, and when: exactly once, in the order of the source's offsets. Pure.

An agent's output names the source offset it answers. `next_offset` of a source partition is the one input that may be
applied now; what lies below was applied, what lies above waits. The same holds for a source's writers: of two
generations the older one's batches are echoes.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

import pyarrow as pa

from ioc.wire.headers import OutputHeaders

MOST_HELD_BYTES = 64 * 1024 * 1024
_MAX_UNREADABLE = 1000


@dataclass(frozen=True, slots=True)
class Output:
    """An agent's answer to one source message; `place` is its own offset in the output partition."""

    headers: OutputHeaders
    rows: pa.RecordBatch
    place: int


class Verdict(StrEnum):
    """`next`: to be applied now; `replayed`: applied before; `ahead`: an earlier one is missing."""

    NEXT = "next"
    REPLAYED = "replayed"
    AHEAD = "ahead"


@dataclass
class PartitionProgress:
    """One source partition and the output partition of the same number.

    `read_offset` is the place of the next output to be read. Outputs that are ahead are held up to `most_held_bytes`;
    beyond that they are let go and read again from the log (`rewind`) once the missing one has come.
    """

    next_offset: int
    read_offset: int
    most_held_bytes: int = MOST_HELD_BYTES
    held: dict[int, Output] = field(default_factory=dict)
    unreadable: list[int] = field(default_factory=list)
    """Places of messages that were no outputs, or could not be read, since the last one that could be applied."""
    _held_bytes: int = 0
    _let_go_from: int | None = None
    _let_go_above: int | None = None

    def verdict(self, answered: OutputHeaders) -> Verdict:
        """Compare an output with the next offset. Where it answers several inputs, some of them before, the rest is
        new."""
        if answered.end_offset <= self.next_offset:
            return Verdict.REPLAYED
        return Verdict.NEXT if answered.offset <= self.next_offset else Verdict.AHEAD

    def take(self, output: Output) -> list[Output]:
        """Outputs that may be applied now, in order; `next_offset` is moved behind them."""
        self.passed(output.place)
        match self.verdict(output.headers):
            case Verdict.REPLAYED:
                return []
            case Verdict.AHEAD:
                self._hold(output)
                return []
        self.next_offset = output.headers.end_offset
        if not self.held:
            self.unreadable.clear()
        return [output, *self._released()]

    def passed(self, place: int) -> None:
        """The output at this place has been read, whatever it was."""
        self.read_offset = place + 1

    def set_aside(self, place: int) -> None:
        """Set aside the message at this offset: it cannot be read as an output, though it may have been one."""
        self.passed(place)
        self.unreadable.append(place)
        del self.unreadable[:-_MAX_UNREADABLE]

    @property
    def unreadable_gap(self) -> tuple[int, int] | None:
        """The gap, where a message that cannot be read lies before the first output behind it: agents answer in order,
        so that message was the missing output."""
        gap = self.gap
        if gap is None or not self.unreadable or self.held[gap[1]].place < self.unreadable[0]:
            return None
        return gap

    def skip_to(self, source_offset: int) -> list[Output]:
        """Nothing will come for the offsets below this one; outputs that may be applied now."""
        self.next_offset = max(self.next_offset, source_offset)
        return self._released()

    @property
    def gap(self) -> tuple[int, int] | None:
        """[from, to) source offsets that are missing while later ones are there."""
        return (self.next_offset, min(self.held)) if self.held else None

    @property
    def resume_offset(self) -> int:
        """Where to read on after a restart: what is held was read, but not applied."""
        waiting = [output.place for output in self.held.values()]
        if self._let_go_from is not None:
            waiting.append(self._let_go_from)
        return min([self.read_offset, *waiting])

    def rewind(self) -> int | None:
        """Place to read again from, once nothing is held any more and something was let go; asked once."""
        if self.held or self._let_go_from is None:
            return None
        place, self._let_go_from, self._let_go_above = self._let_go_from, None, None
        self.read_offset = place
        return place

    def _hold(self, output: Output) -> None:
        offset = output.headers.offset
        if offset in self.held:
            return
        if self._let_go_above is not None and offset >= self._let_go_above:
            self._let_go(output)  # it comes again behind those that were let go before it
            return
        self.held[offset] = output
        self._held_bytes += output.rows.nbytes
        # The lowest one is kept in any case: it is what tells the gap.
        while self._held_bytes > self.most_held_bytes and len(self.held) > 1:
            highest = self.held.pop(max(self.held))
            self._held_bytes -= highest.rows.nbytes
            self._let_go(highest)

    def _let_go(self, output: Output) -> None:
        self._let_go_from = min(output.place, output.place if self._let_go_from is None else self._let_go_from)
        above = output.headers.offset
        self._let_go_above = min(above, above if self._let_go_above is None else self._let_go_above)

    def _released(self) -> list[Output]:
        released = []
        while self.held and (lowest := min(self.held)) <= self.next_offset:
            output = self.held.pop(lowest)
            self._held_bytes -= output.rows.nbytes
            if output.headers.end_offset > self.next_offset:
                self.next_offset = output.headers.end_offset
                released.append(output)
        if not self.held:
            self.unreadable.clear()
        return released


@dataclass(frozen=True, slots=True)
class Missing:
    """What the broker says of missing inputs: [from, to) that expired before they were applied, and the offset up to
    which nothing more will come (None: an input is there, its output is still to come)."""

    lost: tuple[int, int] | None
    skip_to: int | None


def judge_missing(next_offset: int, up_to: int, log_start: int, first: int | None) -> Missing:
    """`up_to` is the lowest offset held, or the log's end; `first` the first record at or above `next_offset` (or the
    log's start, if that is later) that the broker has, None for none before the end.

    A hole without expiry is the broker's own: the records of an aborted transaction and the markers at the end of each,
    or a compacted record.
    """
    lost = (next_offset, min(log_start, up_to)) if log_start > next_offset else None
    there = up_to if first is None else min(first, up_to)
    return Missing(lost, there if there > next_offset else None)


@dataclass
class Fences:
    """Highest (generation, sequence) of each (source, topic)."""

    highest: dict[tuple[str, str], tuple[int, int]] = field(default_factory=dict)

    def admits(self, batch: OutputHeaders) -> bool:
        """False for a batch of a writer that was replaced, or one that a writer sent again. A foreign producer
        (generation 0) is never refused. What is admitted raises the fence."""
        if batch.generation == 0:
            return True
        place = (batch.source, batch.topic)
        if (batch.generation, batch.sequence) <= self.highest.get(place, (-1, -1)):
            return False
        self.highest[place] = (batch.generation, batch.sequence)
        return True
