"""What analysts keep: saved queries, history, and the ready questions to begin with."""

from typing import Annotated

from fastapi import APIRouter, Path, Query, Request, Response
from pydantic import BaseModel, Field

from ioc.api.http.json_response import JsonResponse
from ioc.api.http.problems import Problem
from ioc.lab.caller import caller_of
from ioc.lab.context import LabParts
from ioc.lab.questions import questions
from ioc.lab.routes.fields import KeptChart, Name, Parameters, SqlText, Text
from ioc.lab.saved_queries import Draft, NotOwner
from ioc.lab.sql_service import SqlService
from ioc.model.person import Permission

SavedId = Annotated[int, Path(description="the number of a saved query; one that cannot be is not there (404)")]
_NOT_THERE = "There is no such saved query, or it is not shared with you."


class Saving(BaseModel):
    """`chart` is kept as it is given."""

    name: Name
    sql: SqlText
    parameters: Parameters = {}
    chart: KeptChart = None
    tags: list[Annotated[Text, Field(min_length=1, max_length=50)]] = Field([], max_length=20)
    shared: bool = False

    def draft(self) -> Draft:
        return Draft(self.name, self.sql, self.parameters, self.chart, self.tags, self.shared)


def routes(parts: LabParts, asking: SqlService) -> APIRouter:
    router = APIRouter(prefix="/api/v1/lab", tags=["lab"])
    book = asking.book

    @router.get("/questions")
    async def ready_questions() -> Response:
        return JsonResponse({"questions": questions()})

    @router.get("/history")
    async def history(
        request: Request, limit: Annotated[int, Query(ge=1, le=1_000)] = 100, everybody: bool = False
    ) -> Response:
        """One's own, the latest first; an administrator may ask for everybody's."""
        caller = caller_of(request)
        if everybody and Permission.ADMINISTER not in caller.permissions:
            raise Problem(403, "Only an administrator sees what others asked.")
        return JsonResponse({"history": book.history(None if everybody else caller.name, limit)})

    @router.get("/saved")
    async def saved(request: Request) -> Response:
        return JsonResponse({"saved": book.saved(caller_of(request).name)})

    @router.post("/saved", status_code=201)
    async def save(request: Request, given: Saving) -> Response:
        return JsonResponse(book.add(given.draft(), caller_of(request).name, parts.clock.now()), 201)

    @router.get("/saved/{saved}")
    async def one(request: Request, saved: SavedId) -> Response:
        try:
            return JsonResponse(book.one(saved, caller_of(request).name))
        except KeyError:
            raise Problem(404, _NOT_THERE) from None

    @router.get("/saved/{saved}/versions")
    async def versions(request: Request, saved: SavedId) -> Response:
        try:
            return JsonResponse({"versions": book.versions(saved, caller_of(request).name)})
        except KeyError:
            raise Problem(404, _NOT_THERE) from None

    @router.put("/saved/{saved}")
    async def change(request: Request, saved: SavedId, given: Saving) -> Response:
        """Another version; those before it are kept."""
        try:
            return JsonResponse(book.change(saved, given.draft(), caller_of(request).name, parts.clock.now()))
        except KeyError:
            raise Problem(404, _NOT_THERE) from None
        except NotOwner:
            raise Problem(403, "Only its owner changes a saved query; save a copy of your own.") from None

    @router.delete("/saved/{saved}", status_code=204)
    async def remove(request: Request, saved: SavedId) -> Response:
        try:
            book.remove(saved, caller_of(request).name)
        except KeyError:
            raise Problem(404, _NOT_THERE) from None
        except NotOwner:
            raise Problem(403, "Only its owner removes a saved query.") from None
        return Response(status_code=204)

    return router
