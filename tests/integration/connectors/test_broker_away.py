"""The broker goes away and comes back: nothing acknowledged is lost, nothing counts twice."""

import gc
import os
import signal
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest

from connectors.batching import Intake, IntakeResult
from connectors.producer import SharedProducer
from connectors.writer import SourceWriter
from ioc.broker import EmbeddedBroker
from ioc.catalog import load
from ioc.errors import SpoolFull
from ioc.kafka import create_topics
from ioc.model.reading import Reading
from ioc.wire.schemas import readings_batch
from tests.integration.connectors.systems import HEAD
from tests.support.connect_process import PARTITIONS, Sources, logged, wait_until

# kafka-python leaves the sockets of refused connections to the garbage collector.
pytestmark = [pytest.mark.kafka, pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")]
STILL_S = 18.0
_BEGAN = datetime(2026, 11, 1, tzinfo=UTC)


@pytest.fixture(autouse=True)
def sockets_collected() -> Iterator[None]:
    yield
    gc.collect()


@pytest.fixture(scope="module")
def own_broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedBroker]:
    embedded = EmbeddedBroker(tmp_path_factory.mktemp("own"), port=0)
    create_topics(embedded.start(), {}, PARTITIONS)
    yield embedded
    embedded.stop()


def intake(first: int, count: int) -> Intake:
    rows = [Reading("traffic.vehicles", "46", _BEGAN + timedelta(seconds=first + n), 1.0) for n in range(count)]
    return Intake(readings=readings_batch(rows), position={"next": first + count})


def producer(broker: EmbeddedBroker, data_dir: Path, spool_bytes: int = 1 << 26) -> SharedProducer:
    return SharedProducer(
        broker_address(broker),
        data_dir,
        partitions=PARTITIONS,
        measures=load("46").vocabulary.measures,
        spool_bytes=spool_bytes,
    )


def broker_address(broker: EmbeddedBroker) -> str:
    return broker._address_file.read_text()


def test_what_the_disk_took_comes_to_the_log_once_and_in_order(own_broker: EmbeddedBroker, tmp_path: Path) -> None:
    ways = producer(own_broker, tmp_path)
    writer = SourceWriter(ways, "away")
    writer.open()
    writer.submit(intake(0, 10)).safe.result(10)
    own_broker.stop()
    began_s = time.monotonic()
    for number in range(1, 6):
        writer.submit(intake(number * 10, 10)).safe.result(10)
    assert time.monotonic() - began_s < 9, "the disk, not the broker, makes it safe"
    own_broker.start()
    writer.flush(40)
    writer.close()
    ways.close()
    found = logged(broker_address(own_broker), "away")
    seconds = [(row["time"] - _BEGAN).total_seconds() for row in found.readings]
    assert seconds == [float(n) for n in range(60)]


def test_a_broker_that_stands_still_is_written_to_again_once_it_goes_on(
    own_broker: EmbeddedBroker, tmp_path: Path
) -> None:
    """kafka-python's producer never gets over it: it gives up a message after 10 s, asks for a new id of its own, and
    when that is not answered within 5 s waits for it for ever."""
    ways = producer(own_broker, tmp_path)
    writers = [SourceWriter(ways, "still"), SourceWriter(ways, "other")]
    for writer in writers:
        writer.open()
    threads = threading.active_count()
    os.kill(own_broker.pid, signal.SIGSTOP)
    try:
        writers[0].submit(intake(0, 10)).safe.result(10)
        time.sleep(STILL_S)
    finally:
        os.kill(own_broker.pid, signal.SIGCONT)
    for number, writer in enumerate(writers, start=1):
        writer.submit(intake(number * 10, 10))
        writer.flush(30)
    wait_until("the end of the producers before", lambda: threading.active_count() <= threads + 1)
    for writer in writers:
        writer.close()
    ways.close()
    assert len(logged(broker_address(own_broker), "still").readings) == 20
    assert len(logged(broker_address(own_broker), "other").readings) == 10


def test_full_disk_buffer_refuses_and_keeps_what_it_took(own_broker: EmbeddedBroker, tmp_path: Path) -> None:
    ways = producer(own_broker, tmp_path, spool_bytes=100_000)
    writer = SourceWriter(ways, "full")
    writer.open()
    own_broker.stop()
    taken: list[IntakeResult] = []

    def fill() -> None:
        for number in range(100):
            taken.append(writer.submit(intake(number * 200, 200)))
            time.sleep(0.02)

    with pytest.raises(SpoolFull, match="'full' is full"):
        fill()
    for one in taken:
        one.safe.result(10)
    own_broker.start()
    writer.flush(40)
    writer.submit(intake(100_000, 1)).safe.result(10)
    writer.close()
    ways.close()
    assert len(logged(broker_address(own_broker), "full").readings) == len(taken) * 200 + 1


def test_pushes_answered_while_the_broker_is_away_survive_a_kill(own_broker: EmbeddedBroker, tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    sources = Sources(tmp_path / "data", broker_address(own_broker))
    sources.configure("spooled", HEAD + 'kind = "http_push"\n')
    sources.start()
    wait_until("the opening", lambda: sources.state("spooled").get("generation"))

    def push(number: int) -> int:
        time_ = (_BEGAN + timedelta(seconds=number)).isoformat()
        body = f'[{{"measure": "traffic.vehicles", "unit": "46", "time": "{time_}", "value": 1}}]'
        headers = {"idempotency-key": f"k{number}", "content-type": "application/json"}
        address = f"http://127.0.0.1:{sources.port}/spooled"
        try:
            return httpx.post(address, content=body, headers=headers, timeout=40).status_code
        except httpx.ConnectError:
            return 0

    try:
        wait_until("an answer", lambda: push(0) == 202)
        own_broker.stop()
        assert [push(number) for number in range(1, 4)] == [202] * 3
        sources.kill()
        sources.start()
        status = wait_until("an answer", lambda: push(4))
        assert status == 503, "without the log nobody knows what was sent already"
        own_broker.start()
        wait_until("a push to be taken again", lambda: push(4) == 202)
        assert [push(number) for number in range(4)] == [202] * 4, "the same keys, the same answers"
        time.sleep(0.5)
        found = logged(broker_address(own_broker), "spooled")
        assert sorted((row["time"] - _BEGAN).total_seconds() for row in found.readings) == [0, 1, 2, 3, 4]
    finally:
        sources.close()
