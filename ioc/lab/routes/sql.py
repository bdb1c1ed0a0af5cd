"""POST /api/v1/sql, the state of the lab, its dictionary, and checking SQL without running it."""

import asyncio
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import FileResponse, StreamingResponse
from pydantic import BaseModel, Field

from ioc.api.http.json_response import JsonResponse
from ioc.api.schemas.lab import (
    DictionaryShape,
    LabStateShape,
    PublishedShape,
    QueryResultShape,
    SqlCheckShape,
    SqlPlanShape,
)
from ioc.clock import rfc3339
from ioc.lab.caller import caller_of
from ioc.lab.context import Lab, LabContext, Sql
from ioc.lab.dictionary import VERSION, promise, views
from ioc.lab.error_responses import problem_of
from ioc.lab.query import Query as SqlQuery
from ioc.lab.query import State
from ioc.lab.results import MEDIA, json_pieces, rendered
from ioc.lab.routes.fields import Parameters, SqlText, Text
from ioc.lab.sandbox.faults import error_shape
from ioc.lab.sql_service import SqlService
from ioc.messages import Message
from ioc.store.snapshot import failure

router = APIRouter(prefix="/api/v1", tags=["lab"])

Format = Literal["json", "csv", "arrow", "parquet", "xlsx"]
DecimalMark = Annotated[
    Literal["point", "comma"],
    Query(description="for CSV: `comma` also separates cells by semicolons, as Vietnamese spreadsheets read it"),
]
RESULT_FILES: dict[int | str, dict[str, Any]] = {
    200: {
        "model": QueryResultShape,
        "content": {
            kind.partition(";")[0]: {"schema": {"type": "string"}}
            for kind in MEDIA.values()
            if kind != "application/json"
        },
    }
}
"""A result as JSON, or as a file in another format, for OpenAPI."""
_MAX_JSON_ROWS = 10_000
_DISCONNECT_CHECK_S = 0.5


class SqlRequest(BaseModel):
    """A query. `parameters` are bound by name: `$unit` in the SQL is `unit` here. `limit` bounds the rows."""

    sql: SqlText
    parameters: Parameters = {}
    limit: int | None = Field(None, ge=0, le=1_000_000)
    name: Text = Field("", max_length=200)


@router.post("/sql", response_model=QueryResultShape, responses=RESULT_FILES)
async def run_sql(
    lab: Lab,
    sql: Sql,
    request: Request,
    body: SqlRequest,
    encoding: Annotated[Format, Query(alias="format")] = "json",
    decimal: DecimalMark = "point",
) -> Response:
    """Run a query and return its rows; JSON at most 10,000 unless `limit` is given.

    A client that disconnects cancels its query.
    """
    queries = sql.queries
    rows = body.limit if body.limit is not None else _MAX_JSON_ROWS if encoding == "json" else queries.limits.rows
    query = queries.submit(caller_of(request).name, body.sql, body.parameters, rows=rows, name=body.name)
    await _until_ended(request, sql, query)
    if query.state is not State.DONE:
        error = query.error or error_shape(Message("query_cancelled"))
        return problem_of(request, error, query.kind)
    return await result_response(query, encoding, lab.settings.zone, decimal_comma=decimal == "comma")


@router.get("/lab", response_model=LabStateShape)
async def get_lab_state(lab: Lab, sql: Sql) -> Response:
    """Return the snapshot in use, the limits of a query, the queue, and present faults."""
    limits, queries = sql.queries.limits, sql.queries
    faults = (failure(lab.settings.snapshots_dir), *_faults(sql), *queries.missing)
    return JsonResponse(
        {
            "snapshot": _snapshot(lab, sql),
            "limits": {
                "seconds": limits.seconds,
                "memory_mb": limits.memory_mb,
                "rows": limits.rows,
                "bytes": limits.bytes,
            },
            "queue": {"running": queries.running, "waiting": queries.waiting},
            "version": VERSION,
            "quack": _quack(lab),
            "faults": [one for one in faults if one],
        }
    )


