"""Anchors of the audit trail on a real topic: published, read back, and what they find."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from ioc.clock import FixedClock
from ioc.kafka import create_topics
from ioc.people import People, TrailBroken
from ioc.server.topic_publishers import TopicPublisher
from ioc.server.trail_anchors import TrailAnchors, read_anchors
from ioc.topics import TRAIL_ANCHORS


def test_a_trail_that_lost_its_end_does_not_fit_its_anchors(
    broker: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    create_topics(broker, {}, 1)
    clock = FixedClock(datetime(2026, 11, 22, 1, 0, tzinfo=UTC))
    people = People.open(tmp_path / "people.db", clock)
    topic = TopicPublisher(broker, {}, TRAIL_ANCHORS)
    anchors = TrailAnchors(people.trail.newest, topic, clock)
    for number in range(3):
        people.trail.note("lan", "alert.acknowledge", f"a{number}")
        anchors.publish()
    topic._producer.flush()  # type: ignore[union-attr]
    topic.close()
    published = read_anchors(broker, {})
    assert [anchor.number for anchor in published] == [1, 2, 3]
    assert people.trail.verify(published) == 3
    assert "3 entries" in caplog.text
    shorter = People.open(tmp_path / "restored" / "people.db", clock)
    shorter.trail.note("lan", "alert.acknowledge", "a0")
    with pytest.raises(TrailBroken):
        shorter.trail.verify(published)
