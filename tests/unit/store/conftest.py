"""A store in a directory of its own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from ioc.settings import VIETNAM
from ioc.store import Store


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    store = Store.open(tmp_path / "store" / "ioc.duckdb", tmp_path / "archive", zone=VIETNAM)
    yield store
    store.close()
