"""Administrative units of Viet Nam since 1 July 2025 (two levels), and agencies of the provinces.

`units.csv`, `agencies.csv` and `former_units.csv` lie beside this file; a province's own `agencies.csv` in its
catalogue takes the place of ours.
"""

import csv
from collections.abc import Iterable, Mapping
from datetime import date
from functools import cache
from importlib.resources import files
from pathlib import Path

from ioc.errors import ConfigurationInvalid
from ioc.model.unit import Unit, UnitLevel

AGENCIES = "agencies.csv"
_COMMUNE_DIGITS = 5
_AGENCY_COLUMNS = ("province", "code", "name", "short_name")


@cache
def all_units() -> dict[str, Unit]:
    """Every province and commune by code, provinces first; with Hoàng Sa (Đà Nẵng) and Trường Sa (Khánh Hòa)."""
    return {row["code"]: _unit(row) for row in _own("units.csv")}


def province_units(province: str, overlay: Path | None = None) -> dict[str, Unit]:
    """A province, its communes and its agencies by code, in this order. Raises ConfigurationInvalid for a code that
    is no province's and for an agencies.csv that cannot be read."""
    units = all_units()
    if province not in units or units[province].parent:
        raise ConfigurationInvalid(f"IOC_PROVINCE={province!r} is no province's code; Huế is 46.")
    communes = {code: unit for code, unit in units.items() if unit.parent == province}
    return {province: units[province]} | communes | _agencies(province, overlay)


@cache
def former_units() -> Mapping[str, tuple[str, ...]]:
    """Communes, districts and provinces of before 1 July 2025 by code, with the codes of those in their place: of a
    divided commune first the one that took most of it. Some codes live on and mean another, larger unit now."""
    return {row["code"]: tuple(row["new_codes"].split()) for row in _own("former_units.csv")}


@cache
def unit_successors() -> Mapping[str, str]:
    """The one unit that stands for each former one; not for districts that became several communes."""
    return {code: new[0] for code, new in former_units().items() if len(code) == _COMMUNE_DIGITS or len(new) == 1}


@cache
def former_unit_names() -> Mapping[str, str]:
    """What each former code stood for."""
    return {row["code"]: row["name"] for row in _own("former_units.csv")}


def former_units_of(units: Mapping[str, Unit]) -> dict[str, tuple[str, ...]]:
    """Those in whose place some of the units are."""
    return {code: new for code, new in former_units().items() if any(unit in units for unit in new)}


def _agencies(province: str, overlay: Path | None) -> dict[str, Unit]:
    path = None if overlay is None else overlay / AGENCIES
    if path is None or not path.is_file():
        return {row["code"]: _agency(row) for row in _own(AGENCIES) if row["province"] == province}
    agencies: dict[str, Unit] = {}
    for line, row in enumerate(_rows_of(path), start=2):
        missing = [name for name in _AGENCY_COLUMNS if not row.get(name)]
        if missing:
            raise ConfigurationInvalid(f"{path} line {line}: {', '.join(missing)} is missing; fill the column.")
        if row["province"] == province:
            if row["code"] in agencies or row["code"] in all_units():
                raise ConfigurationInvalid(f"{path} line {line}: the code {row['code']!r} is another unit's already.")
            try:
                agencies[row["code"]] = _agency(row)
            except ValueError:
                raise ConfigurationInvalid(
                    f'{path} line {line}: valid_from and valid_to are days as "2025-07-01".'
                ) from None
    return agencies


def _rows_of(path: Path) -> list[dict[str, str]]:
    try:
        return list(csv.DictReader(path.read_text(encoding="utf-8-sig").splitlines()))
    except (OSError, UnicodeDecodeError, csv.Error) as fault:
        raise ConfigurationInvalid(f"{path} cannot be read as CSV in UTF-8: {fault}.") from fault


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
        valid_from=_day(row["valid_from"]),
    )


def _agency(row: dict[str, str]) -> Unit:
    return Unit(
        code=row["code"],
        name=row["name"],
        short_name=row["short_name"],
        kind=UnitLevel.DEPARTMENT.value,
        parent=row["province"],
        latitude=None,
        longitude=None,
        area_km2=None,
        valid_from=_day(row.get("valid_from") or ""),
        valid_to=_day(row.get("valid_to") or ""),
    )


def _day(text: str) -> date | None:
    return date.fromisoformat(text) if text else None
