"""Definitions: units, measures, case types, KPIs and displays; `load` reads and checks them all."""

from ioc.catalog.catalog import Catalog, Sector
from ioc.catalog.catalog_cache import load_kept
from ioc.catalog.displays import Display, Scene, load_displays
from ioc.catalog.loader import load
from ioc.catalog.toml_table import CatalogInvalid, DefinitionFault

__all__ = [
    "Catalog",
    "CatalogInvalid",
    "DefinitionFault",
    "Display",
    "Scene",
    "Sector",
    "load",
    "load_displays",
    "load_kept",
]
