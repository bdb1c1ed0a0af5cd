"""/api/v1/people: accounts. /api/v1/trail: the audit trail. Both are for administrators."""

import asyncio
from collections.abc import Mapping
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response
from pydantic import Field
from typing_extensions import TypedDict

from ioc.api.auth.middleware import caller_of
from ioc.api.context import Context
from ioc.api.http.json_response import JsonResponse
from ioc.api.http.problems import Problem
from ioc.api.http.request_models import RequestBody
from ioc.clock import rfc3339
from ioc.errors import ConfigurationInvalid
from ioc.messages import Message
from ioc.model.person import ADMIN_SCRIPT, Person, Role
from ioc.people import Accounts

router = APIRouter(prefix="/api/v1", tags=["people"])


class AccountRequest(RequestBody):
    """A new account."""

    name: str = Field(max_length=64)
    full_name: str = Field(max_length=200)
    role: Role
    password: str = Field(max_length=1024)


class AccountChangeRequest(RequestBody):
    """Changes of an account; fields that are absent stay as they are."""

    role: Role | None = None
    disabled: bool | None = None
    password: str | None = Field(None, max_length=1024)


class AccountShape(TypedDict):
    """An account."""

    name: str
    full_name: str
    role: str
    disabled: bool


class AccountListShape(TypedDict):
    """Accounts by name."""

    people: list[AccountShape]


class FullNamesShape(TypedDict):
    """Full names by login name."""

    names: dict[str, str]


class TrailEntryShape(TypedDict):
    """What somebody did: `act` (such as `alert.acknowledge`) to `what`, with details."""

    number: int
    at: str
    who: str
    act: str
    what: str
    details: dict[str, Any]


class TrailPageShape(TypedDict):
    """Entries, the newest first. `next` is the parameter `before` of the next page; null on the last page."""

    acts: list[TrailEntryShape]
    next: int | None


@router.get("/people", response_model=AccountListShape)
async def list_accounts(context: Context) -> Response:
    """Return all accounts by name."""
    found = await asyncio.to_thread(context.people.accounts.all)
    return JsonResponse({"people": [_shape(person) for person in found]})


@router.get("/people/names", response_model=FullNamesShape)
async def list_full_names(context: Context) -> Response:
    """Return the full name for each login name that appears in records, also for disabled accounts."""
    found = await asyncio.to_thread(context.people.accounts.all)
    listed = {person.name: person.full_name for person in found}
    return JsonResponse({"names": {ADMIN_SCRIPT.name: "Mã quản trị (admin token)", **listed}})


@router.post("/people", response_model=AccountShape, status_code=201)
async def add_account(context: Context, request: Request, body: AccountRequest) -> Response:
    """Add an account. 409 when the name is taken or not valid, or the password is too easy to guess."""
    people, by = context.people, caller_of(request).name
    person = await asyncio.to_thread(people.accounts.add, body.name, body.full_name, body.role, body.password)
    await asyncio.to_thread(people.trail.note, by, "person.add", person.name, {"role": str(person.role)})
    return JsonResponse(_shape(person), 201)


@router.patch("/people/{name}", response_model=AccountShape)
async def change_account(context: Context, request: Request, name: str, body: AccountChangeRequest) -> Response:
    """Change an account.

    A new password, or disabling, ends the person's sessions. Administrators cannot take away their own rights.
    """
    by = caller_of(request).name
    if by == name and (body.disabled or body.role not in (None, Role.ADMIN)):
        raise Problem(409, Message("own_rights"))
    people = context.people

    def change() -> Response:
        if people.accounts.named(name) is None:
            raise _no_account(name)
        try:
            changes = _apply(people.accounts, name, body)
        except ConfigurationInvalid as fault:
            raise Problem(409, fault.message) from None
        if changes:
            people.trail.note(by, "person.change", name, changes)
        person = people.accounts.named(name)
        if person is None:
            raise _no_account(name)
        return JsonResponse(_shape(person))

    return await asyncio.to_thread(change)


@router.get("/trail", response_model=TrailPageShape)
async def list_trail(
    context: Context,
    before: Annotated[int | None, Query(ge=1, lt=1 << 63, description="`next` of the previous page")] = None,
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
) -> Response:
    """Return entries of the audit trail, the newest first."""
    found = await asyncio.to_thread(context.people.trail.read, before, limit + 1)
    page = found[:limit]
    shapes = [
        {
            "number": one.number,
            "at": rfc3339(one.at),
            "who": one.who,
            "act": one.act,
            "what": one.what,
            "details": one.details,
        }
        for one in page
    ]
    return JsonResponse({"acts": shapes, "next": page[-1].number if len(found) > limit else None})


def _apply(accounts: Accounts, name: str, body: AccountChangeRequest) -> Mapping[str, object]:
    """Change the account and return the changes for the audit trail. Raises ConfigurationInvalid."""
    changes = body.model_dump(exclude_none=True, mode="json")
    if body.role is not None:
        accounts.set_role(name, body.role)
    if body.disabled is not None:
        accounts.set_disabled(name, body.disabled)
    if body.password is not None:
        accounts.set_password(name, body.password)
        changes["password"] = "changed"
    return changes


def _no_account(name: str) -> Problem:
    return Problem(404, Message("no_account", given=name[:80]))


def _shape(person: Person) -> AccountShape:
    return {
        "name": person.name,
        "full_name": person.full_name,
        "role": str(person.role),
        "disabled": person.disabled,
    }
