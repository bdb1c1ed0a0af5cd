"""/api/v1/lab/queries: asked now, looked after, taken later."""

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response

from ioc.api.http.json_response import JsonResponse
from ioc.api.http.problems import Problem
from ioc.clock import rfc3339
from ioc.lab.caller import caller_of
from ioc.lab.context import LabParts
from ioc.lab.query import Query as Running
from ioc.lab.query import State
from ioc.lab.results import rows_of
from ioc.lab.routes.sql import DecimalMark, Format, Question, result_response
from ioc.lab.sql_service import SqlService


def routes(parts: LabParts, asking: SqlService) -> APIRouter:
    router = APIRouter(prefix="/api/v1/lab/queries", tags=["lab"])
    queries, zone = asking.queries, parts.settings.zone

    def named(request: Request, query: str) -> Running:
        try:
            return queries.named(query, caller_of(request).name)
        except KeyError:
            raise Problem(404, "There is no such query of yours, or its result was dropped; run it again.") from None

    def with_result(request: Request, query: str) -> Running:
        found = named(request, query)
        if found.state is not State.DONE or found.result is None:
            raise Problem(409, f"The query has no result: it is {found.state}.")
        return found

    @router.post("", status_code=202)
    async def ask(request: Request, given: Question) -> Response:
        rows = queries.limits.rows if given.limit is None else given.limit
        query = queries.submit(caller_of(request).name, given.sql, given.parameters, rows=rows, name=given.name)
        return JsonResponse({"id": query.id}, 202)

    @router.get("/{query}")
    async def state(request: Request, query: str) -> Response:
        return JsonResponse(shape_of(asking, named(request, query)))

    @router.delete("/{query}")
    async def cancel(request: Request, query: str) -> Response:
        found = named(request, query)
        await queries.cancel(found)
        return JsonResponse(shape_of(asking, found))

    @router.get("/{query}/rows")
    async def rows(
        request: Request,
        query: str,
        offset: Annotated[int, Query(ge=0)] = 0,
        limit: Annotated[int, Query(ge=1, le=5_000)] = 500,
    ) -> Response:
        found = with_result(request, query)
        return JsonResponse({"offset": offset, "row_count": found.row_count, "rows": rows_of(found, offset, limit)})

    @router.get("/{query}/result", response_model=None)
    async def result(
        request: Request,
        query: str,
        encoding: Annotated[Format, Query(alias="format")] = "csv",
        decimal: DecimalMark = "point",
    ) -> Response:
        found = with_result(request, query)
        return await result_response(found, encoding, zone, decimal_comma=decimal == "comma")

    return router


def shape_of(asking: SqlService, query: Running) -> dict[str, Any]:
    return {
        "id": query.id,
        "name": query.name,
        "state": query.state,
        "ahead": asking.queries.ahead_of(query),
        "elapsed_ms": round(query.elapsed_now_ms, 1),
        "progress": query.progress if query.state is State.RUNNING else None,
        "row_count": query.row_count,
        "columns": query.columns,
        "truncated": query.truncated,
        "error": query.error,
        "kind": query.kind or None,
        "snapshot": {"taken_at": rfc3339(query.taken_at) if query.taken_at else None},
    }
