"""POST /api/v1/sql, the state of the lab, its dictionary, and SQL looked at without being run."""

import asyncio
from typing import Annotated, Literal
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import FileResponse, StreamingResponse
from pydantic import BaseModel, Field

from ioc.api.http.json_response import JsonResponse
from ioc.clock import rfc3339
from ioc.lab.caller import caller_of
from ioc.lab.context import LabParts
from ioc.lab.dictionary import VERSION, promise, views
from ioc.lab.error_responses import problem_of
from ioc.lab.query import Query as Running
from ioc.lab.query import State
from ioc.lab.results import MEDIA, json_pieces, rendered
from ioc.lab.routes.fields import Parameters, SqlText, Text
from ioc.lab.sql_service import SqlService
from ioc.store.snapshot import failure

Format = Literal["json", "csv", "arrow", "parquet", "xlsx"]
DecimalMark = Annotated[
    Literal["point", "comma"],
    Query(description="of a CSV: `comma` also puts semicolons between cells, as Vietnamese spreadsheets read it"),
]
_JSON_ROWS = 10_000
_POLL_S = 0.5


class Question(BaseModel):
    """`parameters` are bound by name: `$unit` in the SQL is `unit` here."""

    sql: SqlText
    parameters: Parameters = {}
    limit: int | None = Field(None, ge=0, le=1_000_000)
    name: Text = Field("", max_length=200)


def routes(parts: LabParts, asking: SqlService) -> APIRouter:
    router = APIRouter(prefix="/api/v1", tags=["lab"])
    queries, raw_dir = asking.queries, parts.settings.snapshots_dir

    @router.post("/sql", response_model=None)
    async def sql(
        request: Request,
        given: Question,
        encoding: Annotated[Format, Query(alias="format")] = "json",
        decimal: DecimalMark = "point",
    ) -> Response:
        """The rows of one query; `limit` bounds them (JSON: 10,000 when it is not given). A client that goes away
        ends its query."""
        rows = given.limit if given.limit is not None else _JSON_ROWS if encoding == "json" else queries.limits.rows
        query = queries.submit(caller_of(request).name, given.sql, given.parameters, rows=rows, name=given.name)
        await _until_ended(request, asking, query)
        if query.state is not State.DONE:
            error = query.error or {"message": "The query was cancelled.", "line": None, "column": None}
            return problem_of(request, error, query.kind)
        return await result_response(query, encoding, parts.settings.zone, decimal_comma=decimal == "comma")

    @router.get("/lab")
    async def state() -> Response:
        published, raw, limits = asking.publications.in_use(), parts.snapshot(), queries.limits
        now = parts.clock.now()
        return JsonResponse(
            {
                "snapshot": None
                if published is None
                else {
                    "taken_at": rfc3339(published.taken_at),
                    "age_s": round((now - published.taken_at).total_seconds(), 1),
                    "size_bytes": published.size_bytes,
                    "published_in_s": published.took_s,
                    "raw_size_bytes": raw.size_bytes if raw else None,
                    "raw_took_s": raw.took_s if raw else None,
                },
                "limits": {
                    "seconds": limits.seconds,
                    "memory_mb": limits.memory_mb,
                    "rows": limits.rows,
                    "bytes": limits.bytes,
                },
                "queue": {"running": queries.running, "waiting": queries.waiting},
                "version": VERSION,
                "quack": _quack(parts),
                "faults": [one for one in (failure(raw_dir), *_faults(asking), *queries.missing) if one],
            }
        )

    @router.post("/lab/snapshot")
    async def snapshot() -> Response:
        """The snapshot in use is published when this answers; the centre has just taken it."""
        published = await asking.publications.bring_up()
        return JsonResponse({"snapshot": None if published is None else {"taken_at": rfc3339(published.taken_at)}})

    @router.get("/lab/dictionary")
    async def dictionary() -> Response:
        """Every view and column in both languages; types as of the publication in use."""
        published = asking.publications.in_use()
        view_list = (
            published.views
            if published is not None
            else [
                {
                    "name": view.name,
                    "comment": view.comment,
                    "columns": [{"name": n, "type": None, "comment": words} for n, words in view.columns.items()],
                }
                for view in views()
            ]
        )
        return JsonResponse({"version": VERSION, "views": view_list, "promise": promise()})

    @router.post("/lab/check")
    async def check(given: Question) -> Response:
        """Whether it is a query that could be run, and what parameters it asks for."""
        answer = await queries.check(given.sql, "check", {})
        if failed := answer.get("failed"):
            error = {name: failed[name] for name in ("message", "line", "column")}
            return JsonResponse({"ok": False, "parameters": [], "error": error})
        return JsonResponse({"ok": True, "parameters": answer["done"]["parameters"], "error": None})

    @router.post("/lab/plan")
    async def plan(request: Request, given: Question) -> Response:
        answer = await queries.check(given.sql, "plan", given.parameters)
        if failed := answer.get("failed"):
            return problem_of(request, failed, failed["kind"])
        return JsonResponse({"plan": answer["done"]["plan"]})

    return router


async def result_response(query: Running, encoding: str, zone: ZoneInfo, *, decimal_comma: bool = False) -> Response:
    """The whole result as a download, named by the local time of the question. Raises RenderingFailed."""
    name = f'attachment; filename="ioc-{query.asked_at.astimezone(zone):%Y%m%d-%H%M%S}.{encoding}"'
    if encoding == "json":
        return StreamingResponse(json_pieces(query), media_type=MEDIA["json"])
    headers = {"Content-Disposition": name, "X-IOC-Truncated": str(query.truncated).lower()}
    made = await rendered(query, encoding, decimal_comma=decimal_comma and encoding == "csv")
    return FileResponse(made, headers=headers, media_type=MEDIA[encoding])


async def _until_ended(request: Request, asking: SqlService, query: Running) -> None:
    try:
        while not query.ended.is_set():
            try:
                async with asyncio.timeout(_POLL_S):
                    await query.ended.wait()
            except TimeoutError:
                if await request.is_disconnected():
                    await asking.queries.cancel(query)
    except asyncio.CancelledError:
        await asking.queries.cancel(query)
        raise


def _faults(asking: SqlService) -> list[str]:
    """The sentences of what fails in the lab's background tasks."""
    own = asking.publications.error
    others = [fault.detail for fault in asking.faults.current() if fault.params.get("thread") != "publications"]
    return [own, *others]


def _quack(parts: LabParts) -> dict[str, str] | None:
    address = parts.quack.address() if parts.quack is not None else None
    return None if address is None else {"address": address}
