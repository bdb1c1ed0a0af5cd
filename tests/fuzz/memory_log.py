"""Topics in memory, read as the historian reads Kafka's."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

from ioc.store.kafka_log import LogState
from ioc.store.topic_logs import READ_TOPICS
from ioc.topics import DEAD_LETTERS, OUTPUT_OF

Place = tuple[str, int]


@dataclass
class MemoryLog:
    """In place of `ioc.store.kafka_log.Log`."""

    partitions: int
    records: dict[Place, list[Any]] = field(default_factory=lambda: defaultdict(list))
    read: dict[Place, int] = field(default_factory=dict)

    def append(self, place: Place, value: bytes | None, headers: Any, key: bytes | None = None) -> None:
        log = self.records[place]
        stamp = round(time.time() * 1000)
        log.append(SimpleNamespace(offset=len(log), timestamp=stamp, key=key, value=value, headers=headers))

    def ends(self, places: Collection[Place]) -> dict[Place, int]:
        return {place: len(self.records[place]) for place in places}

    def state(self) -> LogState:
        counts = {topic: 1 if topic == DEAD_LETTERS else self.partitions for topic in READ_TOPICS}
        places = [(topic, n) for topic in OUTPUT_OF for n in range(self.partitions)]
        return LogState(dict.fromkeys(READ_TOPICS, "id"), counts, self.ends(places))

    def assign(self, offsets: Mapping[Place, int]) -> None:
        self.read = dict(offsets)

    def rewind(self, place: Place, offset: int) -> None:
        self.read[place] = offset

    def poll(self, timeout_ms: int) -> Iterable[tuple[Place, list[Any]]]:
        polled = []
        for place, offset in self.read.items():
            if records := self.records[place][offset : offset + 200]:
                polled.append((place, records))
                self.read[place] = records[-1].offset + 1
        if not polled:
            time.sleep(min(timeout_ms, 20) / 1000)
        return polled

    def first_input(self, place: Place, offset: int) -> tuple[int, int | None]:
        return 0, offset if offset < len(self.records[place]) else None

    def close(self) -> None:
        """Nothing to close."""
