"""Limit the size of request bodies by route, before anything is parsed."""

from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Receive, Scope, Send
from starlette.types import Message as AsgiMessage

from ioc.api.auth.permissions import UnknownAddress, find_entry
from ioc.api.http.problems import RETRY_AFTER_S, answer
from ioc.messages import Message

MAX_BODY_BYTES = 1 << 20
"""Limit of every route that is not listed in MAX_BODY_BYTES_OF."""
MAX_BODY_BYTES_OF: dict[str, int] = {
    "POST /api/v1/alerts/incoming/{source}": 10 << 20,
    "POST /api/v1/incidents/{incident}/files": 6 << 20,
    "POST /api/v1/session": 16 << 10,
    "DELETE /api/v1/session": 16 << 10,
    "PUT /api/v1/session/password": 16 << 10,
}
"""Limits by entry of `permissions.TABLE`. Routes without login have the smallest."""
BOUNDED_BY_ROUTE = ("POST /api/v1/ingest/{source:path}",)
"""Routes that read the body themselves once the token is verified, with a limit of their own (`body.Intake`)."""
MAX_HELD_BYTES = 64 << 20
"""Limit of all bodies together that are being handled at one time, except pushes."""


class BodyLimits:
    """ASGI middleware. Answers 413 to a body that is too large, by its declared length or once that much has arrived.

    Answers 503 when all bodies that are being handled are too large together.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._held_bytes = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        limit = _limit_of(scope) if scope["type"] == "http" else None
        if limit is None:
            await self._app(scope, receive, send)
            return
        declared = Headers(scope=scope).get("content-length", "")
        if declared.isdigit() and int(declared) > limit:
            await answer(scope["path"], 413, _too_large(limit))(scope, receive, send)
            return
        received = 0

        async def receive_counted() -> AsgiMessage:
            """Return the next message. Raises HTTPException, which all inner layers let pass."""
            nonlocal received
            message = await receive()
            size = len(message.get("body", b"")) if message["type"] == "http.request" else 0
            received += size
            self._held_bytes += size
            if received > limit:
                raise HTTPException(413, _too_large(limit))
            if self._held_bytes > MAX_HELD_BYTES:
                raise HTTPException(503, Message("busy_bodies"), {"Retry-After": str(RETRY_AFTER_S)})
            return message

        try:
            await self._app(scope, receive_counted, send)
        finally:
            self._held_bytes -= received


def _limit_of(scope: Scope) -> int | None:
    try:
        entry = find_entry(scope["method"], scope["path"])
    except UnknownAddress:
        return MAX_BODY_BYTES
    return None if entry in BOUNDED_BY_ROUTE else MAX_BODY_BYTES_OF.get(entry, MAX_BODY_BYTES)


def _too_large(limit: int) -> Message:
    size = f"{limit >> 20} MB" if limit >= 1 << 20 else f"{limit >> 10} kB"
    return Message("body_over_limit", size=size)
