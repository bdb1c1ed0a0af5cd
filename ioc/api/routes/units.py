"""GET /api/v1/centre: whose centre this is; GET /api/v1/units: the province and its units, or the country."""

from collections.abc import Iterable, Mapping
from dataclasses import asdict
from enum import StrEnum

from fastapi import APIRouter, Response
from typing_extensions import TypedDict

from ioc import __version__
from ioc.api.context import ApiContext
from ioc.api.http.json_response import JsonResponse
from ioc.catalog.units import all_units
from ioc.model.unit import Unit


class Province(TypedDict):
    code: str
    name: str
    short_name: str


class CentreShape(TypedDict):
    province: Province
    zone: str
    demonstration: bool
    version: str


class UnitShape(TypedDict):
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


class UnitList(TypedDict):
    units: list[UnitShape]


class Level(StrEnum):
    """Which units: those of one level of the province, or `country`: all provinces with the islands that are special
    zones, Hoàng Sa and Trường Sa among them."""

    PROVINCE = "province"
    COMMUNE = "commune"
    DEPARTMENT = "department"
    COUNTRY = "country"


def units_of(level: Level | None, own: Mapping[str, Unit]) -> Iterable[Unit]:
    """All of the centre's `own` without a level."""
    if level is Level.COUNTRY:
        return [unit for unit in all_units().values() if not unit.parent or unit.kind == "special_zone"]
    return [unit for unit in own.values() if level is None or unit.level == level.value]


def routes(centre: ApiContext) -> APIRouter:
    router = APIRouter(prefix="/api/v1", tags=["definitions"])

    @router.get("/centre", response_model=CentreShape)
    async def whose_centre() -> Response:
        """Province, time zone, whether its data are invented, version."""
        province = centre.catalog().province
        return JsonResponse(
            {
                "province": {"code": province.code, "name": province.name, "short_name": province.short_name},
                "zone": str(centre.settings.zone),
                "demonstration": centre.settings.demonstration,
                "version": __version__,
            }
        )

    @router.get("/units", response_model=UnitList)
    async def units(level: Level | None = None) -> Response:
        """The province first, then its communes, then its agencies (which have no place); or those of one level.
        `country`: the provinces and the islands that are special zones. Degrees are WGS 84."""
        return JsonResponse({"units": [asdict(unit) for unit in units_of(level, centre.catalog().vocabulary.units)]})

    return router
