"""Decide which output is applied, and when: exactly once, in the order of the source's offsets. Pure.

An agent's output names the source offset it answers. `next_offset` of a source partition is the one input that may be
applied now; lower ones were applied, higher ones wait. The same holds for a source's writers: of two generations, the
batches of the older one are echoes.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

import pyarrow as pa

from ioc.wire.headers import OutputHeaders

MAX_HELD_BYTES = 64 * 1024 * 1024
_MAX_UNREADABLE = 1000


@dataclass(frozen=True, slots=True)
class Output:
    """An agent's output for one source message; `output_offset` is its own offset in the output partition."""

    headers: OutputHeaders
    rows: pa.RecordBatch
    output_offset: int


class OutputOrder(StrEnum):
    """`next`: to be applied now; `replayed`: applied before; `ahead`: an earlier one is missing."""

    NEXT = "next"
    REPLAYED = "replayed"
    AHEAD = "ahead"


@dataclass
class PartitionProgress:
    """One source partition and the output partition with the same number.

    `read_offset` is the offset of the next output to be read. Outputs that are ahead are held up to `max_held_bytes`;
    beyond that they are dropped and read again from the log (`rewind`) once the missing one has come.
    """

    next_offset: int
    read_offset: int
    max_held_bytes: int = MAX_HELD_BYTES
    held: dict[int, Output] = field(default_factory=dict)
    unreadable: list[int] = field(default_factory=list)
    """Offsets of messages that were not outputs, or could not be read, since the last one that could be applied."""
    _held_bytes: int = 0
    _let_go_from: int | None = None
    _let_go_above: int | None = None

    def order_of(self, answered: OutputHeaders) -> OutputOrder:
        """Compare an output with the next offset.

        An output for several inputs, some of which are applied already, counts as new.
        """
        if answered.end_offset <= self.next_offset:
            return OutputOrder.REPLAYED
        return OutputOrder.NEXT if answered.offset <= self.next_offset else OutputOrder.AHEAD

    def accept(self, output: Output) -> list[Output]:
        """Return the outputs that may be applied now, in order, and move `next_offset` past them."""
        self.advance(output.output_offset)
        match self.order_of(output.headers):
            case OutputOrder.REPLAYED:
                return []
            case OutputOrder.AHEAD:
                self._hold(output)
                return []
        self.next_offset = output.headers.end_offset
        if not self.held:
            self.unreadable.clear()
        return [output, *self._released()]

    def advance(self, output_offset: int) -> None:
        """Note that the output at this offset has been read, whatever it was."""
        self.read_offset = output_offset + 1

    def set_aside(self, output_offset: int) -> None:
        """Set aside the message at this offset: it cannot be read as an output, though it may have been one."""
        self.advance(output_offset)
        self.unreadable.append(output_offset)
        del self.unreadable[:-_MAX_UNREADABLE]

    @property
    def unreadable_gap(self) -> tuple[int, int] | None:
        """The gap, where an unreadable message lies before the first output after it.

        Agents answer in order, so that message was the missing output.
        """
        gap = self.gap
        if gap is None or not self.unreadable or self.held[gap[1]].output_offset < self.unreadable[0]:
            return None
        return gap

    def skip_to(self, source_offset: int) -> list[Output]:
        """Give up the offsets below this one, and return the outputs that may be applied now."""
        self.next_offset = max(self.next_offset, source_offset)
        return self._released()

    @property
    def gap(self) -> tuple[int, int] | None:
        """[from, to) source offsets that are missing while later ones are there."""
        return (self.next_offset, min(self.held)) if self.held else None

    @property
    def resume_offset(self) -> int:
        """The offset to read from after a restart: held outputs were read, but not applied."""
        waiting = [output.output_offset for output in self.held.values()]
        if self._let_go_from is not None:
            waiting.append(self._let_go_from)
        return min([self.read_offset, *waiting])

    def rewind(self) -> int | None:
        """Return the offset to read from again, once nothing is held and something was dropped; only once."""
        if self.held or self._let_go_from is None:
            return None
        output_offset, self._let_go_from, self._let_go_above = self._let_go_from, None, None
        self.read_offset = output_offset
        return output_offset

    def _hold(self, output: Output) -> None:
        offset = output.headers.offset
        if offset in self.held:
            return
        if self._let_go_above is not None and offset >= self._let_go_above:
            self._let_go(output)  # it comes again after those that were dropped before it
            return
        self.held[offset] = output
        self._held_bytes += output.rows.nbytes
        # The lowest one is kept in any case, since it shows the gap.
        while self._held_bytes > self.max_held_bytes and len(self.held) > 1:
            highest = self.held.pop(max(self.held))
            self._held_bytes -= highest.rows.nbytes
            self._let_go(highest)

    def _let_go(self, output: Output) -> None:
        self._let_go_from = min(
            output.output_offset, output.output_offset if self._let_go_from is None else self._let_go_from
        )
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
    """What the broker knows of missing inputs.

    `lost`: [from, to) that expired before they were applied; `skip_to`: the offset up to which nothing more will come
    (None: an input is there, its output is still to come).
    """

    lost: tuple[int, int] | None
    skip_to: int | None


def judge_missing(next_offset: int, up_to: int, log_start: int, first: int | None) -> Missing:
    """Decide what became of missing inputs.

    `up_to` is the lowest offset held, or the log's end; `first` is the first record at or above `next_offset` (or the
    log's start, if that is later) that the broker has, None for none before the end. A hole without expiry is the
    broker's own: records of an aborted transaction, the markers at the end of each transaction, or a compacted record.
    """
    lost = (next_offset, min(log_start, up_to)) if log_start > next_offset else None
    there = up_to if first is None else min(first, up_to)
    return Missing(lost, there if there > next_offset else None)


@dataclass
class Fences:
    """The highest (generation, sequence) of each (source, topic)."""

    highest: dict[tuple[str, str], tuple[int, int]] = field(default_factory=dict)

    def admits(self, batch: OutputHeaders) -> bool:
        """Return False for a batch of a writer that was replaced, or one that a writer sent again.

        A producer outside the centre (generation 0) is never refused. An admitted batch raises the fence.
        """
        if batch.generation == 0:
            return True
        output_offset = (batch.source, batch.topic)
        if (batch.generation, batch.sequence) <= self.highest.get(output_offset, (-1, -1)):
            return False
        self.highest[output_offset] = (batch.generation, batch.sequence)
        return True
