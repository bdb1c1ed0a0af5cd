"""GET /healthz: the server answers; GET /readyz: every part of the centre works."""

from fastapi import APIRouter, Response
from typing_extensions import TypedDict

from ioc.api.context import ApiContext
from ioc.api.http.json_response import JsonResponse
from ioc.api.http.problems import RETRY_AFTER_S, Problem
from ioc.api.http.threads import WorkerThreads
from ioc.model.fault import Fault


class Health(TypedDict):
    status: str


def routes(centre: ApiContext, threads: WorkerThreads) -> APIRouter:
    router = APIRouter(tags=["operation"])

    @router.get("/healthz", response_model=Health)
    async def healthz() -> Response:
        return JsonResponse({"status": "ok"})

    @router.get("/readyz", response_model=Health)
    async def readyz() -> Response:
        """200 while all parts work: store, broker, historian, evaluation, background tasks. Else 503; `errors` lists
        every fault with its code, `detail` is the oldest one."""
        if faults := await threads.run(lambda: _faults(centre)):
            raise Problem(503, faults[0].detail, faults, {"Retry-After": str(RETRY_AFTER_S)})
        return JsonResponse({"status": "ok"})

    return router


def _faults(centre: ApiContext) -> tuple[Fault, ...]:
    starting = centre.starting()
    return centre.faults() + ((starting,) if starting else ())
