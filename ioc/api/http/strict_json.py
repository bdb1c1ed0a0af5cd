"""Parse JSON bodies strictly, once, for all routes: refuse or limit what the standard library accepts."""

import re

import orjson
from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Receive, Scope, Send
from starlette.types import Message as AsgiMessage

from ioc.api.auth.permissions import UnknownAddress, find_entry
from ioc.api.http.body_limits import BOUNDED_BY_ROUTE
from ioc.api.http.problems import answer
from ioc.messages import Message

_LONG_NUMBER = re.compile(rb"\d{19}")
_TEXT_OR_NUMBER = re.compile(rb'"(?:[^"\\]|\\.)*"|(?P<whole>-?\d+)(?P<fraction>[.eE][\d.eE+-]*)?')
"""Matches strings too, so that digits within them are skipped."""
_WITH_BODY = ("POST", "PUT", "PATCH", "DELETE")


class StrictJson:
    """ASGI middleware inside the authentication. Answers 422 to what is not strict JSON.

    Refused are NaN, lone surrogates, integers beyond 64 bits (they would be rounded), and nesting deeper than 1,024.
    Routes receive the body as it was parsed here, so that all parse it alike: of two equal keys the last one counts.
    Its size is limited before (`BodyLimits`).
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] not in _WITH_BODY or not _is_json(scope):
            await self._app(scope, receive, send)
            return
        body = bytearray()
        more = True
        while more:
            message = await receive()
            if message["type"] != "http.request":
                return  # the client has gone
            body += message.get("body", b"")
            more = message.get("more_body", False)
        if body:
            try:
                read = orjson.loads(body)
                if (wide := _wide_integer(bytes(body))) is not None:
                    await answer(scope["path"], 422, Message("number_too_wide", given=wide[:40]))(scope, receive, send)
                    return
                body = bytearray(orjson.dumps(read))
            except orjson.JSONDecodeError as fault:
                await answer(scope["path"], 422, Message("body_not_json", detail=str(fault)))(scope, receive, send)
                return
            headers = MutableHeaders(scope=scope)
            headers["content-length"] = str(len(body))
            if "transfer-encoding" in headers:
                del headers["transfer-encoding"]
        is_handed_on = False

        async def receive_body() -> AsgiMessage:
            nonlocal is_handed_on
            if is_handed_on:
                return await receive()
            is_handed_on = True
            return {"type": "http.request", "body": bytes(body), "more_body": False}

        await self._app(scope, receive_body, send)


def _wide_integer(body: bytes) -> str | None:
    """Return the first integer of a JSON text that does not fit into 64 bits; None if there is none."""
    if not _LONG_NUMBER.search(body):
        return None
    for text in _TEXT_OR_NUMBER.finditer(body):
        number = text["whole"]
        if number is None or text["fraction"] is not None or len(number) < 19:
            continue
        if len(number) > 20 or not -(1 << 63) <= int(number) < 1 << 64:
            return number.decode()
    return None


def _is_json(scope: Scope) -> bool:
    """Return whether a route will parse the body as JSON. A body without a content type is not parsed as such."""
    headers = MutableHeaders(scope=scope)
    media_type = headers.get("content-type", "").partition(";")[0].strip().lower()
    if media_type != "application/json" and not media_type.endswith("+json"):
        return False
    try:
        return find_entry(scope["method"], scope["path"]) not in BOUNDED_BY_ROUTE
    except UnknownAddress:
        return False
