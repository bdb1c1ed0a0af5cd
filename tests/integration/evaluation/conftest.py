"""A small centre without Kafka: a real store, a catalogue with one KPI of each kind, readings through the reducer."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from ioc.catalog import Catalog
from ioc.evaluation import Evaluator
from ioc.settings import VIETNAM
from ioc.store import Store
from tests.support.evaluation_centre import (
    PACK,
    EvaluationCentre,
    MakeCentre,
    own_catalog,
)


@pytest.fixture(scope="session")
def packed(tmp_path_factory: pytest.TempPathFactory) -> Catalog:
    """The catalogue of the test pack, read once."""
    folder = tmp_path_factory.mktemp("catalog")
    (folder / "pack.toml").write_text(PACK, encoding="utf-8")
    return own_catalog(folder)


@pytest.fixture
def centre_of(tmp_path: Path, packed: Catalog) -> Iterator[MakeCentre]:
    """Makes centres, each with a store of its own."""
    folder = tmp_path / "catalog"
    folder.mkdir()
    (folder / "pack.toml").write_text(PACK, encoding="utf-8")
    stores: list[Store] = []

    def make() -> EvaluationCentre:
        place = tmp_path / str(len(stores))
        stores.append(Store.open(place / "ioc.duckdb", place / "archive", zone=VIETNAM))
        return EvaluationCentre(stores[-1], packed, Evaluator(packed, stores[-1], VIETNAM), folder)

    yield make
    for store in stores:
        store.close()


@pytest.fixture
def centre(centre_of: MakeCentre) -> EvaluationCentre:
    return centre_of()
