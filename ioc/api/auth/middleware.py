"""Authenticate the caller of every request and check the permission of its address (`permissions.TABLE`)."""

import asyncio
from collections.abc import Mapping
from http.cookies import CookieError, SimpleCookie

from starlette.datastructures import Headers
from starlette.requests import HTTPConnection, Request
from starlette.types import ASGIApp, Receive, Scope, Send

from ioc.api.auth.bearer import matches_secret
from ioc.api.auth.permissions import CSRF_EXEMPT, TABLE, UnknownAddress, allowed_methods, find_entry
from ioc.api.http.problems import answer
from ioc.errors import StoreUnavailable
from ioc.messages import Message
from ioc.model.person import ADMIN_SCRIPT, NOBODY, Caller, Role, anonymous
from ioc.people import Credential, CredentialKind, People, Session

SESSION_COOKIE = "ioc_session"
DISPLAY_COOKIE = "ioc_display"
CSRF_HEADER = "X-CSRF-Token"
_SAFE = ("GET", "HEAD")
_LOG_IN = Message("log_in")
_NOT_ALLOWED = Message("not_allowed")
_WRONG_CSRF = Message("session_changed", header=CSRF_HEADER)
_NOT_FOUND = Message("nothing_here")
_WRONG_METHOD = Message("method_not_taken")


def caller_of(request: HTTPConnection) -> Caller:
    """Return the caller of a request or websocket that passed the middleware."""
    caller: Caller = request.scope.get("state", {}).get("caller", NOBODY)
    return caller


def credential_of(connection: HTTPConnection) -> Credential | None:
    """Return the caller's credential; None for unknown callers and for the admin token, which does not end."""
    credential: Credential | None = connection.scope.get("state", {}).get("credential")
    return credential


def session_of(request: Request) -> Session | None:
    """Return the session of a person who has logged in; None for any other caller."""
    session: Session | None = request.scope.get("state", {}).get("session")
    return session


class AuthMiddleware:
    """ASGI middleware. Answers 401 to unknown callers, 403 without permission, 404 or 405 for unknown addresses.

    Changes within a session need its CSRF token. While the accounts cannot be read, anonymous callers may go on.
    """

    def __init__(self, app: ASGIApp, people: People, admin_token: str, anonymous_role: Role | None) -> None:
        self._app = app
        self._people = people
        self._admin_token = admin_token
        self._anonymous = anonymous(anonymous_role)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        outage: Message | None = None
        try:
            caller, session, credential = await self._authenticate(Headers(scope=scope))
        except StoreUnavailable as fault:
            caller, session, credential, outage = self._anonymous, None, None, fault.message
        refusal = _refusal(scope, caller, session)
        if refusal is not None and outage is not None:
            refusal = (503, outage)
        if refusal is None:
            scope.setdefault("state", {}).update(caller=caller, session=session, credential=credential)
            await self._app(scope, receive, send)
        elif scope["type"] == "websocket":
            await send(
                {"type": "websocket.close", "code": 1008}
            )  # before it is accepted: the handshake is answered 403
        else:
            status, detail = refusal
            await answer(scope["path"], status, detail, headers=_headers(status, scope))(scope, receive, send)

    async def _authenticate(self, headers: Headers) -> tuple[Caller, Session | None, Credential | None]:
        scheme, _, token = headers.get("authorization", "").partition(" ")
        if scheme.lower() == "bearer" and token.strip():
            if matches_secret(token.strip(), self._admin_token):
                return ADMIN_SCRIPT, None, None
            return self._or_anonymous(await asyncio.to_thread(self._bearer, token.strip()))
        cookies = _cookies(headers)
        if token := cookies.get(SESSION_COOKIE, ""):
            session = await asyncio.to_thread(self._people.sessions.of, token)
            if session is not None:
                return session.caller, session, Credential(CredentialKind.SESSION, token)
        if token := cookies.get(DISPLAY_COOKIE, ""):
            return self._or_anonymous(await asyncio.to_thread(self._display, token))
        return self._anonymous, None, None

    def _or_anonymous(self, found: tuple[Caller, Credential] | None) -> tuple[Caller, None, Credential | None]:
        return (self._anonymous, None, None) if found is None else (found[0], None, found[1])

    def _bearer(self, token: str) -> tuple[Caller, Credential] | None:
        caller = self._people.tokens.caller_of(token)
        return (caller, Credential(CredentialKind.TOKEN, token)) if caller else self._display(token)

    def _display(self, token: str) -> tuple[Caller, Credential] | None:
        caller = self._people.sessions.display_of(token)
        return (caller, Credential(CredentialKind.DISPLAY, token)) if caller else None


def _refusal(scope: Scope, caller: Caller, session: Session | None) -> tuple[int, Message] | None:
    method = scope.get("method", "GET")
    try:
        entry = find_entry(method, scope["path"])
    except UnknownAddress:
        return (405, _WRONG_METHOD) if allowed_methods(scope["path"]) else (404, _NOT_FOUND)
    required = TABLE[entry]
    if required is not None and not caller.may(required):
        return (403, _NOT_ALLOWED) if caller.name else (401, _LOG_IN)
    if session is not None and method not in _SAFE and entry not in CSRF_EXEMPT:
        token = Headers(scope=scope).get(CSRF_HEADER, "")
        return None if matches_secret(token, session.csrf) else (403, _WRONG_CSRF)
    return None


def _headers(status: int, scope: Scope) -> Mapping[str, str]:
    if status == 405:
        return {"Allow": ", ".join(sorted(allowed_methods(scope["path"])))}
    return {"WWW-Authenticate": 'Bearer realm="ioc"'} if status == 401 else {}


def _cookies(headers: Headers) -> Mapping[str, str]:
    if "cookie" not in headers:
        return {}
    try:
        return {name: morsel.value for name, morsel in SimpleCookie(headers["cookie"]).items()}
    except CookieError:
        return {}
