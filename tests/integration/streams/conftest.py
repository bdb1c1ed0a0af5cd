"""Fixtures: a real broker with the centre's topics, `ioc streams` on it, and a line through both."""

from collections.abc import Iterator

import pytest

from ioc.broker import EmbeddedBroker
from ioc.kafka import create_topics
from tests.integration.streams.line import PARTITIONS, Line, OwnBroker, Workers


@pytest.fixture(scope="module")
def bare_broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OwnBroker]:
    """Not started yet, unless `own_broker` was asked for before."""
    folder = tmp_path_factory.mktemp("own-broker")
    broker = OwnBroker(folder, EmbeddedBroker(folder, port=0, durable=False))
    yield broker
    broker.embedded.stop()


@pytest.fixture(scope="module")
def own_broker(bare_broker: OwnBroker) -> OwnBroker:
    if not bare_broker.address:
        bare_broker.start()
    create_topics(bare_broker.address, {}, PARTITIONS)
    return bare_broker


@pytest.fixture(scope="module")
def kafka(own_broker: OwnBroker) -> str:
    return own_broker.address


@pytest.fixture
def line(kafka: str) -> Iterator[Line]:
    line = Line(kafka)
    yield line
    line.close()


@pytest.fixture(scope="module")
def workers(kafka: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workers]:
    """Two workers for all tests of the file; those that a test kills come back."""
    workers = Workers(tmp_path_factory.mktemp("workers"), kafka).start()
    yield workers
    workers.stop()
