"""Fixtures of every suite."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from ioc.broker import EmbeddedBroker


@pytest.fixture(scope="session")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Bootstrap address of a real Kafka of this test process alone, with no topic in it. About 3 s, once."""
    embedded = EmbeddedBroker(tmp_path_factory.mktemp("broker"), port=0)
    yield embedded.start()
    embedded.stop()
