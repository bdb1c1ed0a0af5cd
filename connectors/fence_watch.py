"""Notice when another process writes under a source's name with a higher generation.

The historian would drop what this process sends after such a batch as the echo of a dead writer, though the broker
acknowledges it. Only messages of others are read: this process knows the offsets of its own.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Protocol

from kafka import TopicPartition as KafkaPartition
from kafka.errors import KafkaError

from ioc.clock import LAST_MS
from ioc.errors import BatchMalformed
from ioc.kafka import Reader
from ioc.topics import TopicPartition
from ioc.wire.headers import BatchHeaders

LOOK_EVERY_S = 3.0
_MAX_GAP = 20
"""Runs of others' messages that are at most so many offsets apart are read as one."""
_READ_WITHIN_S = 5.0

Run = tuple[int, int]
"""Offsets [from, to) of messages that others have written."""


class FencedWriter(Protocol):
    """A writer that is notified."""

    def replaced_by(self, topic: str, offset: int, generation: int) -> None:
        """Handle that another's batch of this generation lies at this offset of the source's partition."""


@dataclass
class OwnOffsets:
    """The offsets of a partition that this process has written, from `known_to` on; everything below is known."""

    known_to: int
    own: set[int] = field(default_factory=set)

    def runs_of_others(self) -> list[Run]:
        """Return the runs between the own offsets; those that are near each other are joined."""
        runs: list[Run] = []
        start = self.known_to
        for offset in sorted(self.own):
            if offset > start:
                if runs and start - runs[-1][1] <= _MAX_GAP:
                    runs[-1] = (runs[-1][0], offset)
                else:
                    runs.append((start, offset))
            start = max(start, offset + 1)
        return runs

    def forget_below(self, offset: int) -> None:
        """Count everything below the offset as known."""
        self.known_to = max(self.known_to, offset)
        self.own = {own for own in self.own if own >= offset}


class FenceWatch:
    """Watches the partitions of a process's writers. One thread calls `look`, any thread everything else."""

    def __init__(self, reader: Callable[[], Reader]) -> None:
        self._make_reader = reader
        self._reader: Reader | None = None
        self._lock = threading.Lock()
        self._own: dict[TopicPartition, OwnOffsets] = {}
        self._watched: dict[str, FencedWriter] = {}

    def watch(self, source: str, watched: FencedWriter) -> None:
        """Notify the writer when another process replaces its source."""
        with self._lock:
            self._watched[source] = watched

    def unwatch(self, source: str) -> None:
        """Stop notifying the writer of a source."""
        with self._lock:
            self._watched.pop(source, None)

    def acknowledged(self, topic: str, partition: int, offset: int) -> None:
        """Note that a message of this process has this offset."""
        with self._lock:
            own = self._own.setdefault((topic, partition), OwnOffsets(offset))
            own.own.add(offset)

    def look(self) -> None:
        """Read what others have written between the own messages. Raises KafkaError and OSError."""
        with self._lock:
            runs = {where: (own.runs_of_others(), max(own.own, default=-1)) for where, own in self._own.items()}
        try:
            for where, (runs_of_others, last) in runs.items():
                for run in runs_of_others:
                    self._read(where, run)
                with self._lock:
                    self._own[where].forget_below(last + 1)
        except (KafkaError, OSError):
            self.close()
            raise

    def close(self) -> None:
        """Close the connection; `look` makes another."""
        if self._reader is not None:
            with suppress(KafkaError, OSError):
                self._reader.close()
            self._reader = None

    def _read(self, where: TopicPartition, run: Run) -> None:
        for offset, headers in self._messages(where, run):
            with self._lock:
                watched = self._watched.get(headers.source)
            if watched is not None and headers.generation:
                watched.replaced_by(where[0], offset, headers.generation)

    def _messages(self, where: TopicPartition, run: Run) -> Iterator[tuple[int, BatchHeaders]]:
        if self._reader is None:
            self._reader = self._make_reader()
        partition, (first, end) = KafkaPartition(*where), run
        self._reader.assign([partition])
        first = max(first, self._reader.beginning_offsets([partition])[partition])
        self._reader.seek(partition, first)
        until_s = time.monotonic() + _READ_WITHIN_S
        while self._reader.position(partition) < end and time.monotonic() < until_s:
            for record in self._reader.poll(timeout_ms=500).get(partition, []):
                if record.offset >= end:
                    return
                with suppress(BatchMalformed):
                    yield record.offset, BatchHeaders.decode(record.headers, _within_calendar(record.timestamp))


def _within_calendar(timestamp: int | None) -> int:
    return min(max(0, timestamp or 0), LAST_MS)
