"""GET /api/v1/centre: which province this centre serves. GET /api/v1/units: administrative units."""

from collections.abc import Iterable, Mapping
from dataclasses import asdict
from enum import StrEnum

from fastapi import APIRouter, Response
from typing_extensions import TypedDict

from ioc import __version__
from ioc.api.context import Context
from ioc.api.http.json_response import JsonResponse
from ioc.catalog.units import all_units
from ioc.model.unit import Unit

router = APIRouter(prefix="/api/v1", tags=["definitions"])


class ProvinceShape(TypedDict):
    """The province of the centre."""

    code: str
    name: str
    short_name: str


class CentreShape(TypedDict):
    """The centre itself. `demonstration` means that its data are invented."""

    province: ProvinceShape
    zone: str
    demonstration: bool
    version: str


class UnitShape(TypedDict):
    """A unit. Degrees are WGS 84; agencies have no coordinates. Dates are null while they are open."""

    code: str
    name: str
    short_name: str
    kind: str
    parent: str
    latitude: float | None
    longitude: float | None
    area_km2: float | None
    valid_from: str | None
    valid_to: str | None


class UnitListShape(TypedDict):
    """Units in the order of the catalogue."""

    units: list[UnitShape]


class UnitSelection(StrEnum):
    """One level of the province's units, or `country`.

    `country` means all provinces and the islands that are special zones, Hoàng Sa and Trường Sa among them.
    """

    PROVINCE = "province"
    COMMUNE = "commune"
    DEPARTMENT = "department"
    COUNTRY = "country"


def units_of(level: UnitSelection | None, own: Mapping[str, Unit]) -> Iterable[Unit]:
    """Return the units of a level; without a level, all of the centre's `own` units."""
    if level is UnitSelection.COUNTRY:
        return [unit for unit in all_units().values() if not unit.parent or unit.kind == "special_zone"]
    return [unit for unit in own.values() if level is None or unit.level == level.value]


@router.get("/centre", response_model=CentreShape)
async def get_centre(context: Context) -> Response:
    """Return the province, the time zone, the version, and whether the data are invented."""
    province = context.catalog().province
    return JsonResponse(
        {
            "province": {"code": province.code, "name": province.name, "short_name": province.short_name},
            "zone": str(context.settings.zone),
            "demonstration": context.settings.demonstration,
            "version": __version__,
        }
    )


@router.get("/units", response_model=UnitListShape)
async def list_units(context: Context, level: UnitSelection | None = None) -> Response:
    """Return the province, then its communes, then its agencies; with `level` only one of these.

    `level=country` returns all provinces and the islands that are special zones.
    """
    return JsonResponse({"units": [asdict(unit) for unit in units_of(level, context.catalog().vocabulary.units)]})
