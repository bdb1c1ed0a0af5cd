"""GET /healthz: whether the server answers. GET /readyz: whether every part of the centre works."""

from typing import Literal

from fastapi import APIRouter, Response
from typing_extensions import TypedDict

from ioc.api.context import ApiContext, Context
from ioc.api.http.json_response import JsonResponse
from ioc.api.http.problems import RETRY_AFTER_S, Problem
from ioc.model.fault import Fault

router = APIRouter(tags=["operation"])


class HealthShape(TypedDict):
    """All is well; anything else is a problem (503)."""

    status: Literal["ok"]


@router.get("/healthz", response_model=HealthShape)
async def get_health() -> Response:
    """Return 200 while the server answers requests."""
    return JsonResponse({"status": "ok"})


@router.get("/readyz", response_model=HealthShape)
async def get_readiness(context: Context) -> Response:
    """Return 200 while all parts work: store, broker, historian, evaluation, background tasks.

    Otherwise 503: `errors` lists every fault with its code, `detail` is the oldest one.
    """
    if faults := await context.threads.run(lambda: _faults(context)):
        raise Problem(503, faults[0].message, faults, {"Retry-After": str(RETRY_AFTER_S)})
    return JsonResponse({"status": "ok"})


def _faults(context: ApiContext) -> tuple[Fault, ...]:
    starting = context.starting()
    return context.faults() + ((starting,) if starting else ())
