"""The shipped catalogue, read once in a test process: reading takes a third of a second, and hundreds of tests do."""

import pickle
import tomllib
from functools import cache
from types import SimpleNamespace
from unittest.mock import patch

from ioc.catalog import Catalog, load, packs
from ioc.catalog.rules import Rules, load_rules


@cache
def hue() -> Catalog:
    """Of Huế, without any file of a province. Nobody changes it."""
    return load("46")


@cache
def rules_of_hue() -> Rules:
    return load_rules(hue())


def parse_packs_once() -> None:
    """Each text of TOML is parsed once in this process; whoever reads it gets a copy of their own."""
    parsed = cache(lambda text: pickle.dumps(tomllib.loads(text)))
    once = SimpleNamespace(
        loads=lambda text: pickle.loads(parsed(text)),
        TOMLDecodeError=tomllib.TOMLDecodeError,
    )
    patch.object(packs, "tomllib", once).start()
