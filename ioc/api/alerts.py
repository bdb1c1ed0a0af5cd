"""GET /api/v1/alerts: what is abnormal now."""

from fastapi import APIRouter, Response
from typing_extensions import TypedDict

from ioc.api.answers import Json


class AlertList(TypedDict):
    alerts: list[dict[str, str]]


def routes() -> APIRouter:
    router = APIRouter(prefix="/api/v1/alerts", tags=["alerts"])

    @router.get("", response_model=AlertList)
    async def alerts() -> Response:
        """No rule can be configured yet, so there are none."""
        return Json({"alerts": []})

    return router
