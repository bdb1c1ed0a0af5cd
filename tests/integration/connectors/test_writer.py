"""The source writer on a real broker."""

from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from kafka import KafkaProducer, TopicPartition

from connectors.batching import Intake
from connectors.http_push import HttpPushEndpoint
from connectors.producer import SharedProducer
from connectors.row_keys import RowCounter
from connectors.same_key import SameKey
from connectors.writer import SourceWriter
from ioc import topics
from ioc.catalog import load
from ioc.clock import SystemClock
from ioc.errors import BatchMalformed, ConfigurationInvalid
from ioc.model.reading import Reading
from ioc.model.rejection import Rejection
from ioc.wire import arrow
from ioc.wire.headers import BatchHeaders
from ioc.wire.schemas import READINGS, readings_batch
from tests.support.connect_process import PARTITIONS, logged
from tests.support.waiting import until

pytestmark = pytest.mark.kafka
_BEGAN = datetime(2026, 11, 1, tzinfo=UTC)


@pytest.fixture
def producer(kafka: str, tmp_path: Path) -> Iterator[SharedProducer]:
    ways = SharedProducer(kafka, tmp_path, partitions=PARTITIONS, measures=load("46").vocabulary.measures)
    yield ways
    ways.close()


@pytest.fixture
def source(request: pytest.FixtureRequest) -> str:
    name: str = request.node.originalname
    return name.replace("_", "-")[:60]


def vehicles(*seconds: int) -> list[Reading]:
    return [Reading("traffic.vehicles", "46", _BEGAN + timedelta(seconds=second), 1.0) for second in seconds]


def speeds(*seconds: int) -> list[Reading]:
    return [Reading("traffic.speed", "46", _BEGAN + timedelta(seconds=second), 30.0) for second in seconds]


def test_goes_on_from_the_log(kafka: str, producer: SharedProducer, source: str) -> None:
    """A new writer knows position, record keys and answers of the one before."""
    writer = SourceWriter(producer, source)
    writer.open()
    writer.add_readings(speeds(1, 2), position={"at": 2})
    writer.submit(
        Intake(readings=readings_batch(speeds(3))), "key", lambda accepted, duplicate, _: [accepted, duplicate]
    )
    writer.close()
    writer = SourceWriter(producer, source)
    writer.open()
    assert writer.position == {"at": 2}
    assert writer.answer_of("key") == [1, 0]
    taken = writer.add_readings(speeds(2, 3, 4))
    assert (taken.accepted, taken.duplicate) == (1, 2)
    writer.close()
    found = logged(kafka, source)
    assert len(found.readings) == 4
    assert (found.received, found.duplicate) == (6, 2)


def test_rows_are_known_to_the_next_writer(kafka: str, producer: SharedProducer, source: str, tmp_path: Path) -> None:
    """Also when the file of keys is lost, from the log; never those of what was not sent."""
    rows = RowCounter().keys([b"a", b"b", b"a"])
    writer = SourceWriter(producer, source)
    writer.open()
    writer.add(Intake(readings=readings_batch(vehicles(1, 1, 1)), row_keys=rows))
    writer.close()
    for keys in (tmp_path / "keys").iterdir():
        assert keys.stat().st_size == 12 * 3
        keys.unlink()
    for _ in range(2):
        writer = SourceWriter(producer, source)
        writer.open()
        assert writer.known_rows(rows)[0].all()
        assert not writer.known_rows(RowCounter().keys([b"c"]))[0].any()
        writer.close()


def test_a_known_key_with_another_value_is_refused(kafka: str, producer: SharedProducer, source: str) -> None:
    writer = SourceWriter(producer, source)
    writer.open()
    writer.add_readings(speeds(1, 2))
    other = Reading("traffic.speed", "46", _BEGAN + timedelta(seconds=2), 55.0)
    taken = writer.add_readings([*speeds(1), other, *speeds(3)])
    assert (taken.accepted, taken.duplicate, taken.rejected) == (1, 1, 1)
    writer.close()
    found = logged(kafka, source)
    assert [r.reason for r in found.rejections] == ["key_conflict"]
    assert b'"value": 55.0' in found.rejections[0].content
    assert found.received == 2 + 3


