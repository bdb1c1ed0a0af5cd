"""POST /api/v1/ingest/{source}: push readings or cases. 202 once the broker has them."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Header, Request, Response
from typing_extensions import TypedDict

from ioc.api.auth.bearer import bearer, check_source_token, source_scheme
from ioc.api.context import Context
from ioc.api.http.json_response import JsonResponse
from ioc.api.http.problems import Problem
from ioc.api.ports import PushAnswer
from ioc.messages import Message

router = APIRouter(prefix="/api/v1/ingest", tags=["sources"])

_TYPES = ("application/json", "application/x-ndjson", "text/csv")
_MAX_KEY_CHARACTERS = 200
_BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            "application/json": {"schema": {"type": "array", "items": {"type": "object"}}},
            "application/x-ndjson": {"schema": {"type": "string"}},
            "text/csv": {"schema": {"type": "string"}},
        },
    }
}


class RejectedRecordShape(TypedDict):
    """A record that was refused: its index in the body, the field at fault, and why."""

    index: int
    field: str
    reason: str
    message: str


class PushShape(TypedDict):
    """The outcome of a push. `rejected` lists the first refused records, `rejected_count` counts all of them."""

    accepted: int
    duplicate: int
    rejected: list[RejectedRecordShape]
    rejected_count: int


@router.post(
    "/{source}",
    status_code=202,
    response_model=PushShape,
    dependencies=[Depends(source_scheme)],
    openapi_extra=_BODY,
)
async def push_records(
    context: Context,
    source: str,
    request: Request,
    idempotency_key: Annotated[str, Header(description="a repeated push with the same key counts once")] = "",
) -> Response:
    """Accept a push from a source; needs the token of the source.

    Valid records count; invalid ones are listed in `rejected` and kept as dead letters.
    """
    check_source_token(context, source, bearer(request))
    content_type = request.headers.get("content-type", _TYPES[0])
    if content_type.partition(";")[0].strip().lower() not in _TYPES:
        raise Problem(415, Message("content_type_not_taken", given=content_type[:80], known=", ".join(_TYPES)))
    if len(idempotency_key) > _MAX_KEY_CHARACTERS:
        raise Problem(400, Message("idempotency_key_long", max=_MAX_KEY_CHARACTERS))
    content = await context.bodies.read(request)
    if not content.strip():
        raise Problem(400, Message("body_empty"))
    return JsonResponse(_shape(await context.push.ingest(source, content, content_type, idempotency_key)), 202)


def _shape(answer: PushAnswer) -> PushShape:
    return {
        "accepted": answer.accepted,
        "duplicate": answer.duplicate,
        "rejected": [
            {"index": row.index, "field": row.field, "reason": row.reason, "message": row.message}
            for row in answer.rejected
        ],
        "rejected_count": answer.rejected_count,
    }
