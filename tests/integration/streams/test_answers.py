"""One output for one input, whatever the input is, on real Kafka."""

import json
import random
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any

import pyarrow as pa
import pytest
from kafka import KafkaProducer

from ioc import topics
from ioc.kafka import create_topics
from ioc.model.case import Case
from ioc.model.reading import Reading
from ioc.model.rejection import Rejection
from ioc.wire import arrow
from ioc.wire.headers import BatchHeaders, OutputHeaders
from ioc.wire.schemas import CASES, PANES, cases_batch, readings_batch
from tests.integration.streams.line import PARTITIONS, Headers, Line, Workers
from tests.support import raw_batches
from tests.support.broker_topics import remove_topics
from tests.support.hostile_kafka_inputs import inputs

NOW = datetime.now(UTC).replace(microsecond=0)
READING = {"measure": "air.pm25", "unit": "19753", "time": NOW.isoformat(), "value": 31.5, "subject": "AQ-01"}
CASE = {
    "case_type": "dossier",
    "case_id": "H57-1",
    "unit": "19753",
    "status": "received",
    "received_at": NOW.isoformat(),
    "updated_at": NOW.isoformat(),
}


def batch(kind: str, received: int, duplicate: int = 0) -> Headers:
    head = BatchHeaders("loop-1", kind, "id", NOW.isoformat(), 7, 3, received=received, duplicate=duplicate)
    return head.encode()


def readings(*values: float, measure: str = "traffic.speed") -> bytes:
    return arrow.encode(readings_batch([Reading(measure, "19753", NOW, value) for value in values]))


def cases(*updated: datetime) -> bytes:
    versions = [Case("dossier", "H57-2", "19753", "received", NOW, moment) for moment in updated]
    return arrow.encode(cases_batch(versions, [None] * len(versions)))


BAD = Rejection(5, "value", "wrong_type", "`value` is 'x', not a number.", b'{"value": "x"}')
# value, headers → (applied, duplicate, rejected by reason, indexes of dead letters)
MESSAGES: dict[str, list[Any]] = {
    topics.READINGS: [
        pytest.param(readings(1, 2, 3), batch("readings", 3), (3, 0, {}, []), id="an Arrow batch"),
        pytest.param(
            arrow.encode(readings_batch([]), [BAD]),
            batch("readings", 2, 1),
            (0, 1, {"wrong_type": 1}, [5]),
            id="opening",
        ),
        pytest.param(
            readings(1, 500, float("nan")),
            batch("readings", 3),
            (1, 0, {"out_of_range": 1, "not_finite": 1}, [1_000_001, 1_000_002]),
            id="good readings beside bad ones",
        ),
        pytest.param(readings(1)[:-40], batch("readings", 9), (0, 0, {"malformed": 9}, [-1]), id="a truncated stream"),
        pytest.param(b"", batch("readings", 0), (0, 0, {"malformed": 1}, [-1]), id="an empty value"),
        pytest.param(None, (), (0, 0, {"malformed": 1}, [-1]), id="no value"),
        pytest.param(json.dumps(READING).encode(), (), (1, 0, {}, []), id="a JSON object without headers"),
        pytest.param(
            json.dumps([READING, CASE, 5]).encode(),
            (),
            (1, 0, {"wrong_type": 2}, [1_000_001, 1_000_002]),
            id="a case among readings",
        ),
        pytest.param(
            b"\n".join([json.dumps(READING).encode(), b"{oops", json.dumps(READING).encode()]),
            [("content-type", b"application/x-ndjson")],
            (2, 0, {"malformed": 1}, [1_000_001]),
            id="NDJSON with a broken line",
        ),
        pytest.param(
            json.dumps([{**READING, "value": 10**400}, {**READING, "subject": "\ud800"}]).encode(),
            (),
            (0, 0, {"not_finite": 1, "wrong_type": 1}, [1_000_000, 1_000_001]),
            id="a number and a text that no store holds",
        ),
        pytest.param(b"{", [("ioc-sequence", b"x")], (0, 0, {"malformed": 1}, [-1]), id="a header that does not parse"),
    ],
    topics.CASES: [
        pytest.param(json.dumps(CASE).encode(), (), (1, 0, {}, []), id="a JSON case"),
        pytest.param(json.dumps(READING).encode(), (), (0, 0, {"wrong_type": 1}, [1_000_000]), id="a reading"),
        pytest.param(
            cases(NOW, NOW + timedelta(hours=1)),
            batch("cases", 2),
            (1, 0, {"time_in_future": 1}, [1_000_001]),
            id="an update in the future",
        ),
    ],
}


