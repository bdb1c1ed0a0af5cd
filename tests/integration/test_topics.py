"""Topics on a real broker: created, repaired, and written within their size limits."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from kafka import KafkaAdminClient, TopicPartition
from kafka.admin import ConfigResource
from kafka.errors import CoordinatorNotAvailableError, NoError
from kafka.structs import OffsetAndMetadata

from connectors.producer import SharedProducer
from connectors.writer import SourceWriter
from ioc import topics
from ioc.catalog import load
from ioc.commands.topics import _steps
from ioc.kafka import TopicChanges, ensure_topics, message_limits
from ioc.model.reading import Reading
from ioc.topic_repair import rewind_workers
from tests.support.broker_topics import remove_topics
from tests.support.connect_process import PARTITIONS, logged
from tests.support.waiting import until

pytestmark = pytest.mark.kafka


@pytest.fixture
def kafka(broker: str) -> Iterator[str]:
    remove_topics(broker)
    ensure_topics(broker, {}, PARTITIONS)
    yield broker
    remove_topics(broker)


@pytest.fixture
def admin(kafka: str) -> Iterator[KafkaAdminClient]:
    admin = KafkaAdminClient(bootstrap_servers=kafka)
    yield admin
    admin.close()


def test_a_deleted_output_topic_gets_as_many_partitions_as_its_input(kafka: str, admin: KafkaAdminClient) -> None:
    remove_topics(kafka, (topics.PANES,))
    assert ensure_topics(kafka, {}, 1) == TopicChanges([topics.PANES], {})
    assert ensure_topics(kafka, {}, 1) == TopicChanges([], {})
    admin.create_partitions({topics.CASES: PARTITIONS + 2})
    assert ensure_topics(kafka, {}, 1) == TopicChanges([], {topics.CASE_UPDATES: (PARTITIONS, PARTITIONS + 2)})
    [panes] = admin.describe_topics([topics.PANES])
    assert len(panes["partitions"]) == PARTITIONS


def test_inputs_whose_outputs_are_gone_are_answered_again(kafka: str, admin: KafkaAdminClient) -> None:
    places = [TopicPartition(topics.READINGS, n) for n in range(2)]
    assert rewind_workers(kafka, {}, {}).is_done, "no worker has ever run"
    until(lambda: set_group(admin, {place: OffsetAndMetadata(5, "", -1) for place in places}))
    repair = rewind_workers(kafka, {}, {(topics.READINGS, 0): 2, (topics.READINGS, 1): 5, (topics.CASES, 0): 7})
    assert (repair.behind, repair.is_done) == ({(topics.READINGS, 0): (2, 5)}, True)
    committed = admin.list_group_offsets({topics.STREAMS_GROUP: None})[topics.STREAMS_GROUP]
    assert [committed[place].offset for place in places] == [2, 5]
    assert list(_steps(TopicChanges([], {}), repair)) == [
        f"Offsets 2 to 4 of {topics.READINGS} partition 0 will be processed again.",
        "Start `ioc streams`.",
    ]


def set_group(admin: KafkaAdminClient, offsets: dict[TopicPartition, OffsetAndMetadata]) -> bool:
    """False while the broker still makes its topic of groups."""
    try:
        answers = admin.alter_group_offsets(topics.STREAMS_GROUP, offsets)
    except CoordinatorNotAvailableError:
        return False
    return all(answer is NoError for answer in answers.values())


def test_what_is_sent_keeps_to_what_the_topic_takes(kafka: str, admin: KafkaAdminClient, tmp_path: Path) -> None:
    assert message_limits(kafka, {})[topics.READINGS] == topics.MAX_BATCH_BYTES
    admin.alter_configs([ConfigResource("TOPIC", topics.READINGS, {"max.message.bytes": "300000"})])
    began = datetime(2026, 11, 1, tzinfo=UTC)
    readings = [
        Reading("traffic.speed", "46", began + timedelta(seconds=n), n % 97 + n / 1e6, f"S{n * 7919}")
        for n in range(20_000)
    ]
    producer = SharedProducer(kafka, tmp_path, partitions=PARTITIONS, measures=load("46").vocabulary.measures)
    writer = SourceWriter(producer, "bulk")
    writer.open()
    writer.add_readings(readings)
    writer.flush()
    writer.close()
    producer.close()
    found = logged(kafka, "bulk")
    assert (found.received, len(found.readings)) == (20_000, 20_000)
    assert found.batches > 2
