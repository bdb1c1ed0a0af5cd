"""The shipped catalogue, read once in a test process: reading takes a third of a second, and hundreds of tests do."""

import pickle
import tomllib
from collections.abc import Iterable
from dataclasses import replace
from functools import cache
from types import SimpleNamespace
from unittest.mock import patch

from ioc.catalog import Catalog, load, packs
from ioc.catalog.rules import Rules, load_rules
from ioc.model.kpi import Formula


@cache
def hue() -> Catalog:
    """Of Huế, without any file of a province. Nobody changes it."""
    return load("46")


@cache
def rules_of_hue() -> Rules:
    return load_rules(hue())


def kpis_of(catalog: Catalog, wanted: Iterable[str]) -> Catalog:
    """With these KPIs and what their formulas are made of: evaluating all 700 would be most of the work of a test."""
    kept: set[str] = set()
    waiting = list(wanted)
    while waiting:
        kpi = catalog.kpis[waiting.pop()]
        if kpi.id not in kept:
            kept.add(kpi.id)
            waiting += kpi.expression.parts if isinstance(kpi.expression, Formula) else ()
    return replace(catalog, kpis={kpi_id: kpi for kpi_id, kpi in catalog.kpis.items() if kpi_id in kept})


def parse_packs_once() -> None:
    """Each text of TOML is parsed once in this process; whoever reads it gets a copy of their own."""
    parsed = cache(lambda text: pickle.dumps(tomllib.loads(text)))
    once = SimpleNamespace(
        loads=lambda text: pickle.loads(parsed(text)),
        TOMLDecodeError=tomllib.TOMLDecodeError,
    )
    patch.object(packs, "tomllib", once).start()
