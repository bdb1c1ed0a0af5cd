"""Accept one spelling of each path: the path that is checked is the path that is routed, here and in the lab."""

import re
from typing import NamedTuple
from urllib.parse import quote, unquote_to_bytes

from starlette.types import ASGIApp, Receive, Scope, Send

from ioc.api.http.problems import answer
from ioc.messages import Message

_NOTHING_HERE = Message("nothing_here")
_ENCODED_SEPARATOR = re.compile(rb"%(2f|5c)", re.IGNORECASE)
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")


class PathRefused(Exception):
    """The path has a spelling that no address of the centre has. The text is for the client."""

    def __init__(self, status: int, detail: Message) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail


def canonical_path(raw: bytes) -> str:
    """Return the decoded path of a request target, without its query. Raises PathRefused.

    A proxy, the permissions table, the router and the lab each parse a path in their own way. What they might parse
    differently is refused: dot segments, empty segments, encoded separators, backslashes, control characters, bytes
    that are not UTF-8, and a percent sign that is left after decoding (double encoding).
    """
    if _ENCODED_SEPARATOR.search(raw):
        raise PathRefused(404, _NOTHING_HERE)
    try:
        path = unquote_to_bytes(raw).decode("utf-8")
    except UnicodeDecodeError:
        raise PathRefused(400, Message("path_not_utf8")) from None
    if "\\" in path or _CONTROL.search(path):
        raise PathRefused(400, Message("path_control"))
    if "%" in path:
        raise PathRefused(400, Message("path_encoded_twice"))
    segments = path.split("/")
    if segments[0] or any(segment in (".", "..") for segment in segments) or "" in segments[1:-1]:
        raise PathRefused(404, _NOTHING_HERE)
    return path


class RequestTarget(NamedTuple):
    """A request target split for forwarding."""

    path: bytes
    query: bytes

    def joined(self) -> bytes:
        """Return path and query as one target."""
        return self.path + b"?" + self.query if self.query else self.path


def target_of(scope: Scope) -> RequestTarget:
    """Return the request target as the client sent it, after `CanonicalPaths` has accepted it."""
    return RequestTarget(_raw_path(scope), scope.get("query_string", b""))


class CanonicalPaths:
    """ASGI middleware. Answers 400 or 404 to other spellings before routing, and sets the canonical path."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        try:
            scope["path"] = canonical_path(_raw_path(scope))
        except PathRefused as refused:
            if scope["type"] == "websocket":
                await send({"type": "websocket.close", "code": 1008})
            else:
                await answer(scope["path"], refused.status, refused.detail)(scope, receive, send)
            return
        await self._app(scope, receive, send)


def _raw_path(scope: Scope) -> bytes:
    raw: bytes = scope.get("raw_path") or quote(scope["path"]).encode()
    return raw.partition(b"?")[0]
