"""An app over plain values, and a client that asks it without a network."""

from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from ioc.api import create_app
from tests.unit.api.fake_centre import FakeParts


@pytest.fixture
def parts(tmp_path: Path) -> FakeParts:
    return FakeParts(tmp_path)


@pytest.fixture
async def client(parts: FakeParts) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(create_app(parts.centre()))
    async with httpx.AsyncClient(transport=transport, base_url="http://centre") as asking:
        yield asking