def test_corrections_go_through_and_say_so(kafka: str, producer: SharedProducer, source: str) -> None:
    writer = SourceWriter(producer, source, same_key=SameKey.CORRECTION)
    writer.open()
    assert writer.add_readings([*speeds(1), *speeds(1)]).accepted == 2
    writer.close()
    assert len(logged(kafka, source).readings) == 2
    place = TopicPartition(topics.READINGS, topics.partition_of(source, PARTITIONS))
    with closing(producer.new_reader()) as consumer:
        consumer.assign([place])
        consumer.seek_to_beginning(place)
        heads = [BatchHeaders.decode(r.headers) for some in consumer.poll(5000).values() for r in some]
    assert {head.corrects for head in heads if head.source == source and head.sequence} == {True}


def test_a_source_that_begins_to_correct_itself_refuses_what_it_may_have_sent(
    kafka: str, producer: SharedProducer, source: str
) -> None:
    """Its earlier values are in sums; what is timed from the change on is corrected, also after another start."""
    writer = SourceWriter(producer, source)
    writer.open()
    writer.add_readings(speeds(1))
    writer.close()
    now = Reading("traffic.speed", "46", datetime.now(UTC) + timedelta(seconds=60), 30.0)
    for _ in range(2):
        writer = SourceWriter(producer, source, same_key=SameKey.CORRECTION)
        writer.open()
        taken = writer.add_readings([*speeds(1, 2), now])
        assert (taken.accepted, taken.rejected) == (1, 2)
        writer.close()
    found = logged(kafka, source)
    assert {r.reason for r in found.rejections} == {"key_conflict"}
    assert "began to correct itself" in found.rejections[0].message


def test_events_without_subject_are_never_taken_for_repeats(kafka: str, producer: SharedProducer, source: str) -> None:
    writer = SourceWriter(producer, source)
    writer.open()
    assert writer.add_readings(vehicles(1, 1, 1)).accepted == 3
    assert writer.add_readings(speeds(1, 1, 1)).accepted == 1
    writer.close()
    assert len(logged(kafka, source).readings) == 4


def test_large_intake_is_cut_and_stays_whole(kafka: str, producer: SharedProducer, source: str, tmp_path: Path) -> None:
    rows = 500_000
    codes = pa.array(np.zeros(rows, np.int16))
    batch = pa.RecordBatch.from_arrays(
        [
            pa.DictionaryArray.from_arrays(codes, pa.array(["traffic.vehicles"])),
            pa.DictionaryArray.from_arrays(codes, pa.array(["46"])),
            pa.DictionaryArray.from_arrays(pa.nulls(rows, pa.int32()), pa.array([], pa.string())),
            pa.array(np.arange(rows) + 1_790_000_000_000).cast(READINGS.field("time").type),
            pa.array(np.random.default_rng(1).random(rows)),
        ],
        schema=READINGS,
    )
    writer = SourceWriter(producer, source, same_key=SameKey.NEW)
    writer.open()
    writer.add_readings(batch, position=1)
    writer.flush()
    assert (tmp_path / "spool" / f"{source}.spool").stat().st_size == 0
    writer.close()
    found = logged(kafka, source)
    assert found.batches >= 3
    assert len({row["time"] for row in found.readings}) == rows


def test_refusals_of_one_message_have_indices_of_their_own(kafka: str, producer: SharedProducer, source: str) -> None:
    """Two pushes in one flush both have an unfit record 0; a dead letter's key needs them apart."""
    writer = SourceWriter(producer, source)
    writer.open()
    for _ in range(2):
        unfit = Rejection(0, "value", "not_finite", "no", b"\xff" * 10)
        writer.submit(Intake(readings=readings_batch(vehicles(1)), rejections=[unfit]))
    writer.close()
    found = logged(kafka, source)
    assert [r.index for r in found.rejections] == [0, 2]
    assert found.received == 4


