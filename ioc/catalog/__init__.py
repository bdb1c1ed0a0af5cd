"""Definitions: units, measures, case types, KPIs; `load` reads and checks them all."""

from ioc.catalog.catalog import Catalog, Sector
from ioc.catalog.loader import load

__all__ = ["Catalog", "Sector", "load"]
