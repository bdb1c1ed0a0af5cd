"""Whatever the bytes of a message, there is one output, and its counts balance."""

import json
import random
from types import ModuleType
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ioc import topics
from ioc.wire import arrow
from ioc.wire.headers import BatchHeaders, OutputHeaders
from streams.agent_output import SourceMessage, make_output
from streams.agents import cases, readings
from tests.support.case_batches import CASE
from tests.support.case_batches import batch as case_batch
from tests.support.reading_batches import INPUT_MS, batch, row, vocabulary

VOCABULARY = vocabulary()
AGENTS = {topics.READINGS: readings, topics.CASES: cases}
SOUND = {
    topics.READINGS: batch(row(f"{n % 60} {n} S{n % 7}", m) for n in range(50) for m in ("level", "station", "seen")),
    topics.CASES: case_batch(*[{**CASE, "case_id": f"H57-{n}"} for n in range(50)]),
}
ARROW = BatchHeaders("s", "any", "", "").encode()
READING = {"measure": "level", "unit": "46", "time": "2026-11-22T10:00:00Z", "value": 1.5, "subject": "A"}
JSON_CASE = {
    "case_type": "dossier",
    "case_id": "H57-1",
    "unit": "46",
    "status": "received",
    "received_at": "2026-11-22T10:00:00Z",
    "updated_at": "2026-11-22T10:00:00Z",
    "attributes": {"fee": 1},
}


def check_answer(topic: str, value: bytes | None, headers: Any) -> OutputHeaders:
    agent: ModuleType = AGENTS[topic]
    message = SourceMessage(topic, 0, 0, INPUT_MS, headers, value)
    given = make_output(message, agent.decode, agent.NO_ROWS, VOCABULARY)
    counts = OutputHeaders.decode(given.headers)
    rows, _ = arrow.decode(given.value, agent.NO_ROWS.schema)
    told = sum(rows.column("n").to_pylist()) if topic == topics.READINGS else rows.num_rows
    assert told == counts.applied
    assert counts.received == counts.applied + counts.duplicate + sum(counts.rejected.values())
    assert len({letter.key for letter in given.dead_letters}) == len(given.dead_letters)
    return counts


@pytest.mark.parametrize("compression", [None, "lz4", "zstd"])
@pytest.mark.parametrize("topic", SOUND)
def test_damaged_arrow(topic: str, compression: str | None) -> None:
    sink = pa.BufferOutputStream()
    options = pa.ipc.IpcWriteOptions(compression=compression)
    with pa.ipc.new_stream(sink, SOUND[topic].schema, options=options) as writer:
        writer.write_batch(SOUND[topic])
    chance, sound = random.Random(4), bytes(sink.getvalue())
    malformed = 0
    for _ in range(200):
        damaged = bytearray(sound[: chance.randrange(1, len(sound))] if chance.random() < 0.1 else sound)
        for _ in range(chance.choice([1, 2, 5])):
            damaged[chance.randrange(len(damaged))] = chance.randrange(256)
        malformed += "malformed" in check_answer(topic, bytes(damaged), ARROW).rejected
    assert malformed > 50, "the damage is real"


ODD = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**400), 10**400)
    | st.floats()
    | st.text(st.characters(), max_size=20)
    | st.sampled_from(["\ud800", "", " ", "46", "level", "9999-12-31T23:59:59-14:00", "0001-01-01T00:00:00+14:00"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)


@settings(max_examples=120)
@given(
    st.sampled_from(sorted(AGENTS)),
    st.sampled_from([READING, JSON_CASE]),
    st.dictionaries(st.sampled_from([*READING, *JSON_CASE, "other"]), ODD, max_size=3),
    st.dictionaries(st.sampled_from(["level", "fee", "paid"]), ODD, max_size=2) | ODD,
)
def test_odd_records(topic: str, record: dict[str, Any], odd: dict[str, Any], attributes: Any) -> None:
    odd_attributes = {"attributes": attributes} if "case_type" in record else {}
    content = json.dumps([{**record, **odd_attributes}, {**record, **odd}, record]).encode(errors="surrogatepass")
    assert check_answer(topic, content, ()).received == 3


@settings(max_examples=80)
@given(
    st.sampled_from(sorted(AGENTS)),
    st.binary(max_size=200),
    st.sampled_from(["application/json", "application/x-ndjson", "text/csv", "x/y", "", "\xff"]),
)
def test_any_bytes(topic: str, content: bytes, content_type: str) -> None:
    check_answer(topic, content, [("content-type", content_type.encode("latin-1"))])


@settings(max_examples=80)
@given(
    st.lists(
        st.tuples(
            st.sampled_from([name for name, _ in BatchHeaders("", "", "", "", received=1, position=1).encode()]),
            st.binary(max_size=12) | st.integers(-(10**20), 10**20).map(lambda n: str(n).encode()) | st.none(),
        ),
        max_size=4,
    )
)
def test_any_headers(headers: list[tuple[str, bytes]]) -> None:
    counts = check_answer(topics.READINGS, arrow.encode(SOUND[topics.READINGS]), [*ARROW, *headers])
    assert min(counts.received, counts.duplicate, counts.generation, counts.sequence) >= 0
    assert max(counts.received, counts.generation, counts.sequence) < 2**63
