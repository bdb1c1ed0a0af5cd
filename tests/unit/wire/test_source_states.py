"""States of sources are decoded from the topic as they were published."""

from datetime import UTC, datetime
from typing import Any

import orjson
import pytest

from ioc.errors import BatchMalformed
from ioc.model.source import SourceCondition, SourceState
from ioc.wire.source_states import decode_state, encode_state

NOW = datetime(2026, 11, 22, 1, 0, 0, 250_000, tzinfo=UTC)


@pytest.mark.parametrize("last_success", [pytest.param(None, id="never heard"), pytest.param(NOW, id="heard")])
def test_there_and_back(last_success: Any) -> None:
    name = {"vi": "Quan trắc", "en": "Stations"}
    state = SourceState(
        "air", "mqtt", name, SourceCondition.LATE, 7, 10, 1, 2, 0, 0.5, 3.0, last_success, 60.0, "", NOW
    )
    assert decode_state(encode_state(state)) == state


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
    ],
)
def test_what_no_state_can_hold_is_malformed(odd: Any) -> None:
    name = {"vi": "Quan trắc", "en": "Stations"}
    state = SourceState("air", "mqtt", name, SourceCondition.LATE, 7, 10, 1, 2, 0, 0.5, 3.0, NOW, 60.0, "", NOW)
    with pytest.raises(BatchMalformed):
        decode_state(orjson.dumps({**orjson.loads(encode_state(state)), **odd}))
