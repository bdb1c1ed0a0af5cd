"""States of sources come back from the topic as they were said."""

from datetime import UTC, datetime

import pytest

from ioc.errors import BatchMalformed
from ioc.model.source import SourceCondition, SourceState
from ioc.wire.source_states import decode_state, encode_state

NOW = datetime(2026, 11, 22, 1, 0, 0, 250_000, tzinfo=UTC)


@pytest.mark.parametrize("last_success", [pytest.param(None, id="never heard"), pytest.param(NOW, id="heard")])
def test_there_and_back(last_success):
    name = {"vi": "Quan trắc", "en": "Stations"}
    state = SourceState(
        "air", "mqtt", name, SourceCondition.LATE, 7, 10, 1, 2, 0, 0.5, 3.0, last_success, 60.0, "", NOW
    )
    assert decode_state(encode_state(state)) == state


@pytest.mark.parametrize("content", [b"", b"[]", b"{}", b'{"condition": "asleep"}'])
def test_what_is_no_state_is_malformed(content):
    with pytest.raises(BatchMalformed):
        decode_state(content)
