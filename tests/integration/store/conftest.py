"""A real log to read from: topics of a broker, and an agent's outputs written by the test itself."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from ioc.kafka import create_topics
from ioc.settings import VIETNAM
from ioc.store import Commit, Historian, Store
from tests.support.broker_topics import PARTITIONS, Agents, remove_topics


@pytest.fixture
def topics(broker: str) -> Iterator[str]:
    """The centre's topics, empty; the broker's address."""
    remove_topics(broker)
    create_topics(broker, {}, PARTITIONS)
    yield broker
    remove_topics(broker)


@pytest.fixture
def agents(topics: str) -> Iterator[Agents]:
    agents = Agents(topics)
    yield agents
    agents.close()


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    store = Store.open(tmp_path / "store" / "ioc.duckdb", tmp_path / "archive", zone=VIETNAM)
    yield store
    store.close()


@pytest.fixture
def commits() -> list[Commit]:
    return []


@pytest.fixture
def historian(topics: str, store: Store, commits: list[Commit]) -> Iterator[Historian]:
    historian = Historian(store, topics, {}, commits.append)
    historian.start()
    yield historian
    print(historian.state())  # for who reads why a test failed
    historian.stop()
