"""Definitions: units, measures, case types, KPIs, displays; `load` reads and checks them all."""

from ioc.catalog.catalog import Catalog, Sector
from ioc.catalog.catalog_cache import load_kept
from ioc.catalog.displays import Display, Scene, load_displays
from ioc.catalog.faults import CatalogInvalid, Fault
from ioc.catalog.loader import load

__all__ = ["Catalog", "CatalogInvalid", "Display", "Fault", "Scene", "Sector", "load", "load_displays", "load_kept"]
