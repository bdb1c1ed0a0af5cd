"""The output for a message: counts that add up, dead letters that can be found, and bounds."""

import numpy as np
import pyarrow as pa
import pytest

from ioc import topics
from ioc.wire import arrow
from ioc.wire.dead_letters import MAX_CONTENT_BYTES
from ioc.wire.headers import BatchHeaders, OutputHeaders
from ioc.wire.schemas import READINGS
from streams.agent_output import OUTPUT_BYTES, AgentOutput, SourceMessage, make_output
from streams.agents import readings
from tests.support.reading_batches import INPUT_MS, START_MS, batch, row, vocabulary

VOCABULARY = vocabulary()


def answered(value: bytes | None, head: BatchHeaders | None = None) -> AgentOutput:
    headers = head.encode() if head else []
    message = SourceMessage(topics.READINGS, 3, 41, INPUT_MS, headers, value)
    return make_output(message, readings.decode, readings.NO_ROWS, VOCABULARY)


def test_headers_say_which_input_is_answered_and_balance() -> None:
    head = BatchHeaders("loop-1", "readings", "id", "t", generation=7, sequence=9, received=5, duplicate=2)
    given = answered(arrow.encode(batch([row("0 1"), row("1 2"), row("2 9999")])), head)
    counts = OutputHeaders.decode(given.headers)
    assert counts == OutputHeaders(topics.READINGS, 3, 41, "loop-1", 7, 9, 5, 2, 2, {"out_of_range": 1}, INPUT_MS)
    assert counts == given.counts


@pytest.mark.parametrize(
    ("taken_ms", "rejected"),
    [(START_MS + 699_999, {"time_in_future": 1}), (START_MS + 700_000, {})],
    ids=["more than 5 minutes behind the reading", "5 minutes behind"],
)
def test_a_reading_is_judged_by_when_the_broker_took_it(taken_ms: int, rejected: dict[str, int]) -> None:
    """So a replay, however late, gives the same."""
    value = arrow.encode(batch([row("1000 1")]))
    headers = BatchHeaders("s", "readings", "", "").encode()
    message = SourceMessage(topics.READINGS, 0, 0, taken_ms, headers, value)
    assert make_output(message, readings.decode, readings.NO_ROWS, VOCABULARY).counts.rejected == rejected


@pytest.mark.parametrize(
    ("received", "duplicate", "records"),
    [(20, 3, 17), (None, 0, 1), (0, 0, 1), (3, 5, 1), (10**9, 0, 30), (10**18, 0, 1)],
    ids=["as counted", "not counted", "counted as none", "counted wrong", "counted absurdly", "beyond all bounds"],
)
def test_an_unreadable_message_counts_the_records_its_sender_counted(
    received: int | None, duplicate: int, records: int
) -> None:
    counts = answered(b"?" * 30, BatchHeaders("s", "readings", "", "", received=received, duplicate=duplicate)).counts
    assert counts.rejected == {"malformed": records}
    assert counts.received == records + duplicate


def test_a_large_dead_letter_is_cut_and_says_so() -> None:
    value = b'{"measure": "' + b"x" * 2_000_000
    [letter] = answered(value).dead_letters
    assert letter.value == value[:MAX_CONTENT_BYTES]
    assert dict(letter.headers)["ioc-cut"] == b"%d" % len(value)


def test_no_header_of_a_dead_letter_is_large() -> None:
    value = (
        b'[{"' + b"f" * 3_000_000 + b'": 1}, {"measure": "level", "unit": "46", "value": "' + b"v" * 3_000_000 + b'"}]'
    )
    for letter in answered(value).dead_letters:
        assert all(len(content) < 2_100 for _, content in letter.headers)


def test_a_batch_whose_panes_no_message_holds_is_refused_whole() -> None:
    size = 150_000
    chance = np.random.default_rng(1)
    one = batch([row("0 1", "station")]).columns
    rows = pa.RecordBatch.from_arrays(
        [
            one[0].take(pa.array(np.zeros(size, np.int8))),
            one[1].take(pa.array(np.zeros(size, np.int8))),
            pa.array([f"S{n}" for n in range(size)]).dictionary_encode(),
            pa.array(START_MS - 60_000 * chance.permutation(size)).cast(READINGS.field("time").type),
            pa.array(chance.normal(0, 100, size)),
        ],
        schema=READINGS,
    )
    given = answered(arrow.encode(rows), BatchHeaders("s", "readings", "", "", received=size))
    assert given.counts.rejected == {"too_large": size}
    assert len(given.value) < OUTPUT_BYTES
    assert len(given.dead_letters) == 1
