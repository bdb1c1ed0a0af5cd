"""A centre without Kafka on the packs that the package ships, one sector at a time."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from ioc.catalog import load
from ioc.evaluation import Evaluator
from ioc.settings import VIETNAM
from ioc.store import Store
from tests.support.catalogs import kpis_of
from tests.support.evaluation_centre import PROVINCE, EvaluationCentre, MakeCentre


@pytest.fixture(scope="module")
def centre_of(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MakeCentre]:
    """Return a function that makes a centre with the KPIs of one sector; `overlay` is a pack of the province's own."""
    folder = tmp_path_factory.mktemp("centres")
    stores: list[Store] = []

    def make(sector: str, overlay: str = "") -> EvaluationCentre:
        place = folder / str(len(stores))
        place.mkdir()
        (place / "own.toml").write_text(overlay, encoding="utf-8")
        stores.append(Store.open(place / "ioc.duckdb", place / "archive", zone=VIETNAM))
        catalog = load(PROVINCE, place)
        catalog = kpis_of(catalog, [kpi for kpi in catalog.kpis if kpi.startswith(f"{sector}.")])
        # The evaluator puts the clocks of the case types in force, as `ioc serve` does before the first case comes.
        return EvaluationCentre(stores[-1], catalog, Evaluator(catalog, stores[-1], VIETNAM), place)

    yield make
    for store in stores:
        store.close()
