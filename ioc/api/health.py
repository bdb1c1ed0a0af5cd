"""GET /healthz: the server answers; GET /readyz: live values flow."""

from fastapi import APIRouter, Response
from typing_extensions import TypedDict

from ioc.api.answers import Json
from ioc.api.centre import Centre
from ioc.api.problems import Problem
from ioc.api.threads import Threads
from ioc.model.kpi import Freshness


class Health(TypedDict):
    status: str


def routes(centre: Centre, threads: Threads) -> APIRouter:
    router = APIRouter(tags=["operation"])
    was_live = False

    def has_live_value() -> bool:
        return any(value.freshness is Freshness.LIVE for value in centre.kpis.values())

    @router.get("/healthz", response_model=Health)
    async def healthz() -> Response:
        return Json({"status": "ok"})

    @router.get("/readyz", response_model=Health)
    async def readyz() -> Response:
        """200 from the first live value on, while the centre can write; else 503 with what is missing."""
        nonlocal was_live
        if fault := centre.fault():
            raise Problem(503, fault)
        was_live = was_live or await threads.run(has_live_value)
        if not was_live:
            raise Problem(503, "No KPI has had a live value yet.")
        return Json({"status": "ok"})

    return router
