"""States of sources are decoded from the topic as they were published."""

from datetime import UTC, datetime
from typing import Any

import orjson
import pytest

from ioc.errors import BatchMalformed
from ioc.messages import Message
from ioc.model.source import SourceCondition, SourceState, error_fields
from ioc.wire.source_states import decode_state, encode_state

NOW = datetime(2026, 11, 22, 1, 0, 0, 250_000, tzinfo=UTC)


@pytest.mark.parametrize("last_success", [pytest.param(None, id="never heard"), pytest.param(NOW, id="heard")])
def test_there_and_back(last_success: Any) -> None:
    name = {"vi": "Quan trắc", "en": "Stations"}
    state = SourceState(
        "air", "mqtt", name, SourceCondition.LATE, 7, 10, 1, 2, 0, 0.5, 3.0, last_success, 60.0, "", NOW
    )
    assert decode_state(encode_state(state)) == state


def state_with(error: str) -> SourceState:
    name = {"vi": "Quan trắc", "en": "Stations"}
    fields = error_fields(error)
    return SourceState(
        "air", "mqtt", name, SourceCondition.FAILING, 7, 10, 1, 2, 0, 0.5, 3.0, NOW, 60.0, reported_at=NOW, **fields
    )


def test_an_error_keeps_its_code_and_parameters_and_the_messages_in_them() -> None:
    error = Message("sources_unread", reason=Message("source_file_unreadable", path="air.toml", reason="EACCES"))
    decoded = decode_state(encode_state(state_with(error)))
    shape = {"code": decoded.error_code, "params": decoded.error_params, "nested": decoded.error_nested}
    assert decoded.error == error
    assert shape == error.shape()
    assert Message.of_shape(shape) == error


def test_a_state_of_an_earlier_version_has_a_sentence_without_a_code() -> None:
    fields = orjson.loads(encode_state(state_with(Message("kafka_silent"))))
    for name in ("error_code", "error_params", "error_nested"):
        del fields[name]
    assert decode_state(orjson.dumps(fields)) == state_with("Kafka does not answer.")


@pytest.mark.parametrize("reason", [pytest.param("x" * 20_000, id="long"), pytest.param(2**70, id="beyond 64 bits")])
def test_parameters_that_cannot_be_sent_are_left_out_with_their_code(reason: Any) -> None:
    error = Message("kafka_away", reason=reason)
    decoded = decode_state(encode_state(state_with(error)))
    assert (decoded.error, decoded.error_code, decoded.error_params) == (error[:4000], "", {})


@pytest.mark.parametrize("content", [b"", b"[]", b"{}", b'{"condition": "asleep"}'])
def test_what_is_no_state_is_malformed(content: Any) -> None:
    with pytest.raises(BatchMalformed):
        decode_state(content)


@pytest.mark.parametrize(
    "odd",
    [
        pytest.param({"generation": "7"}, id="a text for a number"),
        pytest.param({"generation": 2**63}, id="a generation beyond 64 bits"),
        pytest.param({"delivered": -1}, id="a count below none"),
        pytest.param({"received": True}, id="a yes for a number"),
        pytest.param({"lag_s": 1e300}, id="seconds beyond all bounds"),
        pytest.param({"reported_at": "0001-01-01T00:00:00+14:00"}, id="before the calendar begins"),
        pytest.param({"reported_at": "2026-11-22T01:00:00"}, id="a time without a zone"),
        pytest.param({"reported_at": None}, id="no time"),
        pytest.param({"name": ["Stations"]}, id="a name that is a list"),
        pytest.param({"error": "x" * 100_000}, id="an endless sentence"),
        pytest.param({"error_code": None}, id="no text for a code"),
        pytest.param({"error_params": ["x"]}, id="parameters in a list"),
        pytest.param({"error_params": {"reason": "x" * 100_000}}, id="an endless parameter"),
    ],
)
def test_what_no_state_can_hold_is_malformed(odd: Any) -> None:
    name = {"vi": "Quan trắc", "en": "Stations"}
    state = SourceState("air", "mqtt", name, SourceCondition.LATE, 7, 10, 1, 2, 0, 0.5, 3.0, NOW, 60.0, "", NOW)
    with pytest.raises(BatchMalformed):
        decode_state(orjson.dumps({**orjson.loads(encode_state(state)), **odd}))
