"""An app over plain values, and a client that asks it without a network."""

from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI

from ioc.api import create_app
from tests.support.checked_answers import CheckedTransport
from tests.support.fake_centre import FakeParts


@pytest.fixture
def parts(tmp_path: Path) -> FakeParts:
    return FakeParts(tmp_path)


@pytest.fixture
def app(parts: FakeParts) -> FastAPI:
    return create_app(parts.centre())


@pytest.fixture
async def client(app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(transport=CheckedTransport(app), base_url="http://centre") as asking:
        yield asking
