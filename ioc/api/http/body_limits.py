"""How large a request's body may be, route by route; looked at before anything of it is read."""

from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Receive, Scope, Send
from starlette.types import Message as AsgiMessage

from ioc.api.auth.permissions import UnknownAddress, find_entry
from ioc.api.http.problems import RETRY_AFTER_S, answer
from ioc.messages import Message

MAX_BODY_BYTES = 1 << 20
"""Limit for every route that is not named below."""
MAX_BODY_BYTES_OF: dict[str, int] = {
    "POST /api/v1/alerts/incoming/{source}": 10 << 20,
    "POST /api/v1/incidents/{incident}/files": 6 << 20,
    "POST /api/v1/session": 16 << 10,
    "DELETE /api/v1/session": 16 << 10,
    "PUT /api/v1/session/password": 16 << 10,
}
"""By entry of `permissions.TABLE`. What may be asked for without login is smallest."""
BOUNDED_BY_ROUTE = ("POST /api/v1/ingest/{source:path}",)
"""A push reads its body itself once its token was right, with a bound of its own (`body.Intake`)."""
MAX_HELD_BYTES = 64 << 20
"""Limit for all bodies that are being handled at one time, except pushes."""


class BodyLimits:
    """ASGI layer. 413 for a body that is too large, by its length or once that much has come; 503 when the bodies
    that are being handled are too large together."""

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
            """Raise HTTPException, which every layer of the app below lets pass."""
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
