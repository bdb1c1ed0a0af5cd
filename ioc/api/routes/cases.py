"""GET /api/v1/cases: the latest version of each case, a page at a time."""

from typing import Annotated, Any

import orjson
from fastapi import APIRouter, Query, Request, Response
from typing_extensions import TypedDict

from ioc.api.auth.read_audit import note_read
from ioc.api.context import ApiContext
from ioc.api.http.json_response import JsonResponse
from ioc.api.http.paging import cursor_after, parse_cursor
from ioc.api.http.rows import equal_to, select, stored_time
from ioc.api.http.threads import WorkerThreads

_SELECT = """
SELECT case_type, case_id, unit, status, channel, service, received_at, due_at, deadline_at, pauses, closed_at,
    updated_at, attributes
FROM cases WHERE {where} ORDER BY updated_at DESC, case_type DESC, case_id DESC LIMIT ?
"""
_LATE = "(closed_at IS NULL AND deadline_at < ?)"


class CaseShape(TypedDict):
    """`deadline_at` is `due_at` moved on by the case's pauses, null while its clock stands; overdue goes by it."""

    case_type: str
    case_id: str
    unit: str
    status: str
    channel: str
    service: str
    received_at: str
    due_at: str | None
    deadline_at: str | None
    pauses: int
    closed_at: str | None
    updated_at: str
    attributes: dict[str, Any]


class CasePage(TypedDict):
    cases: list[CaseShape]
    next: str | None


def routes(centre: ApiContext, threads: WorkerThreads) -> APIRouter:
    router = APIRouter(prefix="/api/v1/cases", tags=["cases"])

    @router.get("", response_model=CasePage)
    async def cases(
        request: Request,
        case_type: str | None = None,
        case_id: str | None = None,
        unit: str | None = None,
        status: str | None = None,
        channel: str | None = None,
        service: str | None = None,
        is_open: Annotated[bool | None, Query(alias="open", description="true: not closed yet")] = None,
        overdue: Annotated[bool | None, Query(description="true: not closed and past its deadline")] = None,
        limit: Annotated[int, Query(ge=1, le=1000)] = 100,
        cursor: Annotated[str | None, Query(description="`next` of the page before")] = None,
    ) -> Response:
        """Latest change first. `next` is null on the last page."""
        wanted = equal_to(
            case_type=case_type, case_id=case_id, unit=unit, status=status, channel=channel, service=service
        )
        if is_open is not None:
            wanted.append(("closed_at IS NULL" if is_open else "closed_at IS NOT NULL", []))
        if overdue is not None:
            now = centre.clock.now().replace(tzinfo=None)
            wanted.append((_LATE if overdue else f"coalesce(NOT {_LATE}, true)", [now]))
        if cursor is not None:
            at, key = parse_cursor(cursor, 2)
            wanted.append(("(updated_at, case_type, case_id) < (?, ?, ?)", [at, *key]))

        def read() -> Response:
            rows = select(centre.cursor, _SELECT, wanted, [limit + 1])
            page = rows[:limit]
            filters = {"case_id": case_id, "unit": unit, "status": status, "channel": channel, "service": service}
            note_read(centre, request, "cases.read", case_type or "all types", {**filters, "rows": len(page)})
            last = page[-1] if len(rows) > limit else None
            after = last and cursor_after(last["updated_at"], last["case_type"], last["case_id"])
            return JsonResponse({"cases": [case_shape(row) for row in page], "next": after})

        return await threads.run(read)

    return router


def case_shape(row: dict[str, Any]) -> CaseShape:
    return {
        "case_type": row["case_type"],
        "case_id": row["case_id"],
        "unit": row["unit"],
        "status": row["status"],
        "channel": row["channel"] or "",
        "service": row["service"] or "",
        "received_at": stored_time(row["received_at"]),
        "due_at": row["due_at"] and stored_time(row["due_at"]),
        "deadline_at": row["deadline_at"] and stored_time(row["deadline_at"]),
        "pauses": row["pauses"] or 0,
        "closed_at": row["closed_at"] and stored_time(row["closed_at"]),
        "updated_at": stored_time(row["updated_at"]),
        "attributes": orjson.loads(row["attributes"] or "{}"),
    }
