"""/api/v1/people and /api/v1/trail: accounts, and what was done; for administrators."""

import asyncio
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field
from typing_extensions import TypedDict

from ioc.api.auth.middleware import caller_of
from ioc.api.context import ApiContext
from ioc.api.http.json_response import JsonResponse
from ioc.api.http.problems import Problem
from ioc.clock import rfc3339
from ioc.errors import ConfigurationInvalid
from ioc.messages import Message
from ioc.model.person import ADMIN_SCRIPT, Person, Role


class NewPerson(BaseModel):
    model_config = ConfigDict(extra="forbid")
    name: str = Field(max_length=64)
    full_name: str = Field(max_length=200)
    role: Role
    password: str = Field(max_length=1024)


class PersonChange(BaseModel):
    """What is given is changed."""

    model_config = ConfigDict(extra="forbid")
    role: Role | None = None
    disabled: bool | None = None
    password: str | None = Field(None, max_length=1024)


class PersonShape(TypedDict):
    name: str
    full_name: str
    role: str
    disabled: bool


class PeopleList(TypedDict):
    people: list[PersonShape]


class Names(TypedDict):
    names: dict[str, str]


class ActShape(TypedDict):
    number: int
    at: str
    who: str
    act: str
    what: str
    details: dict[str, Any]


class TrailPage(TypedDict):
    """`next` is `before` of the next page, null on the last."""

    acts: list[ActShape]
    next: int | None


def routes(centre: ApiContext) -> APIRouter:
    router = APIRouter(prefix="/api/v1", tags=["people"])
    accounts, trail = centre.people.accounts, centre.people.trail

    @router.get("/people", response_model=PeopleList)
    async def people() -> Response:
        """By name."""
        return JsonResponse({"people": [_shape(person) for person in await asyncio.to_thread(accounts.all)]})

    @router.get("/people/names", response_model=Names)
    async def names() -> Response:
        """The full name behind each login name that acts are on record with, of disabled accounts too."""
        listed = {person.name: person.full_name for person in await asyncio.to_thread(accounts.all)}
        return JsonResponse({"names": {ADMIN_SCRIPT.name: "Mã quản trị (admin token)", **listed}})

    @router.post("/people", response_model=PersonShape, status_code=201)
    async def add(request: Request, given: NewPerson) -> Response:
        """409 when the name is taken or unfit, or the password too easy to guess."""
        person = await asyncio.to_thread(accounts.add, given.name, given.full_name, given.role, given.password)
        await asyncio.to_thread(
            trail.note, caller_of(request).name, "person.add", person.name, {"role": str(person.role)}
        )
        return JsonResponse(_shape(person), 201)

    @router.patch("/people/{name}", response_model=PersonShape)
    async def change(request: Request, name: str, given: PersonChange) -> Response:
        """A new password, or disabling, ends the person's sessions. Nobody takes their own account away."""
        who = caller_of(request).name
        if who == name and (given.disabled or given.role not in (None, Role.ADMIN)):
            raise Problem(409, Message("own_rights"))
        changes = given.model_dump(exclude_none=True, mode="json")
        if await asyncio.to_thread(accounts.named, name) is None:
            raise Problem(404, Message("no_account", given=name[:80]))
        try:
            if given.role is not None:
                await asyncio.to_thread(accounts.set_role, name, given.role)
            if given.disabled is not None:
                await asyncio.to_thread(accounts.set_disabled, name, given.disabled)
            if given.password is not None:
                changes["password"] = "changed"
                await asyncio.to_thread(accounts.set_password, name, given.password)
        except ConfigurationInvalid as fault:
            raise Problem(409, fault.message) from None
        if changes:
            await asyncio.to_thread(trail.note, who, "person.change", name, changes)
        person = await asyncio.to_thread(accounts.named, name)
        if person is None:
            raise Problem(404, Message("no_account", given=name[:80]))
        return JsonResponse(_shape(person))

    @router.get("/trail", response_model=TrailPage)
    async def acts(
        before: Annotated[int | None, Query(ge=1, lt=1 << 63, description="`next` of the page before")] = None,
        limit: Annotated[int, Query(ge=1, le=1000)] = 100,
    ) -> Response:
        """What was done by whom, newest first."""
        found = await asyncio.to_thread(trail.read, before, limit + 1)
        page = found[:limit]
        shapes = [
            {"number": a.number, "at": rfc3339(a.at), "who": a.who, "act": a.act, "what": a.what, "details": a.details}
            for a in page
        ]
        return JsonResponse({"acts": shapes, "next": page[-1].number if len(found) > limit else None})

    return router


def _shape(person: Person) -> PersonShape:
    return {
        "name": person.name,
        "full_name": person.full_name,
        "role": str(person.role),
        "disabled": person.disabled,
    }
