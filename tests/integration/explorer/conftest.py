"""The evaluation's centre with random readings and cases, made once for the module."""

from collections.abc import Iterator
from random import Random

import pytest

from ioc.evaluation import Evaluator
from ioc.evaluation.pane_reader import PaneReader
from ioc.settings import VIETNAM
from ioc.store import Store
from tests.integration.explorer.filled_centre import FilledCentre
from tests.support.evaluation_centre import NOW, PACK, PROVINCE, EvaluationCentre, own_catalog
from tests.support.evaluation_data import cases, readings


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FilledCentre]:
    folder = tmp_path_factory.mktemp("explorer")
    (folder / "catalog").mkdir()
    (folder / "catalog" / "pack.toml").write_text(PACK, encoding="utf-8")
    catalog = own_catalog(folder / "catalog")
    store = Store.open(folder / "ioc.duckdb", folder / "archive", zone=VIETNAM)
    centre = EvaluationCentre(store, catalog, Evaluator(catalog, store, VIETNAM), folder)
    chance = Random(11)
    units = [*centre.communes[:4], PROVINCE]
    centre.read(*readings(chance, units, NOW, 4000))
    centre.hear(*cases(chance, units, NOW, 400))
    with store.cursor() as cursor:
        yield FilledCentre(centre, PaneReader(cursor, store.archive_dir, store.zone_hours))
    store.close()
