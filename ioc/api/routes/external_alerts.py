"""POST /api/v1/alerts/incoming/{source}: alerts of Prometheus or Grafana, as Alertmanager's webhook sends them."""

from dataclasses import asdict
from typing import Any

import orjson
from fastapi import APIRouter, Depends, Request, Response
from typing_extensions import TypedDict

from ioc.alert_service.external_intake import MAX_OPEN, receive
from ioc.api.auth.bearer import bearer, check_source_token, source_scheme
from ioc.api.context import Alerts, Context
from ioc.api.http.json_response import JsonResponse
from ioc.api.http.problems import FieldFault, Problem
from ioc.api.routes.ingest import RejectedRecordShape
from ioc.errors import BatchMalformed
from ioc.messages import Message

router = APIRouter(prefix="/api/v1/alerts", tags=["alerts"])

FULL_RETRY_AFTER_S = 60
_BODY: dict[str, Any] = {
    "requestBody": {"required": True, "content": {"application/json": {"schema": {"type": "object"}}}}
}


class ReceiptShape(TypedDict):
    """How many alerts began, ended, were updated, or were known already. `rejected` lists those that cannot be used.

    `no_room` is always 0 here: an answer with alerts that found no room is a problem (503).
    """

    began: int
    ended: int
    updated: int
    known: int
    no_room: int
    rejected: list[RejectedRecordShape]


@router.post(
    "/incoming/{source}",
    response_model=ReceiptShape,
    dependencies=[Depends(source_scheme)],
    openapi_extra=_BODY,
)
async def receive_external_alerts(context: Context, service: Alerts, source: str, request: Request) -> Response:
    """Accept alerts in version 4 of Alertmanager's format; needs the token of a push source.

    A repeated message changes nothing. Alerts that cannot be used are listed in `rejected`; the others are accepted.
    503 when too many external alerts are open, so that the sender tries again.
    """
    check_source_token(context, source, bearer(request))
    content = await context.bodies.read(request)
    try:
        message = orjson.loads(content)
    except orjson.JSONDecodeError as fault:
        raise BatchMalformed(Message("body_not_json", detail=fault)) from None
    receipt = await context.threads.run(lambda: receive(service, source, message))
    if receipt.no_room:
        detail = Message("too_many_open", given=receipt.no_room, most=MAX_OPEN)
        errors = [FieldFault("alerts", detail)]
        raise Problem(503, detail, errors, {"Retry-After": str(FULL_RETRY_AFTER_S)})
    return JsonResponse(asdict(receipt))
