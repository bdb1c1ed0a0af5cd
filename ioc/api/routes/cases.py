"""GET /api/v1/cases: the latest version of each case, in pages."""

from datetime import datetime
from typing import Annotated, Any

import orjson
from fastapi import APIRouter, Query, Request, Response
from pydantic import BaseModel, Field
from typing_extensions import TypedDict

from ioc.api.auth.read_audit import note_read
from ioc.api.context import Context
from ioc.api.http.json_response import JsonResponse
from ioc.api.http.paging import cursor_after, parse_cursor
from ioc.api.http.rows import Condition, equal_to, optional_stored_time, select, stored_time
from ioc.store.times import naive

router = APIRouter(prefix="/api/v1/cases", tags=["cases"])

_SELECT = """
SELECT case_type, case_id, unit, status, channel, service, received_at, due_at, deadline_at, pauses, closed_at,
    updated_at, attributes
FROM cases WHERE {where} ORDER BY updated_at DESC, case_type DESC, case_id DESC LIMIT ?
"""
_EQUAL = {"case_type", "case_id", "unit", "status", "channel", "service"}
_OVERDUE = "(closed_at IS NULL AND deadline_at < ?)"


class CaseShape(TypedDict):
    """The latest version of a case.

    `deadline_at` is `due_at` moved on by the pauses of the case; it is null during a pause, and without `due_at`. A
    case is overdue after `deadline_at`.
    """

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


class CaseListShape(TypedDict):
    """A page of cases; `next` is null on the last page."""

    cases: list[CaseShape]
    next: str | None


class CaseQuery(BaseModel):
    """Which cases to return, and which page of them."""

    case_type: str | None = None
    case_id: str | None = None
    unit: str | None = None
    status: str | None = None
    channel: str | None = None
    service: str | None = None
    is_open: bool | None = Field(None, alias="open", description="true: not closed")
    overdue: bool | None = Field(None, description="true: not closed and past the deadline")
    limit: int = Field(100, ge=1, le=1000)
    cursor: str | None = Field(None, description="`next` of the previous page")

    def conditions(self, now: datetime) -> list[Condition]:
        """Return the SQL conditions. Raises Problem (400) for a cursor that no page returned."""
        wanted = equal_to(**self.model_dump(include=_EQUAL))
        if self.is_open is not None:
            wanted.append(("closed_at IS NULL" if self.is_open else "closed_at IS NOT NULL", []))
        if self.overdue is not None:
            wanted.append((_OVERDUE if self.overdue else f"coalesce(NOT {_OVERDUE}, true)", [naive(now)]))
        if self.cursor is not None:
            at, key = parse_cursor(self.cursor, 2)
            wanted.append(("(updated_at, case_type, case_id) < (?, ?, ?)", [at, *key]))
        return wanted


@router.get("", response_model=CaseListShape)
async def list_cases(context: Context, request: Request, query: Annotated[CaseQuery, Query()]) -> Response:
    """Return cases, the latest change first. The read is recorded in the audit trail."""
    wanted = query.conditions(context.clock.now())

    def read() -> Response:
        rows = select(context.cursor, _SELECT, wanted, [query.limit + 1])
        page = rows[: query.limit]
        details = query.model_dump(include=_EQUAL - {"case_type"}) | {"rows": len(page)}
        note_read(context, request, "cases.read", query.case_type or "all types", details)
        last = page[-1] if len(rows) > query.limit else None
        after = last and cursor_after(last["updated_at"], last["case_type"], last["case_id"])
        return JsonResponse({"cases": [case_shape(row) for row in page], "next": after})

    return await context.threads.run(read)


def case_shape(row: dict[str, Any]) -> CaseShape:
    """Return the JSON of a row of `cases`."""
    return {
        "case_type": row["case_type"],
        "case_id": row["case_id"],
        "unit": row["unit"],
        "status": row["status"],
        "channel": row["channel"] or "",
        "service": row["service"] or "",
        "received_at": stored_time(row["received_at"]),
        "due_at": optional_stored_time(row["due_at"]),
        "deadline_at": optional_stored_time(row["deadline_at"]),
        "pauses": row["pauses"] or 0,
        "closed_at": optional_stored_time(row["closed_at"]),
        "updated_at": stored_time(row["updated_at"]),
        "attributes": orjson.loads(row["attributes"] or "{}"),
    }