def test_one_process_runs_a_source(producer: SharedProducer, source: str) -> None:
    writer = SourceWriter(producer, source)
    with pytest.raises(ConfigurationInvalid, match="already run by another"):
        SourceWriter(producer, source)
    writer.close()


def test_older_writer_is_fenced(kafka: str, producer: SharedProducer, source: str, tmp_path: Path) -> None:
    """Two machines run the same source by mistake: what the older one still sends is an echo."""
    older = SourceWriter(producer, source)
    older.open()
    elsewhere = SharedProducer(kafka, tmp_path / "elsewhere", partitions=PARTITIONS, measures={})
    newer = SourceWriter(elsewhere, source)
    newer.open()
    older.add_readings(vehicles(1))
    older.flush()
    newer.add_readings(vehicles(2))
    newer.flush()
    older.close()
    newer.close()
    elsewhere.close()
    found = logged(kafka, source)
    assert [row["time"] for row in found.readings] == [_BEGAN + timedelta(seconds=2)]
    assert found.fenced == 1


def test_a_writer_that_another_has_replaced_opens_above_it_and_sends_again(
    kafka: str, producer: SharedProducer, source: str
) -> None:
    writer = SourceWriter(producer, source)
    writer.open()
    writer.add_readings(vehicles(1, 2))
    writer.flush()
    foreign = writer.counts().generation + 3_600_000
    producer, nothing = KafkaProducer(bootstrap_servers=kafka), arrow.encode(readings_batch([]))
    headers = BatchHeaders(source, "readings", "", "", generation=foreign, sequence=9).encode()
    partition = topics.partition_of(source, PARTITIONS)
    producer.send(topics.READINGS, nothing, headers=headers, partition=partition).get(10)  # type: ignore[arg-type,attr-defined,call-arg,func-returns-value,misc]
    absurd = [(name, b"%d" % (2**63 - 1) if name == "ioc-generation" else value) for name, value in headers]
    producer.send(topics.READINGS, nothing, headers=absurd, partition=partition).get(10)  # type: ignore[arg-type,attr-defined,call-arg,func-returns-value,misc]
    producer.close()
    writer.add_readings(vehicles(3))
    writer.flush()
    assert len(logged(kafka, source).readings) == 2, "the broker has it, the historian would drop it"
    until(lambda: writer.counts().generation > foreign)
    assert f"Another process has written under the name {source!r}" in writer.notice
    writer.add_readings(vehicles(4))
    writer.flush()
    assert writer.counts().generation < foreign + 60_000, "no higher than it must be"
    writer.close()
    found = sorted(row["time"] for row in logged(kafka, source).readings)
    assert found == [reading.time for reading in vehicles(1, 2, 3, 4)]


async def test_same_key_same_answer_also_after_a_restart(kafka: str, producer: SharedProducer, source: str) -> None:
    vocabulary = load("46").vocabulary
    good = b'{"measure":"traffic.vehicles","unit":"46","time":"2026-11-22T00:00:00Z","value":1}'
    bad = b'{"measure":"traffic.vehicles","unit":"46","time":"2026-11-22T00:00:00Z","value":"x"}'
    body = good + b"\n" + bad + b"\n" + b"{broken\n" + good
    answers = []
    for _ in range(2):
        writer = SourceWriter(producer, source)
        writer.open()
        endpoint = HttpPushEndpoint(lambda _, w=writer: w, lambda: vocabulary, SystemClock())  # type: ignore[misc]
        for _ in range(2):
            answers.append(await endpoint.ingest(source, body, "application/x-ndjson; charset=utf-8", "key-1"))
            with pytest.raises(BatchMalformed):
                await endpoint.ingest(source, b"<html>", "application/json", "key-2")
        writer.close()
    assert answers == [answers[0]] * 4
    assert answers[0].accepted == 2
    assert [(r.index, r.reason) for r in answers[0].rejected] == [(1, "wrong_type"), (2, "malformed")]
    found = logged(kafka, source)
    assert len(found.readings) == 2
    assert [r.reason for r in found.rejections] == ["wrong_type", "malformed", "malformed"]
    assert found.rejections[2].content == b"<html>"
