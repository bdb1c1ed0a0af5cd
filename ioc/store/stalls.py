"""Which source partitions wait for an output, or stand still, and since when. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

from ioc.model.ledger import Gap, Stall
from ioc.store.exactly_once import PartitionProgress
from ioc.topics import TopicPartition

STALLED_AFTER = timedelta(seconds=7)
"""With the second between two looks a partition that stands still is told within 10 s."""


class Stalls:
    """Remember since when each partition has had its gap, and since when nothing of it was applied."""

    def __init__(self) -> None:
        self._gap_since: dict[TopicPartition, datetime] = {}
        self._still_since: dict[TopicPartition, tuple[int, datetime]] = {}

    def look(
        self, progress: Mapping[TopicPartition, PartitionProgress], ends: Mapping[TopicPartition, int], now: datetime
    ) -> tuple[tuple[Gap, ...], tuple[Stall, ...]]:
        """Call about once a second. `ends` are the end offsets of the partitions in `progress`."""
        gaps = {place: gap for place, one in progress.items() if (gap := one.gap)}
        self._gap_since = {place: self._gap_since.get(place, now) for place in gaps}
        still: dict[TopicPartition, tuple[int, datetime]] = {}
        for place, one in progress.items():
            if one.next_offset >= ends.get(place, 0):
                continue
            before = self._still_since.get(place)
            unmoved = before is not None and before[0] == one.next_offset
            still[place] = before if before is not None and unmoved else (one.next_offset, now)
        self._still_since = still
        return (
            tuple(Gap(*place, *gap, self._gap_since[place]) for place, gap in gaps.items()),
            tuple(
                Stall(*place, offset, ends[place], since)
                for place, (offset, since) in still.items()
                if now - since >= STALLED_AFTER
            ),
        )
