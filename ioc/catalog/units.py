"""Administrative units of Viet Nam since 1 July 2025 (two levels), and agencies of the provinces.

The tables `units.csv`, `agencies.csv` and `former_units.csv` are in this folder; a province's own files extend them
(ioc/catalog/own_units.py).
"""

import csv
from collections.abc import Iterable, Mapping
from functools import cache
from importlib.resources import files
from pathlib import Path

from ioc.catalog.own_units import AGENCIES, day_of, lay_units, own_agencies, read_agency
from ioc.errors import ConfigurationInvalid
from ioc.messages import Message
from ioc.model.unit import Unit

_COMMUNE_DIGITS = 5


@cache
def all_units() -> dict[str, Unit]:
    """Return every province and commune by code, provinces first.

    They include Hoàng Sa (Đà Nẵng) and Trường Sa (Khánh Hòa).
    """
    return {row["code"]: _unit(row) for row in _own("units.csv")}


def province_units(province: str, overlay: Path | None = None) -> dict[str, Unit]:
    """Return a province, its communes and its agencies by code, in this order, extended by the files of `overlay`.

    A commune that has ended stays, with its `valid_to`, since history refers to it. Raises ConfigurationInvalid for a
    code that belongs to no province, CatalogInvalid for a faulty units.csv or agencies.csv.
    """
    units = all_units()
    if province not in units or units[province].parent:
        raise ConfigurationInvalid(Message("no_province", given=province))
    communes = {code: unit for code, unit in units.items() if unit.parent == province}
    if overlay is not None:
        communes = lay_units(communes, province, overlay)
    agencies = {row["code"]: read_agency(row) for row in _own(AGENCIES) if row["province"] == province}
    if overlay is not None:
        agencies = own_agencies(agencies, province, overlay, all_units().keys() | communes.keys())
    return {province: units[province]} | communes | agencies


@cache
def former_units() -> Mapping[str, tuple[str, ...]]:
    """Return by code the communes, districts and provinces of before 1 July 2025, with the codes of their successors.

    For a divided commune, the successor that took most of it comes first. Some codes are still used, for another and
    larger unit.
    """
    return {row["code"]: tuple(row["new_codes"].split()) for row in _own("former_units.csv")}


@cache
def unit_successors() -> Mapping[str, str]:
    """Return the one successor of each former unit; districts that became several communes are left out."""
    return {code: new[0] for code, new in former_units().items() if len(code) == _COMMUNE_DIGITS or len(new) == 1}


@cache
def former_unit_names() -> Mapping[str, str]:
    """Return the name of each former unit by its code."""
    return {row["code"]: row["name"] for row in _own("former_units.csv")}


def former_units_of(units: Mapping[str, Unit]) -> dict[str, tuple[str, ...]]:
    """Return the former units that have successors among `units`."""
    return {code: new for code, new in former_units().items() if any(unit in units for unit in new)}


def _own(name: str) -> Iterable[dict[str, str]]:
    return csv.DictReader(files("ioc.catalog").joinpath(name).read_text(encoding="utf-8").splitlines())


def _unit(row: dict[str, str]) -> Unit:
    return Unit(
        code=row["code"],
        name=row["name"],
        short_name=row["short_name"],
        kind=row["kind"],
        parent=row["parent"],
        latitude=float(row["latitude"]),
        longitude=float(row["longitude"]),
        area_km2=float(row["area_km2"]) if row["area_km2"] else None,
        valid_from=day_of(row["valid_from"]),
    )
