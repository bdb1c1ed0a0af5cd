"""Read the units that a province defines itself, in its catalogue.

`units.csv` changes the shipped communes, by code: a row with a known code changes the fields that it fills (give
`valid_to` to a commune that was merged into another), a row with a new code adds a commune. Columns: code, name,
short_name, kind, parent (the province), latitude, longitude, area_km2, valid_from, valid_to; only `code` must be filled
for a known commune. `agencies.csv` replaces the shipped agencies; its columns are province, code, name, short_name,
valid_from, valid_to.
"""

from __future__ import annotations

import csv
from collections.abc import Collection, Mapping
from dataclasses import replace
from datetime import date
from pathlib import Path

from ioc.catalog.toml_table import CatalogInvalid, DefinitionFault, closest
from ioc.messages import Message
from ioc.model.unit import Unit, UnitLevel

UNITS = "units.csv"
AGENCIES = "agencies.csv"
KINDS = ("commune", "special_zone", "ward")
_UNIT_COLUMNS = (
    *("code", "name", "short_name", "kind", "parent", "latitude", "longitude", "area_km2", "valid_from", "valid_to"),
)
_OF_A_NEW_UNIT = ("name", "short_name", "kind", "latitude", "longitude", "valid_from")
_AGENCY_COLUMNS = ("province", "code", "name", "short_name", "valid_from", "valid_to")
_OF_AN_AGENCY = ("province", "code", "name", "short_name")


def lay_units(communes: Mapping[str, Unit], province: str, overlay: Path) -> dict[str, Unit]:
    """Return `communes` as the province's own `units.csv` changes them. Raises CatalogInvalid with every fault."""
    path = overlay / UNITS
    found = dict(communes)
    faults: list[DefinitionFault] = []
    seen: set[str] = set()
    for line, row in _rows(path, _UNIT_COLUMNS, faults):
        code = row.get("code", "")
        if row.get("parent", "") not in ("", province):
            continue
        subject = f"line {line}"
        missing = [] if code in found else [name for name in _OF_A_NEW_UNIT if not row.get(name)]
        if not code or code in seen:
            reason = Message("code_twice", given=code) if code else Message("code_missing")
            faults.append(DefinitionFault(str(path), subject, "code", reason))
        elif missing:
            reason = Message("new_commune_field", code=code, missing=", ".join(missing))
            faults.append(DefinitionFault(str(path), subject, missing[0], reason))
        else:
            unit = _laid(found.get(code), row, province, str(path), subject, faults)
            if unit is not None:
                found[code] = unit
        seen.add(code)
    if faults:
        raise CatalogInvalid(faults)
    return found


def own_agencies(shipped: Mapping[str, Unit], province: str, overlay: Path, taken: Collection[str]) -> dict[str, Unit]:
    """Return the province's own agencies by code, or `shipped` if it has no file.

    `taken` are codes of other units. Raises CatalogInvalid with every fault.
    """
    path = overlay / AGENCIES
    if not path.is_file():
        return dict(shipped)
    agencies: dict[str, Unit] = {}
    faults: list[DefinitionFault] = []
    for line, row in _rows(path, _AGENCY_COLUMNS, faults):
        missing = [name for name in _OF_AN_AGENCY if not row.get(name)]
        subject = f"line {line}"
        if missing:
            reason = Message("column_missing", missing=", ".join(missing))
            faults.append(DefinitionFault(str(path), subject, missing[0], reason))
        elif row["province"] != province:
            continue
        elif row["code"] in agencies or row["code"] in taken:
            reason = Message("code_of_another", given=row["code"])
            faults.append(DefinitionFault(str(path), subject, "code", reason))
        else:
            try:
                agencies[row["code"]] = read_agency(row)
            except ValueError:
                reason = Message("validity_days")
                faults.append(DefinitionFault(str(path), subject, "valid_from", reason))
    if faults:
        raise CatalogInvalid(faults)
    return agencies


def read_agency(row: Mapping[str, str]) -> Unit:
    """Return the unit of a row of agencies.csv. Raises ValueError for a day that is not written as 2025-07-01."""
    return Unit(
        code=row["code"],
        name=row["name"],
        short_name=row["short_name"],
        kind=UnitLevel.DEPARTMENT.value,
        parent=row["province"],
        latitude=None,
        longitude=None,
        area_km2=None,
        valid_from=day_of(row.get("valid_from") or ""),
        valid_to=day_of(row.get("valid_to") or ""),
    )


def day_of(text: str) -> date | None:
    """Return the day, None for an empty text. Raises ValueError."""
    return date.fromisoformat(text) if text else None


def _laid(
    known: Unit | None, row: Mapping[str, str], province: str, file: str, subject: str, faults: list[DefinitionFault]
) -> Unit | None:
    before = len(faults)
    blank = Unit(row["code"], "", "", "", province, None, None, None)
    fields: dict[str, object] = {name: row[name] for name in ("name", "short_name", "kind") if row.get(name)}
    if fields.get("kind", KINDS[0]) not in KINDS:
        reason = Message("kind_of_unit", given=row["kind"], known=", ".join(KINDS))
        faults.append(DefinitionFault(file, subject, "kind", reason))
    for name, bound in (("latitude", 90.0), ("longitude", 180.0), ("area_km2", 1e6)):
        if row.get(name):
            try:
                fields[name] = number = float(row[name])
                sound = -bound <= number <= bound
            except ValueError:
                sound = False
            if not sound:
                faults.append(
                    DefinitionFault(file, subject, name, Message("number_bound", given=row[name], bound=bound))
                )
    for name in ("valid_from", "valid_to"):
        if row.get(name):
            try:
                fields[name] = day_of(row[name])
            except ValueError:
                faults.append(DefinitionFault(file, subject, name, Message("day_form", given=row[name])))
    unit = replace(known or blank, **fields)  # type: ignore[arg-type]
    if unit.valid_from and unit.valid_to and unit.valid_to <= unit.valid_from:
        faults.append(
            DefinitionFault(
                file, subject, "valid_to", Message("ends_before_beginning", code=unit.code, until=unit.valid_to)
            )
        )
    return unit if len(faults) == before else None


def _rows(path: Path, columns: Collection[str], faults: list[DefinitionFault]) -> list[tuple[int, dict[str, str]]]:
    """Return (line, fields) for each row; nothing for a file that is missing or faulty."""
    if not path.is_file():
        return []
    try:
        reader = csv.DictReader(path.read_text(encoding="utf-8-sig").splitlines(), strict=True)
        names = list(reader.fieldnames or [])
        for name in names:
            if name not in columns:
                hint = closest(name, columns)
                faults.append(
                    DefinitionFault(str(path), "line 1", name, Message("no_column", given=name, nearest=hint))
                )
        rows = [(reader.line_num, {key: (value or "").strip() for key, value in row.items() if key}) for row in reader]
    except (OSError, UnicodeDecodeError, csv.Error) as fault:
        faults.append(DefinitionFault(str(path), "", "", Message("not_csv", detail=str(fault))))
        return []
    return [] if any(name not in columns for name in names) else rows
