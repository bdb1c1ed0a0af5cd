"""POST /api/v1/alerts/incoming/{source}: alerts of Prometheus or Grafana, as Alertmanager's webhook sends them."""

from dataclasses import asdict

import orjson
from fastapi import APIRouter, Depends, Request, Response

from ioc.api.answers import Json
from ioc.api.auth import SOURCE_NAME, bearer, holds, refused, source_scheme
from ioc.api.body import Intake
from ioc.api.centre import Centre
from ioc.api.threads import Threads
from ioc.desk.incoming import receive
from ioc.errors import BatchMalformed


def routes(centre: Centre, threads: Threads) -> APIRouter:
    router = APIRouter(prefix="/api/v1/alerts", tags=["alerts"])
    intake = Intake()

    @router.post("/incoming/{source}", dependencies=[Depends(source_scheme)])
    async def incoming(source: str, request: Request) -> Response:
        """Version 4 of the format. Needs the token of a push source; a repeat changes nothing."""
        right = centre.source_token(source) if SOURCE_NAME.fullmatch(source) else None
        if not holds(bearer(request), right):
            raise refused("This needs the token of the source: Authorization: Bearer TOKEN.")
        content = await intake.read(request)
        try:
            message = orjson.loads(content)
        except orjson.JSONDecodeError as fault:
            raise BatchMalformed(f"The body is not JSON: {fault}.") from None
        taken = await threads.run(lambda: receive(centre.operating.desk, source, message))
        return Json(asdict(taken))

    return router
