"""Authorisation in front of every route of the lab, by the centre's own permission table."""

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from ioc.api.auth.forwarded import PERMISSIONS_HEADER, is_signed
from ioc.api.auth.permissions import TABLE, UnknownAddress, find_entry
from ioc.api.http.problems import answer
from ioc.messages import Message

_NOT_SIGNED = Message("lab_not_signed")
_NOT_HERE = Message("nothing_here")
_MAY_NOT = Message("not_allowed")


class LabGate:
    """ASGI layer that accepts only requests signed by `ioc serve`.

    Answers 403 for unsigned requests and for roles without the permission, 404 for addresses that are not in the
    table.

    The centre's gate has already decided; this is the second lock, in case a request gets past it by another
    spelling of the path.
    """

    def __init__(self, app: ASGIApp, key: str) -> None:
        self._app = app
        self._key = key

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        refusal = self._refusal(scope)
        if refusal is None:
            await self._app(scope, receive, send)
        else:
            await answer(scope["path"], *refusal)(scope, receive, send)

    def _refusal(self, scope: Scope) -> tuple[int, Message] | None:
        headers = Headers(scope=scope)
        if not is_signed(self._key, headers):
            return 403, _NOT_SIGNED
        try:
            wanted = TABLE[find_entry(scope["method"], scope["path"])]
        except UnknownAddress:
            return 404, _NOT_HERE
        if wanted is not None and wanted not in headers.get(PERMISSIONS_HEADER, "").split(","):
            return 403, _MAY_NOT
        return None
