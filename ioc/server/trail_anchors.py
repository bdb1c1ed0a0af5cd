"""Publish the hash of the audit trail's newest entry hourly, on a topic and in the log, where nobody can change it."""

import logging
import time
from collections.abc import Callable, Mapping

import orjson
from kafka import TopicPartition
from kafka.errors import KafkaError

from ioc.clock import Clock, rfc3339
from ioc.errors import BrokerUnavailable
from ioc.fault_register import FaultRegister
from ioc.kafka import Reader, connection
from ioc.messages import Message
from ioc.people import Anchor
from ioc.periodic_thread import PeriodicThread
from ioc.server.topic_publishers import TopicPublisher
from ioc.topics import TRAIL_ANCHORS

LOG = logging.getLogger("ioc.trail")
EVERY_S = 3600.0
_FIRST_AFTER_S = 10.0
_READ_WITHIN_S = 10.0
_BOOTSTRAP_MS = 3000


class TrailAnchors:
    """Publish `newest` once an hour, the first time soon after the start."""

    def __init__(
        self, newest: Callable[[], Anchor], topic: TopicPublisher, clock: Clock, faults: FaultRegister | None = None
    ) -> None:
        LOG.setLevel(logging.INFO)
        self._newest = newest
        self._topic = topic
        self._clock = clock
        self._thread = PeriodicThread("trail-anchors", self.publish, EVERY_S, faults)

    def start(self) -> None:
        """Start the thread."""
        self._thread.start(after_s=_FIRST_AFTER_S)

    def stop(self) -> None:
        """Stop the thread, at the latest after 5 s, and close the producer."""
        self._thread.stop(5)
        self._topic.close()

    def publish(self) -> None:
        """Publish number and hash of the newest entry now. Raises StoreUnavailable."""
        anchor, at = self._newest(), rfc3339(self._clock.now())
        LOG.info("audit trail: %d entries, last hash %s", anchor.number, anchor.hash)
        message = orjson.dumps({"at": at, "number": anchor.number, "hash": anchor.hash})
        self._topic.send([(str(anchor.number), message)])


def read_anchors(bootstrap: str, security: Mapping[str, str]) -> list[Anchor]:
    """Return all published anchors, oldest first; other messages are skipped. Raises BrokerUnavailable."""
    try:
        consumer = Reader(**connection(bootstrap, security), bootstrap_timeout_ms=_BOOTSTRAP_MS)
        try:
            partition = TopicPartition(TRAIL_ANCHORS, 0)
            if not consumer.partitions_for_topic(TRAIL_ANCHORS):
                return []
            consumer.assign([partition])
            consumer.seek_to_beginning(partition)
            end = consumer.end_offsets([partition])[partition]
            anchors: list[Anchor] = []
            until_s = time.monotonic() + _READ_WITHIN_S
            while consumer.position(partition) < end:
                if time.monotonic() > until_s:
                    raise BrokerUnavailable(Message("anchors_missing", address=bootstrap))
                for records in consumer.poll(timeout_ms=500).values():
                    anchors += [anchor for record in records if (anchor := _anchor(record.value)) is not None]
            return anchors
        finally:
            consumer.close()
    except (KafkaError, OSError) as fault:
        raise BrokerUnavailable(Message("anchors_failed", address=bootstrap, reason=str(fault))) from fault


def _anchor(value: object) -> Anchor | None:
    try:
        content = orjson.loads(value)  # type: ignore[arg-type]
        return Anchor(int(content["number"]), str(content["hash"]))
    except (ValueError, KeyError, TypeError):
        return None