@pytest.fixture(scope="module")
def kafka(broker: str) -> str:
    """Nothing here ends the broker, so it may be the test process's own; its topics are empty."""
    remove_topics(broker)
    create_topics(broker, {}, PARTITIONS)
    return broker


@pytest.mark.kafka
def test_every_message_has_one_output_and_its_dead_letters(line: Line, workers: Workers) -> None:
    sent: dict[tuple[str, int, int], Any] = {}
    for topic, cases in MESSAGES.items():
        for number, case in enumerate(cases):
            value, headers, expected = case.values
            place = line.send(topic, number % 4, value, headers).get(10)
            sent[topic, place.partition, place.offset] = (case.id, value, expected)
    outputs, letters = _read_until(line, len(sent))
    assert {(h.topic, h.partition, h.offset) for _, h in outputs} == set(sent), "an output for every input"
    for record, head in outputs:
        name, value, (applied, duplicate, rejected, indexes) = sent[head.topic, head.partition, head.offset]
        schema = PANES if head.topic == topics.READINGS else CASES
        assert record.topic == topics.OUTPUT_OF[head.topic]
        assert record.partition == head.partition, "same partition number"
        rows, came = arrow.decode(record.value, schema)
        assert rows.schema.names == schema.names, name
        assert came == []
        assert (head.applied, head.duplicate, dict(head.rejected)) == (applied, duplicate, rejected), name
        assert head.received == applied + duplicate + sum(rejected.values())
        counted = pa.compute.sum(rows.column("n")).as_py() if schema is PANES else rows.num_rows
        assert (counted or 0) == applied, name
        keys = [f"{head.topic}:{head.partition}:{head.offset}:{index}".encode() for index in indexes]
        own = [letter for letter in letters if letter.key in keys]
        assert [letter.key for letter in own] == keys, name
        if indexes == [-1]:
            assert own[0].value == (value or b"")
    assert len(letters) == sum(len(expected[3]) for _, _, expected in sent.values()), "and no dead letter more"


@pytest.mark.kafka
def test_dead_letter_says_what_is_wrong_and_where(line: Line, workers: Workers) -> None:
    place = line.send(topics.READINGS, 2, b'{"measure": "air.pm99"}', [("ce_source", b"/sources/hang")]).get(10)
    _, letters = _read_until(line, 1)
    [letter] = [letter for letter in letters if dict(letter.headers)["ioc-source"] == b"hang"]
    headers = dict(letter.headers)
    assert letter.value == b'{"measure": "air.pm99"}'
    assert letter.key == f"{topics.READINGS}:2:{place.offset}:1000000".encode()
    assert headers.pop("ioc-time").endswith(b"Z")
    assert headers == {
        "ioc-source": b"hang",
        "source-topic": topics.READINGS.encode(),
        "source-partition": b"2",
        "source-offset": b"%d" % place.offset,
        "ioc-index": b"1000000",
        "ioc-field": b"measure",
        "ioc-reason": b"unknown_measure",
        "ioc-message": b"The catalogue has no measure 'air.pm99'.",
    }


VEHICLES = {**READING, "measure": "traffic.vehicles", "subject": "AQ-01", "value": 7}


@pytest.mark.kafka
@pytest.mark.parametrize("codec", ["gzip", "snappy", "lz4", "zstd"])
def test_a_batch_of_another_producer_in_each_codec(line: Line, workers: Workers, codec: str) -> None:
    """A single small message is sent without compression, so many go in one batch."""
    producer = KafkaProducer(
        bootstrap_servers=line.kafka, compression_type=codec, linger_ms=200, batch_size=1024 * 1024, acks="all"
    )
    for number in range(30):
        content = json.dumps({**VEHICLES, "subject": f"Z{number}"}).encode()
        producer.send(topics.READINGS, content, partition=1)
    producer.flush()
    sizes = producer.metrics()["producer-metrics"]
    producer.close()
    assert 0 < sizes["compression-rate-avg"] < 0.5, "it really is compressed"
    outputs, letters = _read_until(line, 30)
    assert (sum(head.applied for _, head in outputs), letters) == (30, [])


