"""A small centre without Kafka on the package's own packs: a real store, readings through the reducer."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime

import orjson
import pytest

from ioc.catalog import Catalog, load
from ioc.clock import to_ms
from ioc.evaluation import Changes, Evaluator
from ioc.model.case import Case
from ioc.model.kpi import KpiValue
from ioc.model.reading import Reading
from ioc.settings import VIETNAM
from ioc.store import Store, apply_cases, apply_panes
from ioc.wire.schemas import cases_batch, readings_batch
from streams.reduce import reduce
from tests.support.catalogs import kpis_of

PROVINCE = "46"


@dataclass
class Centre:
    catalog: Catalog
    store: Store

    def read(self, readings: Iterable[Reading], now: datetime) -> None:
        reduced = reduce(readings_batch(list(readings)), self.catalog.vocabulary, to_ms(now))
        assert not reduced.rejections
        apply_panes(self.store, reduced.panes)

    def hear(self, cases: Iterable[Case]) -> None:
        told = list(cases)
        apply_cases(self.store, cases_batch(told, [orjson.dumps(case.attributes).decode() for case in told]))

    def values(self, now: datetime) -> dict[tuple[str, str], KpiValue]:
        """All values, by KPI and unit."""
        told = Evaluator(self.catalog, self.store, VIETNAM).evaluate(Changes(), now)
        return {(value.id, value.unit): value for value in told}


CentreOf = Callable[..., Centre]


@pytest.fixture(scope="module")
def centre_of(tmp_path_factory: pytest.TempPathFactory) -> Iterator[CentreOf]:
    """Makes a centre of a sector's KPIs, with a pack of the province's own laid over the package's if one is given."""
    folder = tmp_path_factory.mktemp("centres")
    stores: list[Store] = []

    def make(sector: str, overlay: str = "") -> Centre:
        place = folder / str(len(stores))
        place.mkdir()
        (place / "own.toml").write_text(overlay, encoding="utf-8")
        stores.append(Store.open(place / "ioc.duckdb", place / "archive", zone=VIETNAM))
        catalog = load(PROVINCE, place)
        catalog = kpis_of(catalog, [kpi for kpi in catalog.kpis if kpi.startswith(f"{sector}.")])
        # The clocks of the case types are in force before the first case comes, as `ioc serve` has it.
        Evaluator(catalog, stores[-1], VIETNAM)
        return Centre(catalog, stores[-1])

    yield make
    for store in stores:
        store.close()
