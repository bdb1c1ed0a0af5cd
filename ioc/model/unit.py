"""An administrative unit: province, commune, ward, special zone."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Unit:
    """`code` as the General Statistics Office gives it (text, leading zeros kept); `parent` is empty for a province.

    Coordinates in degrees (WGS 84), area in km².
    """

    code: str
    name: str
    short_name: str
    kind: str
    parent: str
    latitude: float
    longitude: float
    area_km2: float | None