@router.post("/lab/snapshot", response_model=PublishedShape)
async def publish_snapshot(sql: Sql) -> Response:
    """Publish the snapshot that the centre has just taken; answers once queries run on it."""
    published = await sql.publications.bring_up()
    return JsonResponse({"snapshot": None if published is None else {"taken_at": rfc3339(published.taken_at)}})


@router.get("/lab/dictionary", response_model=DictionaryShape)
async def get_dictionary(sql: Sql) -> Response:
    """Return every view and column in both languages, with the types of the snapshot in use."""
    published = sql.publications.in_use()
    described = _views_without_types() if published is None else published.views
    return JsonResponse({"version": VERSION, "views": described, "promise": promise()})


@router.post("/lab/check", response_model=SqlCheckShape)
async def check_sql(sql: Sql, body: SqlRequest) -> Response:
    """Return whether SQL is a query that could be run, and the names of its parameters. Nothing is run."""
    answer = await sql.queries.check(body.sql, "check", {})
    if failed := answer.get("failed"):
        error = {name: value for name, value in failed.items() if name != "kind"}
        return JsonResponse({"ok": False, "parameters": [], "error": error})
    return JsonResponse({"ok": True, "parameters": answer["done"]["parameters"], "error": None})


@router.post("/lab/plan", response_model=SqlPlanShape)
async def plan_sql(sql: Sql, request: Request, body: SqlRequest) -> Response:
    """Return DuckDB's plan of a query. Nothing is run."""
    answer = await sql.queries.check(body.sql, "plan", body.parameters)
    if failed := answer.get("failed"):
        return problem_of(request, failed, failed["kind"])
    return JsonResponse({"plan": answer["done"]["plan"]})


async def result_response(query: SqlQuery, encoding: str, zone: ZoneInfo, *, decimal_comma: bool = False) -> Response:
    """Return the whole result as a download, named by the local time of the query. Raises RenderingFailed."""
    name = f'attachment; filename="ioc-{query.asked_at.astimezone(zone):%Y%m%d-%H%M%S}.{encoding}"'
    if encoding == "json":
        return StreamingResponse(json_pieces(query), media_type=MEDIA["json"])
    headers = {"Content-Disposition": name, "X-IOC-Truncated": str(query.truncated).lower()}
    made = await rendered(query, encoding, decimal_comma=decimal_comma and encoding == "csv")
    return FileResponse(made, headers=headers, media_type=MEDIA[encoding])


async def _until_ended(request: Request, sql: SqlService, query: SqlQuery) -> None:
    try:
        while not query.ended.is_set():
            try:
                async with asyncio.timeout(_DISCONNECT_CHECK_S):
                    await query.ended.wait()
            except TimeoutError:
                if await request.is_disconnected():
                    await sql.queries.cancel(query)
    except asyncio.CancelledError:
        await sql.queries.cancel(query)
        raise


def _snapshot(lab: LabContext, sql: SqlService) -> dict[str, Any] | None:
    published, raw = sql.publications.in_use(), lab.snapshot()
    if published is None:
        return None
    return {
        "taken_at": rfc3339(published.taken_at),
        "age_s": round((lab.clock.now() - published.taken_at).total_seconds(), 1),
        "size_bytes": published.size_bytes,
        "published_in_s": published.took_s,
        "raw_size_bytes": raw.size_bytes if raw else None,
        "raw_took_s": raw.took_s if raw else None,
    }


def _views_without_types() -> list[dict[str, Any]]:
    return [
        {
            "name": view.name,
            "comment": view.comment,
            "columns": [{"name": name, "type": None, "comment": comment} for name, comment in view.columns.items()],
        }
        for view in views()
    ]


def _faults(sql: SqlService) -> list[str]:
    """Return the sentences of present faults of the lab's background tasks."""
    others = [fault.detail for fault in sql.faults.current() if fault.params.get("thread") != "publications"]
    return [sql.publications.error, *others]


def _quack(lab: LabContext) -> dict[str, str] | None:
    address = lab.quack.address() if lab.quack is not None else None
    return None if address is None else {"address": address}
