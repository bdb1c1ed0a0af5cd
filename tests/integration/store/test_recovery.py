"""The historian recovers by itself from a full disk, a broker that was away, and a broker that lost its log."""

from __future__ import annotations

import gc
import logging
import resource
from collections.abc import Iterator
from multiprocessing.connection import Connection
from pathlib import Path

import pytest

from ioc.broker import EmbeddedBroker
from ioc.kafka import create_topics
from ioc.settings import VIETNAM
from ioc.store import Historian, HistorianCondition, Store, read_ledger
from tests.integration.store.historian_process import run_historian
from tests.support.broker_topics import PARTITIONS, Agents
from tests.support.preloaded import FORKED
from tests.support.store_batches import Reading, one_pane, panes_batch
from tests.support.waiting import until

MINUTE = 30_000_000

pytestmark = [
    pytest.mark.kafka,
    # kafka-python drops sockets unclosed while the broker is away.
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]


@pytest.fixture(autouse=True)
def _dropped_sockets() -> Iterator[None]:
    """They are found here, and not within another test; log records would hold on to them until the end."""
    logging.disable()
    yield
    gc.collect()
    logging.disable(logging.NOTSET)


def readings(store: Store) -> int:
    with store.cursor() as cursor:
        return int(cursor.execute("SELECT coalesce(sum(n), 0) FROM day_panes").fetchall()[0][0])


def heard(line: Connection, condition: HistorianCondition) -> str:
    """The error told with the next state of this condition."""
    while True:
        told, error = line.recv()
        if told == str(condition):
            return str(error)


def test_a_full_disk_stops_writing_and_space_starts_it_again(agents: Agents, topics: str, tmp_path: Path) -> None:
    batches = [
        panes_batch([Reading("air.pm25", f"u{k}", None, minute * 60_000 + k, float(k)) for k in range(1000)])
        for minute in range(MINUTE, MINUTE + 31)
    ]
    line, other_end = FORKED.Pipe()
    process = FORKED.Process(target=run_historian, args=(tmp_path, topics, 1_000_000, other_end), daemon=True)
    process.start()
    other_end.close()
    for rows in batches[:30]:
        agents.output(rows, agents.input())
    assert "is full; writing stops until there is space again" in heard(line, HistorianCondition.NOT_WRITING)
    assert process.pid is not None
    resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    heard(line, HistorianCondition.LIVE)
    agents.output(batches[30], agents.input())
    line.send("end")
    process.join(30)
    line.close()
    store = Store.open(tmp_path / "ioc.duckdb", tmp_path / "archive", zone=VIETNAM)
    after = Historian(store, topics, {}, lambda _: None)
    after.start()
    until(lambda: readings(store) == 31_000)
    after.stop()
    with store.cursor() as cursor:
        assert read_ledger(cursor, after.log_view(), []).faults == ()
    store.close()


def test_a_broker_that_restarts_and_one_that_lost_its_data(tmp_path: Path, store: Store) -> None:
    broker = EmbeddedBroker(tmp_path / "broker", port=0)
    address = broker.start()
    port = int(address.rsplit(":", 1)[1])
    historian = Historian(store, address, {}, lambda _: None)
    try:
        historian.start()
        until(lambda: historian.state().condition is HistorianCondition.TOPICS_MISSING)
        create_topics(address, {}, PARTITIONS)
        apply(address, 3, 1)
        until(lambda: readings(store) == 3, 30)

        broker.stop()
        until(lambda: historian.state().condition is HistorianCondition.BROKER_AWAY, 30)
        broker = EmbeddedBroker(tmp_path / "broker", port=port)
        assert broker.start() == address
        apply(address, 2, 10)
        until(lambda: readings(store) == 23, 30)

        broker.stop()
        broker = EmbeddedBroker(tmp_path / "other", port=port)
        assert broker.start() == address
        create_topics(address, {}, PARTITIONS)
        apply(address, 8, 100, generation=2)
        until(lambda: readings(store) == 823, 30)
        until(lambda: historian.state().condition is HistorianCondition.LIVE)
        with store.cursor() as cursor:
            assert [loss.why for loss in read_ledger(cursor, historian.log_view(), []).losses] == [
                "the topic was re-created"
            ]
    finally:
        historian.stop()
        broker.stop()


def apply(address: str, outputs: int, n: int, generation: int = 1) -> None:
    agents = Agents(address)
    for _ in range(outputs):
        agents.output(one_pane(MINUTE, n=n), agents.input(), generation=generation)
    agents.close()
