"""Fixtures: a real broker with the centre's topics, `ioc streams` on it, and a line through both."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from ioc.broker import EmbeddedBroker
from ioc.kafka import create_topics
from tests.integration.streams.line import PARTITIONS, Line, OwnBroker, Workers


@pytest.fixture(scope="module")
def own_broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OwnBroker]:
    broker = OwnBroker(EmbeddedBroker(tmp_path_factory.mktemp("own-broker"), port=0))
    broker.start()
    create_topics(broker.address, {}, PARTITIONS)
    yield broker
    broker.embedded.stop()


@pytest.fixture
def line(own_broker: OwnBroker) -> Iterator[Line]:
    line = Line(own_broker.address)
    yield line
    line.close()


@pytest.fixture
def workers(own_broker: OwnBroker, tmp_path: Path) -> Iterator[Workers]:
    """Two workers, started."""
    workers = Workers(tmp_path, own_broker.address).start()
    yield workers
    workers.stop()
