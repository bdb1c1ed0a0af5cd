"""/api/v1/session: log in and out, and the present caller; for people with a password and displays with a token."""

import asyncio
from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response
from pydantic import Field
from starlette.requests import HTTPConnection
from typing_extensions import TypedDict

from ioc.api.auth.login import BROWSER_COOKIE, LoginService
from ioc.api.auth.middleware import CSRF_HEADER, DISPLAY_COOKIE, SESSION_COOKIE, caller_of, session_of
from ioc.api.context import Context
from ioc.api.http.base_path import base_path
from ioc.api.http.json_response import JsonResponse
from ioc.api.http.problems import Problem, invalid_field
from ioc.api.http.request_models import RequestBody
from ioc.api.live.socket import is_same_origin
from ioc.errors import ConfigurationInvalid
from ioc.messages import Message
from ioc.model.person import Caller
from ioc.people import AccountRefused, Session
from ioc.people.sessions import MAX_SESSION
from ioc.settings import Settings

router = APIRouter(prefix="/api/v1/session", tags=["people"])

_SESSION_S = int(MAX_SESSION.total_seconds())
_BROWSER_S = 365 * 86_400
_DISPLAY_S = 10 * 365 * 86_400


class LoginRequest(RequestBody):
    """The name and password of a person, or the token of a wall display."""

    name: str = Field("", max_length=64)
    password: str = Field("", max_length=1024)
    display_token: str = Field("", max_length=256)


class PasswordRequest(RequestBody):
    """The present password and the new one."""

    present: str = Field(max_length=1024)
    new: str = Field(max_length=1024)


class SessionShape(TypedDict):
    """The caller and their permissions. `name` is empty for an anonymous caller.

    `csrf` must be sent in the header X-CSRF-Token with every change.
    """

    name: str
    full_name: str
    role: str
    permissions: list[str]
    csrf: str


async def get_login(connection: HTTPConnection) -> LoginService:
    """Return the login service of the app."""
    login: LoginService = connection.app.state.login
    return login


Login = Annotated[LoginService, Depends(get_login)]


@router.get("", response_model=SessionShape)
async def get_session(request: Request) -> Response:
    """Return who the caller is and what they may do."""
    return JsonResponse(_shape(caller_of(request), session_of(request)))


@router.post("", response_model=SessionShape)
async def log_in(context: Context, login: Login, request: Request, body: LoginRequest) -> Response:
    """Log in and set a cookie. 401 for a wrong name or password, later after each wrong one; 429 after too many."""
    origin = request.headers.get("origin")
    if not is_same_origin(origin, request.headers.get("host"), request.url.scheme, context.settings.address):
        raise Problem(403, Message("foreign_login"))
    cookies = _Cookies(context.settings, request.url.scheme == "https" or (origin or "").startswith("https://"))
    people = context.people
    if body.display_token:
        caller = await asyncio.to_thread(people.sessions.display_of, body.display_token)
        if caller is None:
            raise Problem(401, Message("no_display_token"))
        return cookies.set(JsonResponse(_shape(caller, None)), DISPLAY_COOKIE, body.display_token, _DISPLAY_S)
    try:
        person = await login.log_in(body.name, body.password, _address(request), _browser(request))
    except AccountRefused as fault:
        await asyncio.to_thread(people.trail.note, "", "session.refused", body.name[:64])
        raise Problem(401, fault.message) from None
    token, session = await asyncio.to_thread(people.sessions.begin, person)
    await asyncio.to_thread(people.trail.note, person.name, "session.begin", person.name)
    response = cookies.set(JsonResponse(_shape(session.caller, session)), SESSION_COOKIE, token, _SESSION_S)
    return cookies.set(response, BROWSER_COOKIE, login.mark(person.name), _BROWSER_S)


@router.delete("", status_code=204)
async def log_out(context: Context, request: Request) -> Response:
    """End the session and delete the cookies."""
    if (session := session_of(request)) is not None:
        people, name = context.people, session.person.name
        await asyncio.to_thread(people.sessions.end, request.cookies.get(SESSION_COOKIE, ""))
        await asyncio.to_thread(people.trail.note, name, "session.end", name)
    response = Response(status_code=204)
    for cookie in (SESSION_COOKIE, DISPLAY_COOKIE):
        path = f"{base_path(context.settings.address)}/"
        response.delete_cookie(cookie, path=path, httponly=True, samesite="strict")
    return response


@router.put("/password", status_code=204)
async def change_password(context: Context, login: Login, request: Request, body: PasswordRequest) -> Response:
    """Change the password of the person who is logged in; all their sessions end."""
    session = session_of(request)
    if session is None:
        raise Problem(401, Message("log_in_first", header=CSRF_HEADER))
    name = session.person.name
    try:
        await login.log_in(name, body.present, _address(request), _browser(request))
        await asyncio.to_thread(context.people.accounts.set_password, name, body.new)
    except AccountRefused as fault:
        raise invalid_field("present", fault.message) from None
    except ConfigurationInvalid as fault:
        raise invalid_field("new", fault.message) from None
    await asyncio.to_thread(context.people.trail.note, name, "person.password", name)
    return Response(status_code=204)


class _Cookies:
    """Set cookies for the path of the centre."""

    def __init__(self, settings: Settings, secure: bool) -> None:
        self._path = f"{base_path(settings.address)}/"
        self._secure = secure

    def set(self, response: Response, name: str, value: str, max_age_s: int) -> Response:
        """Set a cookie that lasts so many seconds, and return the response."""
        response.set_cookie(
            name,
            value,
            max_age=max_age_s,
            path=self._path,
            httponly=True,
            samesite="strict",
            secure=self._secure,
        )
        return response


def _address(request: Request) -> str:
    return request.client.host if request.client else ""


def _browser(request: Request) -> str:
    return request.cookies.get(BROWSER_COOKIE, "")


def _shape(caller: Caller, session: Session | None) -> SessionShape:
    return {
        "name": caller.name,
        "full_name": session.person.full_name if session else "",
        "role": str(session.person.role) if session else "",
        "permissions": sorted(caller.permissions),
        "csrf": session.csrf if session else "",
    }
