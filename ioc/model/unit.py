"""An administrative unit (province, commune, ward, special zone), or an agency of the province."""

from dataclasses import dataclass
from datetime import date
from enum import StrEnum


class UnitLevel(StrEnum):
    """The level of a unit: the province itself, a commune (xã, phường, đặc khu), or a department (sở, ban, ngành)."""

    PROVINCE = "province"
    COMMUNE = "commune"
    DEPARTMENT = "department"


@dataclass(frozen=True, slots=True)
class Unit:
    """An administrative unit or an agency.

    `code` is the General Statistics Office's, for a department its identifier in documents (text, leading zeros kept);
    `parent` is empty for a province. Coordinates in degrees (WGS 84), area in km²; a department has none. The unit
    exists in [valid_from, valid_to).
    """

    code: str
    name: str
    short_name: str
    kind: str
    parent: str
    latitude: float | None
    longitude: float | None
    area_km2: float | None
    valid_from: date | None = None
    valid_to: date | None = None

    @property
    def level(self) -> UnitLevel:
        if not self.parent:
            return UnitLevel.PROVINCE
        return UnitLevel.DEPARTMENT if self.kind == UnitLevel.DEPARTMENT else UnitLevel.COMMUNE

    def is_in_being(self, day: date) -> bool:
        """Return whether the unit exists on `day`."""
        return (self.valid_from is None or self.valid_from <= day) and (self.valid_to is None or day < self.valid_to)
