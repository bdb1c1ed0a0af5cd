"""POST /api/v1/ingest/{source}: a push of readings or cases; 202 once the broker has them."""

from typing import Annotated

from fastapi import APIRouter, Depends, Header, Request, Response
from typing_extensions import TypedDict

from ioc.api.auth.bearer import SOURCE_NAME, bearer, matches_secret, source_scheme, unauthorized
from ioc.api.context import ApiContext
from ioc.api.http.body_reader import BodyReader
from ioc.api.http.json_response import JsonResponse
from ioc.api.http.problems import Problem
from ioc.messages import Message

_TYPES = ("application/json", "application/x-ndjson", "text/csv")
_MAX_KEY_CHARACTERS = 200


class RejectedRecord(TypedDict):
    index: int
    field: str
    reason: str
    message: str


class Pushed(TypedDict):
    """`rejected` names the unfit records; of very many only the first, `rejected_count` is of all."""

    accepted: int
    duplicate: int
    rejected: list[RejectedRecord]
    rejected_count: int


def routes(centre: ApiContext) -> APIRouter:
    router = APIRouter(prefix="/api/v1/ingest", tags=["sources"])
    intake = BodyReader()

    @router.post(
        "/{source}",
        status_code=202,
        response_model=Pushed,
        dependencies=[Depends(source_scheme)],
        openapi_extra={
            "requestBody": {
                "required": True,
                "content": {
                    "application/json": {"schema": {"type": "array", "items": {"type": "object"}}},
                    "application/x-ndjson": {"schema": {"type": "string"}},
                    "text/csv": {"schema": {"type": "string"}},
                },
            }
        },
    )
    async def push(
        source: str,
        request: Request,
        idempotency_key: Annotated[str, Header(description="a repeat with the same key counts once")] = "",
    ) -> Response:
        """Fit records count, unfit ones are named in `rejected` and kept as dead letters. Needs the source's token."""
        right = centre.source_token(source) if SOURCE_NAME.fullmatch(source) else None
        if not matches_secret(bearer(request), right):
            raise unauthorized(Message("source_token_needed"))
        content_type = request.headers.get("content-type", _TYPES[0])
        if content_type.partition(";")[0].strip().lower() not in _TYPES:
            raise Problem(415, Message("content_type_not_taken", given=content_type[:80], known=", ".join(_TYPES)))
        if len(idempotency_key) > _MAX_KEY_CHARACTERS:
            raise Problem(400, Message("idempotency_key_long", max=_MAX_KEY_CHARACTERS))
        content = await intake.read(request)
        if not content.strip():
            raise Problem(400, Message("body_empty"))
        answer = await centre.push.ingest(source, content, content_type, idempotency_key)
        rejected: list[RejectedRecord] = [
            {"index": row.index, "field": row.field, "reason": row.reason, "message": row.message}
            for row in answer.rejected
        ]
        pushed: Pushed = {
            "accepted": answer.accepted,
            "duplicate": answer.duplicate,
            "rejected": rejected,
            "rejected_count": answer.rejected_count,
        }
        return JsonResponse(pushed, status_code=202)

    return router
