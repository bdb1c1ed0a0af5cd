"""/api/v1/lab: saved queries, the history of queries, and questions to begin with."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated

from fastapi import APIRouter, Path, Query, Request, Response
from pydantic import BaseModel, Field

from ioc.api.http.json_response import JsonResponse
from ioc.api.http.problems import Problem
from ioc.api.schemas.lab import (
    PastQueryListShape,
    ReadyQuestionListShape,
    SavedQueryListShape,
    SavedQueryShape,
    SavedQueryVersionsShape,
)
from ioc.lab.caller import caller_of
from ioc.lab.context import Lab, Sql
from ioc.lab.questions import questions
from ioc.lab.routes.fields import KeptChart, Name, Parameters, SqlText, Text
from ioc.lab.saved_queries import NotOwner, QueryDraft
from ioc.messages import Message
from ioc.model.person import Permission

router = APIRouter(prefix="/api/v1/lab", tags=["lab"])

SavedId = Annotated[int, Path(description="id of a saved query")]


class SavedQueryRequest(BaseModel):
    """A query to save. `chart` is kept exactly as it is sent."""

    name: Name
    sql: SqlText
    parameters: Parameters = {}
    chart: KeptChart = None
    tags: list[Annotated[Text, Field(min_length=1, max_length=50)]] = Field([], max_length=20)
    shared: bool = False

    def draft(self) -> QueryDraft:
        """Return the content to save."""
        return QueryDraft(self.name, self.sql, self.parameters, self.chart, self.tags, self.shared)


@router.get("/questions", response_model=ReadyQuestionListShape)
async def list_ready_questions() -> Response:
    """Return questions to begin with."""
    return JsonResponse({"questions": questions()})


@router.get("/history", response_model=PastQueryListShape)
async def list_past_queries(
    sql: Sql,
    request: Request,
    limit: Annotated[int, Query(ge=1, le=1_000)] = 100,
    everybody: Annotated[bool, Query(description="queries of all people; for administrators")] = False,
) -> Response:
    """Return the caller's ended queries, the latest first."""
    caller = caller_of(request)
    if everybody and Permission.ADMINISTER not in caller.permissions:
        raise Problem(403, Message("others_queries"))
    return JsonResponse({"history": sql.book.history(None if everybody else caller.name, limit)})


@router.get("/saved", response_model=SavedQueryListShape)
async def list_saved_queries(sql: Sql, request: Request) -> Response:
    """Return the caller's saved queries and those that others share, by name."""
    return JsonResponse({"saved": sql.book.saved(caller_of(request).name)})


@router.post("/saved", status_code=201, response_model=SavedQueryShape)
async def save_query(lab: Lab, sql: Sql, request: Request, body: SavedQueryRequest) -> Response:
    """Save a query."""
    return JsonResponse(sql.book.add(body.draft(), caller_of(request).name, lab.clock.now()), 201)


@router.get("/saved/{saved}", response_model=SavedQueryShape)
async def get_saved_query(sql: Sql, request: Request, saved: SavedId) -> Response:
    """Return a saved query."""
    with _refusals(Message("saved_owner_changes")):
        return JsonResponse(sql.book.one(saved, caller_of(request).name))


@router.get("/saved/{saved}/versions", response_model=SavedQueryVersionsShape)
async def list_saved_query_versions(sql: Sql, request: Request, saved: SavedId) -> Response:
    """Return the versions of a saved query, the latest first."""
    with _refusals(Message("saved_owner_changes")):
        return JsonResponse({"versions": sql.book.versions(saved, caller_of(request).name)})


@router.put("/saved/{saved}", response_model=SavedQueryShape)
async def change_saved_query(lab: Lab, sql: Sql, request: Request, saved: SavedId, body: SavedQueryRequest) -> Response:
    """Save a new version; earlier versions are kept. Only the owner may."""
    with _refusals(Message("saved_owner_changes")):
        return JsonResponse(sql.book.change(saved, body.draft(), caller_of(request).name, lab.clock.now()))


@router.delete("/saved/{saved}", status_code=204)
async def remove_saved_query(sql: Sql, request: Request, saved: SavedId) -> Response:
    """Remove a saved query. Only the owner may."""
    with _refusals(Message("saved_owner_removes")):
        sql.book.remove(saved, caller_of(request).name)
    return Response(status_code=204)


@contextmanager
def _refusals(not_owner: Message) -> Iterator[None]:
    """Raise Problem: 404 for an unknown id, 403 where only the owner may."""
    try:
        yield
    except KeyError:
        raise Problem(404, Message("no_saved_query")) from None
    except NotOwner:
        raise Problem(403, not_owner) from None
