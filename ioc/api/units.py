"""GET /api/v1/centre: whose centre this is; GET /api/v1/units: the province and its communes."""

from dataclasses import asdict

from fastapi import APIRouter, Response
from typing_extensions import TypedDict

from ioc import __version__
from ioc.api.answers import Json
from ioc.api.centre import Centre


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
    latitude: float
    longitude: float
    area_km2: float | None


class UnitList(TypedDict):
    units: list[UnitShape]


def routes(centre: Centre) -> APIRouter:
    router = APIRouter(prefix="/api/v1", tags=["definitions"])

    @router.get("/centre", response_model=CentreShape)
    async def whose_centre() -> Response:
        """Province, time zone, whether its data are invented, version."""
        province = centre.catalog().province
        return Json(
            {
                "province": {"code": province.code, "name": province.name, "short_name": province.short_name},
                "zone": str(centre.settings.zone),
                "demonstration": centre.settings.demonstration,
                "version": __version__,
            }
        )

    @router.get("/units", response_model=UnitList)
    async def units() -> Response:
        """The province first, then its communes. Degrees are WGS 84."""
        return Json({"units": [asdict(unit) for unit in centre.catalog().vocabulary.units.values()]})

    return router
