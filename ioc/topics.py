"""The topics of the centre: names, partitions, retention, compaction."""

from dataclasses import dataclass
from zlib import crc32

READINGS = "ioc.readings.v1"
CASES = "ioc.cases.v1"
PANES = "ioc.panes.v1"
CASE_UPDATES = "ioc.case-updates.v1"
DEAD_LETTERS = "ioc.dead-letters.v1"
KPIS = "ioc.kpis.v1"
ALERTS = "ioc.alerts.v1"
SOURCES = "ioc.sources.v1"
REPLAYS = "ioc.replays.v1"
TRAIL_ANCHORS = "ioc.trail-anchors.v1"

TopicPartition = tuple[str, int]
"""A topic and the number of one of its partitions."""

OUTPUT_OF = {READINGS: PANES, CASES: CASE_UPDATES}
STREAMS_GROUP = "ioc-streams"
"""The consumer group of the workers."""
MAX_MESSAGE_BYTES = 8 * 1024 * 1024
MAX_BATCH_BYTES = MAX_MESSAGE_BYTES + 64 * 1024
"""A batch has a header besides its one message, whose size the producer limits."""
_HOUR_MS = 3_600_000


@dataclass(frozen=True)
class Topic:
    """A topic of the centre. `partitions` None: as many as the settings say; inputs and outputs have equally many."""

    name: str
    what: str
    partitions: int | None
    configuration: dict[str, str]


def _kept(hours: int, **more: str) -> dict[str, str]:
    largest = {"max.message.bytes": str(MAX_BATCH_BYTES)}
    return {"cleanup.policy": "delete", "retention.ms": str(hours * _HOUR_MS), **largest, **more}


# What is published again at the next start need not be on the disk before it is acknowledged. The embedded broker
# writes everything else first; in a cluster this setting is Kafka's default.
_LATEST = {
    "cleanup.policy": "compact",
    "min.cleanable.dirty.ratio": "0.5",
    "segment.ms": str(_HOUR_MS),
    "flush.messages": str(2**63 - 1),
}
_KEPT_FOREVER = {"cleanup.policy": "delete", "retention.ms": "-1", "retention.bytes": "-1"}
# The broker's clock decides what is in the future, so that a replayed batch is judged as it was the first time.
_BY_BROKER_CLOCK = {"message.timestamp.type": "LogAppendTime"}

TOPICS = (
    Topic(READINGS, "batches of readings, from connectors", None, _kept(72, **_BY_BROKER_CLOCK)),
    Topic(CASES, "batches of case versions, from connectors", None, _kept(72, **_BY_BROKER_CLOCK)),
    Topic(PANES, "one-minute panes, one message per batch of readings", None, _kept(72)),
    Topic(CASE_UPDATES, "checked case versions, one message per batch of cases", None, _kept(72)),
    Topic(DEAD_LETTERS, "unfit records with reason, source, offset, bytes", 1, _kept(30 * 24)),
    Topic(KPIS, "KPI values as published, key = KPI", 1, _LATEST),
    Topic(ALERTS, "alerts as published, key = alert", 1, _LATEST),
    Topic(SOURCES, "state of each source, key = source", 1, _LATEST),
    Topic(REPLAYS, "requests to replay refused records, with their results, key = source", 1, _kept(24)),
    Topic(TRAIL_ANCHORS, "count and last hash of the audit trail, hourly, kept forever", 1, _KEPT_FOREVER),
)


def partition_of(source: str, partitions: int) -> int:
    """Return the one partition that a source writes to, the same in every process and at every start."""
    return crc32(source.encode()) % partitions
