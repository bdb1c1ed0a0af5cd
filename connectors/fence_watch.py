"""Notice when another writes under a source's name: with a higher generation it takes the source's place in the log.

What the writer sends behind such a batch would be dropped by the historian as a dead writer's echo, though the broker
acknowledges it. Only messages of others are read: what this process has sent itself it knows by its offsets.
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
_NEAR = 20
"""Runs of others' messages that lie so near are read as one."""
_READ_WITHIN_S = 5.0

Run = tuple[int, int]


class Watched(Protocol):
    """A writer that wants to know."""

    def replaced_by(self, topic: str, offset: int, generation: int) -> None:
        """Another's batch of this generation lies at this offset of the source's partition."""


@dataclass
class OwnOffsets:
    """Which offsets of a partition this process has written, from `known_to` on; below, all is known."""

    known_to: int
    own: set[int] = field(default_factory=set)

    def runs_of_others(self) -> list[Run]:
        """[from, to) offsets between the own ones; near ones are joined."""
        runs: list[Run] = []
        place = self.known_to
        for offset in sorted(self.own):
            if offset > place:
                if runs and place - runs[-1][1] <= _NEAR:
                    runs[-1] = (runs[-1][0], offset)
                else:
                    runs.append((place, offset))
            place = max(place, offset + 1)
        return runs

    def forget_below(self, offset: int) -> None:
        """All below has been looked at."""
        self.known_to = max(self.known_to, offset)
        self.own = {own for own in self.own if own >= offset}


class FenceWatch:
    """Shared by the writers of a process. `look` is called by one thread, everything else by any."""

    def __init__(self, reader: Callable[[], Reader]) -> None:
        self._make_reader = reader
        self._reader: Reader | None = None
        self._lock = threading.Lock()
        self._places: dict[TopicPartition, OwnOffsets] = {}
        self._watched: dict[str, Watched] = {}

    def watch(self, source: str, watched: Watched) -> None:
        with self._lock:
            self._watched[source] = watched

    def unwatch(self, source: str) -> None:
        with self._lock:
            self._watched.pop(source, None)

    def acknowledged(self, topic: str, partition: int, offset: int) -> None:
        """A message of this process has this offset."""
        with self._lock:
            own = self._places.setdefault((topic, partition), OwnOffsets(offset))
            own.own.add(offset)

    def look(self) -> None:
        """Read what others have written between the own messages. Raises KafkaError and OSError."""
        with self._lock:
            runs = {place: (own.runs_of_others(), max(own.own, default=-1)) for place, own in self._places.items()}
        try:
            for place, (of_others, last) in runs.items():
                for run in of_others:
                    self._read(place, run)
                with self._lock:
                    self._places[place].forget_below(last + 1)
        except (KafkaError, OSError):
            self.close()
            raise

    def close(self) -> None:
        if self._reader is not None:
            with suppress(KafkaError, OSError):
                self._reader.close()
            self._reader = None

    def _read(self, place: TopicPartition, run: Run) -> None:
        for offset, head in self._messages(place, run):
            with self._lock:
                watched = self._watched.get(head.source)
            if watched is not None and head.generation:
                watched.replaced_by(place[0], offset, head.generation)

    def _messages(self, place: TopicPartition, run: Run) -> Iterator[tuple[int, BatchHeaders]]:
        if self._reader is None:
            self._reader = self._make_reader()
        partition, (first, end) = KafkaPartition(*place), run
        self._reader.assign([partition])
        first = max(first, self._reader.beginning_offsets([partition])[partition])
        self._reader.seek(partition, first)
        until_s = time.monotonic() + _READ_WITHIN_S
        while self._reader.position(partition) < end and time.monotonic() < until_s:
            for record in self._reader.poll(timeout_ms=500).get(partition, []):
                if record.offset >= end:
                    return
                with suppress(BatchMalformed):
                    yield record.offset, BatchHeaders.decode(record.headers, _taken_ms(record.timestamp))


def _taken_ms(timestamp: int | None) -> int:
    return min(max(0, timestamp or 0), LAST_MS)
