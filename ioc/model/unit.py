"""An administrative unit (province, commune, ward, special zone), or an agency of the province."""

from dataclasses import dataclass
from datetime import date
from enum import StrEnum


class UnitLevel(StrEnum):
    """Where a unit stands: the province itself, a commune (xã, phường, đặc khu), or a department (sở, ban, ngành)."""

    PROVINCE = "province"
    COMMUNE = "commune"
    DEPARTMENT = "department"


@dataclass(frozen=True, slots=True)
class Unit:
    """`code` as the General Statistics Office gives it, of a department its identifier in documents (text, leading
    zeros kept); `parent` is empty for a province.

    Coordinates in degrees (WGS 84), area in km²; a department has none. It is in being from `valid_from` to before
    `valid_to`.
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
        """Whether the unit exists on `day`; half-open, [valid_from, valid_to)."""
        return (self.valid_from is None or self.valid_from <= day) and (self.valid_to is None or day < self.valid_to)
