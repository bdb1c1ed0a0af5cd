"""Contract of each private member of Faust and aiokafka that `streams/` relies on: a version that changes one fails."""

import inspect
from collections.abc import Callable
from pathlib import Path
from typing import Any

import faust
import pytest
from aiokafka import AIOKafkaConsumer
from aiokafka.consumer import fetcher
from faust.tables import TableManager
from faust.transport import consumer
from faust.transport.drivers import aiokafka as driver

from ioc.settings import Settings
from ioc.wire.record_batches import RecordBatches
from streams.app import Membership, build_app
from streams.faust_patches import (
    IdempotentProducer,
    has_compiled_streams,
    read_committed_soon,
    unpack_within_bounds,
)

OVERRIDDEN = [
    pytest.param(driver.Producer, "_settings_extra", id="settings of the producer"),
    pytest.param(TableManager, "on_start", id="start of the tables"),
    pytest.param(faust.Worker, "_setproctitle", id="title of the process"),
    pytest.param(driver.AIOKafkaConsumerThread, "_create_worker_consumer", id="making the consumer"),
    pytest.param(driver.AIOKafkaConsumerThread, "_ensure_consumer", id="the consumer of the thread"),
    pytest.param(driver.AIOKafkaConsumerThread, "_commit", id="commit of the thread"),
    pytest.param(driver.AIOKafkaConsumerThread, "seek_to_committed", id="seek of the thread"),
    pytest.param(driver.Consumer, "_new_consumer_thread", id="making the thread"),
    pytest.param(driver.Consumer, "_new_offset", id="the offset to commit"),
    pytest.param(driver.Consumer, "perform_seek", id="seek"),
    pytest.param(driver.Consumer, "getmany", id="messages as fetched"),
]


@pytest.mark.parametrize(("owner", "name"), OVERRIDDEN)
def test_what_is_overridden_is_there(owner: type, name: str) -> None:
    assert callable(getattr(owner, name, None)), f"{owner.__name__} has no {name} any more"


@pytest.mark.parametrize(
    ("caller", "text"),
    [
        pytest.param(driver.Producer._settings_default, "", id="defaults of the producer"),
        pytest.param(TableManager.on_start, "_update_channels", id="tables update their channels"),
        pytest.param(faust.Worker.on_startup_finished, "", id="worker starts"),
        pytest.param(fetcher.Fetcher, "MemoryRecords(", id="the fetcher looks its reader up by name"),
    ],
)
def test_what_is_replaced_is_used(caller: Callable[..., Any], text: str) -> None:
    assert text in inspect.getsource(caller)


async def test_a_consumer_takes_the_settings_of_its_fetches() -> None:
    made = AIOKafkaConsumer(bootstrap_servers="127.0.0.1:1", fetch_max_wait_ms=1500)
    assert (made._fetch_max_wait_ms, made._isolation_level) == (1500, "read_uncommitted")
    read_committed_soon(made)
    source = inspect.getsource(AIOKafkaConsumer.start)
    assert "fetch_max_wait_ms=self._fetch_max_wait_ms" in source
    assert "isolation_level=self._isolation_level" in source
    made._closed = True  # it never started; its collector would warn


def test_batches_are_read_by_the_bounded_reader(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fetcher, "MemoryRecords", fetcher.MemoryRecords)
    unpack_within_bounds()
    assert isinstance(fetcher.MemoryRecords(b""), RecordBatches)


def test_faust_runs_its_compiled_stream() -> None:
    assert has_compiled_streams()


def test_the_consumer_keeps_the_offsets_that_are_overridden() -> None:
    source = inspect.getsource(consumer.Consumer)
    for name in ("_read_offset", "_acked_index", "_acked", "_committed_offset"):
        assert f"self.{name}" in source, f"Faust's consumer has no {name} any more"


async def test_the_producer_of_an_app_is_idempotent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IOC_DATA_DIR", str(tmp_path))
    app = build_app(Settings.from_environment(), "127.0.0.1:1", Membership("one", 3.0), tmp_path / "scratch")
    app.finalize()
    producer = app.producer_transport.create_producer()
    assert isinstance(producer, IdempotentProducer)
    assert producer._settings_extra()["enable_idempotence"] is True
