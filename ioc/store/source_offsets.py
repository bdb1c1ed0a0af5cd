"""Read and reset the historian's offsets, which the store keeps."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime

import duckdb

from ioc.clock import LAST_MS
from ioc.model.ledger import LossCause
from ioc.store.exactly_once import Fences
from ioc.store.times import naive
from ioc.topics import TopicPartition
from ioc.wire.headers import GENERATION_AHEAD_MS


@dataclass(frozen=True)
class Positions:
    """Offsets of the historian.

    `applied`: next input of each source partition; `read`: next offset of each output partition; `tick`: the number of
    the last tick.
    """

    applied: dict[TopicPartition, int]
    read: dict[TopicPartition, int]
    fences: Fences
    topic_ids: dict[str, str]
    tick: int


def read_positions(cursor: duckdb.DuckDBPyConnection, now_ms: int = LAST_MS) -> Positions:
    """Return the offsets; a partition that is absent has never been read and begins at 0.

    Generations that no writer can have at `now_ms` do not fence anybody off.
    """
    applied = cursor.execute("SELECT topic, partition, next_offset FROM next_offsets").fetchall()
    read = cursor.execute("SELECT topic, partition, next_offset FROM resume_offsets").fetchall()
    fences = cursor.execute("SELECT source, topic, generation, sequence FROM source_ledger").fetchall()
    topic_ids = cursor.execute("SELECT topic, topic_id FROM topic_logs").fetchall()
    tick = cursor.execute("SELECT coalesce(max(tick), 0) FROM progress").fetchall()[0][0]
    return Positions(
        {(topic, partition): offset for topic, partition, offset in applied},
        {(topic, partition): offset for topic, partition, offset in read},
        Fences(
            {
                (source, topic): (generation, sequence)
                for source, topic, generation, sequence in fences
                if generation <= now_ms + GENERATION_AHEAD_MS
            }
        ),
        dict(topic_ids),
        tick,
    )


def record_logs(
    cursor: duckdb.DuckDBPyConnection,
    topic_ids: Mapping[str, str],
    recreated: Collection[str],
    ends: Mapping[TopicPartition, int],
    at: datetime,
) -> None:
    """Record the identity of the topics; start over with those that were `recreated`, and record what was left behind.

    `ends` are the last ends seen of the former logs. In the running transaction.
    """
    positions = read_positions(cursor)
    for topic, topic_id in topic_ids.items():
        if positions.topic_ids.get(topic) != topic_id:
            cursor.execute("DELETE FROM topic_logs WHERE topic = ?", [topic])
            cursor.execute("INSERT INTO topic_logs VALUES (?, ?, ?)", [topic, topic_id, naive(at)])
    for what, offsets in (("applied", positions.applied), ("read", positions.read)):
        for (topic, partition), offset in offsets.items():
            if topic not in recreated:
                continue
            row = [positions.tick + 1, what, topic, partition, 0]
            cursor.execute("INSERT INTO progress VALUES (?, ?, ?, ?, ?)", row)
            if what == "applied":
                end = max(offset, ends.get((topic, partition), offset))
                cursor.execute(
                    "INSERT INTO losses VALUES (?, ?, ?, ?, ?, ?)",
                    [topic, partition, offset, end, LossCause.TOPIC_RECREATED, naive(at)],
                )
