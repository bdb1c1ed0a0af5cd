"""Administrative units of Viet Nam since 1 July 2025 (two levels), from `units.csv`."""

import csv
from functools import cache
from importlib.resources import files

from ioc.errors import ConfigurationInvalid
from ioc.model.unit import Unit


@cache
def all_units() -> dict[str, Unit]:
    """Every province and commune by code, provinces first."""
    lines = files("ioc.catalog").joinpath("units.csv").read_text(encoding="utf-8").splitlines()
    return {row["code"]: _unit(row) for row in csv.DictReader(lines)}


def province_units(province: str) -> dict[str, Unit]:
    """A province and its communes by code, the province first. Raises ConfigurationInvalid for another code."""
    units = all_units()
    if province not in units or units[province].parent:
        raise ConfigurationInvalid(f"IOC_PROVINCE={province!r} is no province's code; Huế is 46.")
    return {province: units[province]} | {code: unit for code, unit in units.items() if unit.parent == province}


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
    )