@pytest.mark.kafka
def test_only_what_a_transaction_committed_is_answered(line: Line, workers: Workers) -> None:
    producer = KafkaProducer(bootstrap_servers=line.kafka, transactional_id="neighbour")
    producer.init_transactions()
    producer.begin_transaction()
    producer.send(topics.READINGS, json.dumps({**VEHICLES, "value": 1000}).encode(), partition=3)
    producer.flush()
    producer.abort_transaction()
    producer.begin_transaction()
    producer.send(topics.READINGS, json.dumps(VEHICLES).encode(), partition=3)
    producer.commit_transaction()
    producer.close()
    outputs, _ = _read_until(line, 1)
    sums = [total for record, _ in outputs for total in arrow.decode(record.value, PANES)[0].column("sum").to_pylist()]
    assert sums == [7.0]


def named_in_no_utf8() -> bytes:
    """Three messages; Kafka itself takes any bytes for a header's name."""
    sound = raw_batches.batch(raw_batches.NONE, 0, [b"{}"] * 3, [("ioc-note", b"x")])
    return raw_batches.sealed(sound.replace(b"ioc-note", b"\xff" * 8))


@pytest.mark.kafka
@pytest.mark.parametrize(
    ("made", "messages"), [(named_in_no_utf8, 3), (raw_batches.bomb, 1)], ids=["no UTF-8", "a bomb"]
)
def test_a_batch_that_cannot_be_read_is_one_dead_letter_and_the_partition_goes_on(
    line: Line, workers: Workers, made: Callable[[], bytes], messages: int
) -> None:
    content = made()
    first = raw_batches.send(line.kafka, topics.READINGS, 0, content)
    line.send(topics.READINGS, 0, json.dumps(VEHICLES).encode()).get(10)
    outputs, letters = _read_until(line, 2)
    (_, refused), (_, next_one) = sorted(outputs, key=lambda output: output[1].offset)
    assert (refused.offset, refused.inputs, refused.rejected) == (first, messages, {"malformed": messages})
    assert (next_one.offset, next_one.applied) == (first + messages, 1)
    [letter] = letters
    assert letter.key == f"{topics.READINGS}:0:{first}:-1".encode()
    assert letter.value[61:] == content[61:]


@pytest.mark.kafka
def test_hostile_messages_are_all_answered(line: Line, workers: Workers) -> None:
    """Some of those of tests/fuzz, which go through the agents' code alone there."""
    starts = {topic: line.ends(topic) for topic in topics.OUTPUT_OF}
    sent = 0
    for one in inputs(random.Random(5), 80, PARTITIONS):
        if not one.is_batch:
            line.send(one.topic, one.partition, one.value, one.headers)
            sent += 1
            continue
        with suppress(RuntimeError):  # Kafka itself refuses most damaged batches
            line.flush()
            raw_batches.send(line.kafka, one.topic, one.partition, one.value or b"")
            sent += 1
    line.flush()
    due = {
        (topic, partition, offset)
        for topic in topics.OUTPUT_OF
        for partition, end in line.ends(topic).items()
        for offset in range(starts[topic][partition], end)
    }
    answered: set[tuple[str, int, int]] = set()
    deadline = time.monotonic() + 60
    while not due <= answered and time.monotonic() < deadline:
        for record in line.read(0.5):
            if record.topic != topics.DEAD_LETTERS:
                head = OutputHeaders.decode(record.headers)
                answered |= {(head.topic, head.partition, n) for n in range(head.offset, head.end_offset)}
    assert sent > 70
    assert due - answered == set()


def _read_until(line: Line, outputs_due: int, timeout_s: float = 120) -> tuple[list[Any], list[Any]]:
    """(outputs with their headers, dead letters), once all outputs and a moment more are over.

    Without repeats, which are known by the input they answer, or by the dead letter's key: workers that start hand
    partitions to each other.
    """
    outputs: dict[tuple[str, int, int], Any] = {}
    letters: dict[bytes, Any] = {}
    deadline = time.monotonic() + timeout_s
    while time.monotonic() < deadline:
        records = line.read(1.0)
        for record in records:
            if record.topic == topics.DEAD_LETTERS:
                letters.setdefault(record.key, record)
            else:
                head = OutputHeaders.decode(record.headers)
                outputs.setdefault((head.topic, head.partition, head.offset), (record, head))
        if len(outputs) >= outputs_due and not records:
            return list(outputs.values()), list(letters.values())
    raise AssertionError(f"{len(outputs)} of {outputs_due} outputs came in {timeout_s} s")
