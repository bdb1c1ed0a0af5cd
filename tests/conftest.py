"""Fixtures of every suite."""

from __future__ import annotations

import gc
import logging
from collections.abc import Generator, Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from ioc.broker import EmbeddedBroker
from tests.support.catalogs import parse_packs_once
from tests.support.shared_validators import make_validators_once

# Its clients tell each of thirty attempts a second at a broker that a test has ended: it would bury what failed.
logging.getLogger("kafka").setLevel(logging.CRITICAL)


def pytest_configure() -> None:
    parse_packs_once()
    make_validators_once()
    # How long an example takes on a busy machine is no promise.
    settings.register_profile("untimed", max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
    settings.load_profile("untimed")


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """What collecting made stays until the end: the garbage collector need not look at it in each test."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.enable()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Files with slow tests come first: workers take whole files, and what is taken last should be short."""
    slow = {item.path for item in items if item.get_closest_marker("slow")}
    items.sort(key=lambda item: item.path not in slow)


@pytest.fixture(scope="session")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Bootstrap address of a real Kafka of this test process alone, with no topic in it. About 3 s, once."""
    embedded = EmbeddedBroker(tmp_path_factory.mktemp("broker"), port=0, durable=False)
    yield embedded.start()
    embedded.stop()


@pytest.fixture(scope="session")
def chromium() -> Path:
    """The headless Chromium that set-up has provided, for Playwright's `executable_path`."""
    starter = Path(__file__).parents[1] / ".build" / "chromium"
    assert starter.exists(), f"{starter} is missing; `make test` (or `python3 -m setup test`) provides it"
    return starter
