"""/api/v1/lab/queries: submit a query, follow its state, fetch its result later."""

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response

from ioc.api.http.json_response import JsonResponse
from ioc.api.http.problems import Problem
from ioc.api.schemas.lab import QueryIdShape, QueryRowsShape, QueryStateShape
from ioc.clock import rfc3339
from ioc.lab.caller import caller_of
from ioc.lab.context import Lab, Sql
from ioc.lab.query import Query as SqlQuery
from ioc.lab.query import State
from ioc.lab.results import rows_of
from ioc.lab.routes.sql import RESULT_FILES, DecimalMark, Format, SqlRequest, result_response
from ioc.lab.sql_service import SqlService
from ioc.messages import Message

router = APIRouter(prefix="/api/v1/lab/queries", tags=["lab"])


@router.post("", status_code=202, response_model=QueryIdShape)
async def submit_query(sql: Sql, request: Request, body: SqlRequest) -> Response:
    """Submit a query and return its id at once."""
    rows = sql.queries.limits.rows if body.limit is None else body.limit
    query = sql.queries.submit(caller_of(request).name, body.sql, body.parameters, rows=rows, name=body.name)
    return JsonResponse({"id": query.id}, 202)


@router.get("/{query}", response_model=QueryStateShape)
async def get_query(sql: Sql, request: Request, query: str) -> Response:
    """Return the state of a query."""
    return JsonResponse(_shape(sql, _own_query(sql, request, query)))


@router.delete("/{query}", response_model=QueryStateShape)
async def cancel_query(sql: Sql, request: Request, query: str) -> Response:
    """Cancel a query and return its state."""
    found = _own_query(sql, request, query)
    await sql.queries.cancel(found)
    return JsonResponse(_shape(sql, found))


@router.get("/{query}/rows", response_model=QueryRowsShape)
async def get_query_rows(
    sql: Sql,
    request: Request,
    query: str,
    offset: Annotated[int, Query(ge=0)] = 0,
    limit: Annotated[int, Query(ge=1, le=5_000)] = 500,
) -> Response:
    """Return some rows of a result. 409 while there is none."""
    found = _with_result(sql, request, query)
    return JsonResponse({"offset": offset, "row_count": found.row_count, "rows": rows_of(found, offset, limit)})


@router.get("/{query}/result", response_class=Response, responses=RESULT_FILES)
async def download_query_result(
    lab: Lab,
    sql: Sql,
    request: Request,
    query: str,
    encoding: Annotated[Format, Query(alias="format")] = "csv",
    decimal: DecimalMark = "point",
) -> Response:
    """Return the whole result as a file. 409 while there is none."""
    found = _with_result(sql, request, query)
    return await result_response(found, encoding, lab.settings.zone, decimal_comma=decimal == "comma")


def _own_query(sql: SqlService, request: Request, query: str) -> SqlQuery:
    try:
        return sql.queries.named(query, caller_of(request).name)
    except KeyError:
        raise Problem(404, Message("no_query")) from None


def _with_result(sql: SqlService, request: Request, query: str) -> SqlQuery:
    found = _own_query(sql, request, query)
    if found.state is not State.DONE or found.result is None:
        raise Problem(409, Message("query_no_result", state=found.state))
    return found


def _shape(sql: SqlService, query: SqlQuery) -> dict[str, Any]:
    return {
        "id": query.id,
        "name": query.name,
        "state": query.state,
        "ahead": sql.queries.ahead_of(query),
        "elapsed_ms": round(query.elapsed_now_ms, 1),
        "progress": query.progress if query.state is State.RUNNING else None,
        "row_count": query.row_count,
        "columns": query.columns,
        "truncated": query.truncated,
        "error": query.error,
        "kind": query.kind or None,
        "snapshot": {"taken_at": rfc3339(query.taken_at) if query.taken_at else None},
    }
