"""Fixtures: the centre's topics on a real broker, and a process with sources on it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from ioc.kafka import create_topics
from tests.support.connect_process import PARTITIONS, Sources


@pytest.fixture(scope="module")  # other suites delete the topics
def kafka(broker: str) -> str:
    create_topics(broker, {}, PARTITIONS)
    return broker


@pytest.fixture
def sources(kafka: str, tmp_path: Path) -> Iterator[Sources]:
    running = Sources(tmp_path / "data", kafka)
    (tmp_path / "data").mkdir()
    yield running
    running.close()
