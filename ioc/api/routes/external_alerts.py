"""POST /api/v1/alerts/incoming/{source}: alerts of Prometheus or Grafana, as Alertmanager's webhook sends them."""

from dataclasses import asdict
from typing import Any

import orjson
from fastapi import APIRouter, Depends, Request, Response

from ioc.alert_service.external_intake import MAX_OPEN, receive
from ioc.api.auth.bearer import SOURCE_NAME, bearer, matches_secret, source_scheme, unauthorized
from ioc.api.context import ApiContext
from ioc.api.http.body_reader import BodyReader
from ioc.api.http.json_response import JsonResponse
from ioc.api.http.problems import FieldFault, Problem
from ioc.api.http.threads import WorkerThreads
from ioc.errors import BatchMalformed
from ioc.messages import Message

FULL_RETRY_AFTER_S = 60


def routes(centre: ApiContext, threads: WorkerThreads) -> APIRouter:
    router = APIRouter(prefix="/api/v1/alerts", tags=["alerts"])
    intake = BodyReader()

    @router.post("/incoming/{source}", dependencies=[Depends(source_scheme)])
    async def incoming(source: str, request: Request) -> Response:
        """Version 4 of the format. Needs the token of a push source; a repeat changes nothing. An alert that cannot be
        used is named in `rejected`, the others are taken; 503 when too many are open, so that the sender tries again.
        """
        right = centre.source_token(source) if SOURCE_NAME.fullmatch(source) else None
        if not matches_secret(bearer(request), right):
            raise unauthorized(Message("source_token_needed"))
        content = await intake.read(request)
        try:
            message = orjson.loads(content)
        except orjson.JSONDecodeError as fault:
            raise BatchMalformed(Message("body_not_json", detail=fault)) from None
        receipt = await threads.run(lambda: receive(centre.alerting.service, source, message))
        if receipt.no_room:
            detail = Message("too_many_open", given=receipt.no_room, most=MAX_OPEN)
            errors = [FieldFault("alerts", detail)]
            raise Problem(503, detail, errors, {"Retry-After": str(FULL_RETRY_AFTER_S)})
        answer: dict[str, Any] = asdict(receipt)
        return JsonResponse(answer)

    return router
