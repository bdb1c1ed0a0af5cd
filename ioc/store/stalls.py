"""Find source partitions that wait for an output, or do not move, and since when. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

from ioc.model.ledger import Gap, Stall
from ioc.store.exactly_once import PartitionProgress
from ioc.topics import TopicPartition

STALLED_AFTER = timedelta(seconds=7)
"""With one second between two updates, a stalled partition is reported within 10 s."""


class Stalls:
    """Remembers since when each partition has had its gap, and since when nothing of it was applied."""

    def __init__(self) -> None:
        self._gap_since: dict[TopicPartition, datetime] = {}
        self._still_since: dict[TopicPartition, tuple[int, datetime]] = {}

    def update(
        self, progress: Mapping[TopicPartition, PartitionProgress], ends: Mapping[TopicPartition, int], now: datetime
    ) -> tuple[tuple[Gap, ...], tuple[Stall, ...]]:
        """Return gaps and stalls; call about once a second.

        `ends` are the end offsets of the partitions in `progress`.
        """
        gaps = {partition: gap for partition, one in progress.items() if (gap := one.gap)}
        self._gap_since = {partition: self._gap_since.get(partition, now) for partition in gaps}
        still: dict[TopicPartition, tuple[int, datetime]] = {}
        for partition, one in progress.items():
            if one.next_offset >= ends.get(partition, 0):
                continue
            before = self._still_since.get(partition)
            unmoved = before is not None and before[0] == one.next_offset
            still[partition] = before if before is not None and unmoved else (one.next_offset, now)
        self._still_since = still
        return (
            tuple(Gap(*partition, *gap, self._gap_since[partition]) for partition, gap in gaps.items()),
            tuple(
                Stall(*partition, offset, ends[partition], since)
                for partition, (offset, since) in still.items()
                if now - since >= STALLED_AFTER
            ),
        )
