"""/api/v1/session: log in, out, and who am I; for people with a password and wall displays with a token."""

import asyncio
from typing import Any

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, ConfigDict, Field
from typing_extensions import TypedDict

from ioc.api.auth.login import BROWSER_COOKIE, LoginService
from ioc.api.auth.middleware import CSRF_HEADER, DISPLAY_COOKIE, SESSION_COOKIE, caller_of, session_of
from ioc.api.context import ApiContext
from ioc.api.http.base_path import base_path
from ioc.api.http.json_response import JsonResponse
from ioc.api.http.problems import Problem, invalid_field
from ioc.api.live.socket import is_same_origin
from ioc.errors import ConfigurationInvalid
from ioc.messages import Message
from ioc.model.person import Caller
from ioc.people import AccountRefused, Session
from ioc.people.sessions import LONGEST

_SECONDS = int(LONGEST.total_seconds())
_BROWSER_SECONDS = 365 * 86_400
_DISPLAY_SECONDS = 10 * 365 * 86_400


class LogIn(BaseModel):
    """A person's name and password, or a wall display's token."""

    model_config = ConfigDict(extra="forbid")
    name: str = Field("", max_length=64)
    password: str = Field("", max_length=1024)
    display_token: str = Field("", max_length=256)


class NewPassword(BaseModel):
    model_config = ConfigDict(extra="forbid")
    present: str = Field(max_length=1024)
    new: str = Field(max_length=1024)


class SessionShape(TypedDict):
    """`name` is empty for nobody known; `csrf` is what changes carry in X-CSRF-Token."""

    name: str
    full_name: str
    role: str
    permissions: list[str]
    csrf: str


def routes(centre: ApiContext) -> APIRouter:
    router = APIRouter(prefix="/api/v1/session", tags=["people"])
    people = centre.people
    cookie_path = f"{base_path(centre.settings.address)}/"
    desk = LoginService(people, centre.settings.login_key())

    def with_cookie(response: Response, name: str, value: str, seconds: int, secure: bool) -> Response:
        response.set_cookie(
            name, value, max_age=seconds, path=cookie_path, httponly=True, samesite="strict", secure=secure
        )
        return response

    @router.get("", response_model=SessionShape)
    async def who(request: Request) -> Response:
        """Who the centre takes the caller for, and what they may do."""
        return JsonResponse(_shape(caller_of(request), session_of(request)))

    @router.post("", response_model=SessionShape)
    async def log_in(request: Request, given: LogIn) -> Response:
        """Sets a cookie. 401 with one sentence when it is refused, later after each wrong try; 429 after too many."""
        origin = request.headers.get("origin")
        if not is_same_origin(origin, request.headers.get("host"), request.url.scheme, centre.settings.address):
            raise Problem(403, Message("foreign_login"))
        secure = request.url.scheme == "https" or (origin or "").startswith("https://")
        if given.display_token:
            caller = await asyncio.to_thread(people.sessions.display_of, given.display_token)
            if caller is None:
                raise Problem(401, Message("no_display_token"))
            return with_cookie(
                JsonResponse(_shape(caller, None)), DISPLAY_COOKIE, given.display_token, _DISPLAY_SECONDS, secure
            )
        try:
            person = await desk.log_in(given.name, given.password, _address(request), _browser(request))
        except AccountRefused as fault:
            await asyncio.to_thread(people.trail.note, "", "session.refused", given.name[:64])
            raise Problem(401, fault.message) from None
        token, session = await asyncio.to_thread(people.sessions.begin, person)
        await asyncio.to_thread(people.trail.note, person.name, "session.begin", person.name)
        response = with_cookie(JsonResponse(_shape(session.caller, session)), SESSION_COOKIE, token, _SECONDS, secure)
        return with_cookie(response, BROWSER_COOKIE, desk.mark(person.name), _BROWSER_SECONDS, secure)

    @router.delete("", status_code=204)
    async def log_out(request: Request) -> Response:
        """Ends the session and takes the cookies back."""
        if (session := session_of(request)) is not None:
            await asyncio.to_thread(people.sessions.end, request.cookies.get(SESSION_COOKIE, ""))
            await asyncio.to_thread(people.trail.note, session.person.name, "session.end", session.person.name)
        response = Response(status_code=204)
        for name in (SESSION_COOKIE, DISPLAY_COOKIE):
            response.delete_cookie(name, path=cookie_path, httponly=True, samesite="strict")
        return response

    @router.put("/password", status_code=204)
    async def change_password(request: Request, given: NewPassword) -> Response:
        """Of the person who is logged in; all their sessions end."""
        session = session_of(request)
        if session is None:
            raise Problem(401, Message("log_in_first", header=CSRF_HEADER))
        name = session.person.name
        try:
            await desk.log_in(name, given.present, _address(request), _browser(request))
            await asyncio.to_thread(people.accounts.set_password, name, given.new)
        except AccountRefused as fault:
            raise invalid_field("present", fault.message) from None
        except ConfigurationInvalid as fault:
            raise invalid_field("new", fault.message) from None
        await asyncio.to_thread(people.trail.note, name, "person.password", name)
        return Response(status_code=204)

    return router


def _address(request: Request) -> str:
    return request.client.host if request.client else ""


def _browser(request: Request) -> str:
    return request.cookies.get(BROWSER_COOKIE, "")


def _shape(caller: Caller, session: Session | None) -> dict[str, Any]:
    return {
        "name": caller.name,
        "full_name": session.person.full_name if session else "",
        "role": str(session.person.role) if session else "",
        "permissions": sorted(caller.permissions),
        "csrf": session.csrf if session else "",
    }
