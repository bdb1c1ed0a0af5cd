"""What the consumer hands on and commits around a rebalance; the broker is a log of ten messages."""

import asyncio
from collections.abc import Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any, ClassVar

import pytest
from aiokafka.errors import KafkaConnectionError
from faust.types import TP

from ioc.settings import Settings
from streams.app import Membership, build_app
from streams.consumer import Consumer, ConsumerThread

PLACE = TP("ioc.readings.v1", 0)
LOG = range(10)


class Log:
    """The consumer's thread: fetches ten messages at a time, and seeks back to what is committed."""

    def __init__(self, committed: int) -> None:
        self.committed = committed
        self.position = committed
        self.fetched = asyncio.Event()
        self.let_go = asyncio.Event()
        self.let_go.set()
        self.is_away = False

    async def getmany(self, *_: object) -> Mapping[TP, list[int]]:
        offsets = list(LOG[self.position :])
        self.position = len(LOG)
        self.fetched.set()
        await self.let_go.wait()
        return {PLACE: offsets}

    async def seek_to_committed(self) -> Mapping[TP, int]:
        if self.is_away:
            raise KafkaConnectionError
        self.position = self.committed
        return {PLACE: self.committed}

    def highwater(self, _place: TP) -> int:
        return len(LOG)


class Message:
    def __init__(self, offset: int) -> None:
        self.tp, self.topic, self.offset, self.acked = PLACE, PLACE.topic, offset, False


@pytest.fixture
async def consumer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Consumer:
    monkeypatch.setenv("IOC_DATA_DIR", str(tmp_path))
    app = build_app(Settings.from_environment(), "127.0.0.1:1", Membership("one", 3.0), tmp_path / "scratch")
    app.finalize()
    app.topics.acks_enabled_for = lambda _topic: True  # type: ignore[assignment,method-assign]
    made = app.transport.create_consumer(callback=print, on_partitions_revoked=None, on_partitions_assigned=None)  # type: ignore[arg-type]
    made._thread.thread_loop.close()  # type: ignore[attr-defined]
    made._to_message = lambda _place, offset: Message(offset)  # type: ignore[attr-defined]
    made.resume_partitions({PLACE})
    made.resume_flow()
    return made  # type: ignore[return-value]


async def handed(consumer: Consumer) -> list[Any]:
    return [message async for _, message in consumer.getmany(timeout=1)]


async def begun(consumer: Consumer, committed: int = 0) -> Log:
    log = Log(committed)
    consumer._thread = log  # type: ignore[assignment]
    await consumer.perform_seek()
    return log


async def test_what_was_fetched_before_a_seek_is_fetched_again_in_its_order(consumer: Consumer) -> None:
    log = await begun(consumer, committed=3)
    log.position = 5  # what lies before was handed on, and passed over at the rebalance
    log.let_go.clear()
    fetching = asyncio.create_task(handed(consumer))
    await log.fetched.wait()
    await consumer.perform_seek()
    log.let_go.set()
    assert await fetching == []
    assert [message.offset for message in await handed(consumer)] == list(range(3, 10))


async def test_a_fetch_amid_a_seek_is_fetched_again(consumer: Consumer) -> None:
    log = await begun(consumer, committed=3)
    consumer._seeks_begun += 1  # as while one waits for the broker
    assert await handed(consumer) == []
    consumer._seeks_done += 1
    assert log.position == 10
    assert [message.offset for message in await handed(consumer)] == list(range(3, 10))


async def test_nothing_is_handed_on_until_it_could_seek(consumer: Consumer) -> None:
    log = await begun(consumer, committed=3)
    log.is_away = True
    with pytest.raises(KafkaConnectionError):
        await consumer.perform_seek()
    assert await handed(consumer) == []
    log.is_away = False
    assert [message.offset for message in await handed(consumer)] == list(range(3, 10))


@pytest.mark.parametrize(
    ("committed", "acknowledged", "next_offset"),
    [
        pytest.param(3, [3, 4, 5], 6, id="in order"),
        pytest.param(3, [4, 5], None, id="the first is missing"),
        pytest.param(0, [1, 2], None, id="the first of a new partition is missing"),
        pytest.param(3, [3, 5, 6], 4, id="one amid is missing"),
        pytest.param(3, [5, 4, 3], 6, id="in any order"),
        pytest.param(3, [], None, id="none"),
    ],
)
async def test_commits_up_to_the_first_that_is_not_acknowledged(
    consumer: Consumer, committed: int, acknowledged: list[int], next_offset: int | None
) -> None:
    await begun(consumer, committed)
    messages = {message.offset: message for message in await handed(consumer)}
    for offset in acknowledged:
        consumer.ack(messages[offset])
    assert consumer._new_offset(PLACE) == next_offset
    assert consumer._new_offset(PLACE) is None


async def test_a_message_passed_over_comes_again_and_is_then_committed(consumer: Consumer) -> None:
    log = await begun(consumer, committed=3)
    for message in (await handed(consumer))[1:]:
        consumer.ack(message)
    await consumer.perform_seek()
    again = await handed(consumer)
    assert log.position == 10
    assert [message.offset for message in again] == list(range(3, 10))
    consumer.ack(again[0])
    assert consumer._new_offset(PLACE) == 10


async def test_a_log_that_lost_its_end_and_is_read_again_is_committed_from_where_it_is_read(consumer: Consumer) -> None:
    log = await begun(consumer, committed=9)
    log.position = 4
    for message in await handed(consumer):
        assert consumer.ack(message)
    assert consumer._new_offset(PLACE) == len(LOG)


async def test_a_worker_begins_at_the_end_of_a_log_that_ends_below_what_is_committed() -> None:
    """Else it would wait behind the end, and pass over what comes before."""
    cut, sound, new = (TP("ioc.readings.v1", number) for number in range(3))

    class Kafka:
        sought: ClassVar[dict[TP, int]] = {}

        def assignment(self) -> set[TP]:
            return {cut, sound, new}

        async def seek_to_committed(self) -> Mapping[TP, int | None]:
            return {cut: 9, sound: 9, new: None}

        async def end_offsets(self, places: list[TP]) -> Mapping[TP, int]:
            return {place: {cut: 7, sound: 9}[place] for place in places}

        def seek(self, place: TP, offset: int) -> None:
            self.sought[place] = offset

        async def seek_to_beginning(self, *places: TP) -> None:
            self.sought |= dict.fromkeys(places, 0)  # type: ignore[misc]

    committed: dict[TP, int] = {}

    async def commit(offsets: Mapping[TP, int]) -> None:
        committed.update(offsets)

    kafka = Kafka()
    thread = SimpleNamespace(_ensure_consumer=lambda: kafka, _commit=commit)
    begins = await ConsumerThread._seek_to_committed(thread)  # type: ignore[arg-type]
    assert begins == {cut: 7, sound: 9, new: None}
    assert kafka.sought == {cut: 7, new: 0}
    assert committed == {cut: 7}
