"""Sealed batches fit the topic's limit, and nothing is lost."""

import random
from concurrent.futures import Future
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from connectors.batching import Intake, PendingIntake, build_messages
from ioc import topics
from ioc.model.reading import Reading
from ioc.model.rejection import Reason, Rejection
from ioc.wire import arrow
from ioc.wire.schemas import READINGS, readings_batch

BEGAN = datetime(2026, 11, 1, tzinfo=UTC)


@pytest.mark.parametrize("limit", [200_000, 1024 * 1024, topics.MAX_BATCH_BYTES])
def test_messages_keep_to_what_the_topic_takes(limit: int) -> None:
    chance = random.Random(7)
    readings = [
        Reading("traffic.speed", "46", BEGAN + timedelta(milliseconds=n), chance.random(), f"S{chance.random()}")
        for n in range(30_000)
    ]
    refused = tuple(Rejection(n, "value", Reason.NOT_FINITE, "no", chance.randbytes(60_000)) for n in range(30))
    keys = np.frombuffer(chance.randbytes(8 * 20_000), np.uint64)
    requests = {f"key-{n}": {"a": n} for n in range(500)}
    intake = Intake(readings=readings_batch(readings), rejections=refused, requests=requests, row_keys=keys)
    messages = build_messages(
        [PendingIntake(intake, {topics.READINGS: 3}, Future())], {"at": 1}, {topics.READINGS: limit}
    )
    assert max(len(message.value) for message in messages) < limit - 64 * 1024
    assert sum(message.received for message in messages) == 30_033
    decoded = [arrow.decode(message.value, READINGS) for message in messages]
    assert sum(rows.num_rows for rows, _ in decoded) == 30_000
    assert sorted(r.index for _, rejections in decoded for r in rejections) == list(range(30))
    assert b"".join(arrow.row_keys_of(message.value) for message in messages) == keys.tobytes()
    assert [message.requests for message in messages if message.requests] == [requests]
    assert [message.ends_group for message in messages] == [*[False] * (len(messages) - 1), True]


def test_a_record_larger_than_a_message_keeps_its_beginning() -> None:
    intake = Intake(rejections=(Rejection(0, "", Reason.MALFORMED, "no", b"x" * 2_000_000),))
    [message] = build_messages([PendingIntake(intake, {}, Future())], None, {topics.READINGS: 300_000})
    [rejection] = arrow.decode(message.value, READINGS)[1]
    assert len(message.value) < 300_000
    assert set(rejection.content) == {ord("x")}
