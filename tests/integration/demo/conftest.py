from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from tests.integration.demo.running_province import NOW, Province, running


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def _shared(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Province]:
    async with running(tmp_path_factory.mktemp("province")) as province:
        yield province


@pytest_asyncio.fixture(loop_scope="module")
async def province(_shared: Province) -> AsyncIterator[Province]:
    """One for the file: asked, but left as it is. A clock that was moved is set back; what was handed over in the
    meantime stays so."""
    yield _shared
    _shared.clock.moment = NOW


@pytest_asyncio.fixture(loop_scope="module")
async def own_province(tmp_path: Path) -> AsyncIterator[Province]:
    """Just begun, for a test that takes its files or waits for what it hands over next."""
    async with running(tmp_path) as province:
        yield province
