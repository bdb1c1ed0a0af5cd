"""GET /api/v1/restatements: published values of closed periods that have changed."""

from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Query, Response
from pydantic import BaseModel, Field
from typing_extensions import TypedDict

from ioc.api.context import Context
from ioc.api.http.json_response import JsonResponse
from ioc.api.http.paging import cursor_after, parse_cursor
from ioc.api.http.rows import equal_to
from ioc.api.http.times import parse_time
from ioc.api.routes.kpis import check_known
from ioc.api.schemas.restatements import RestatementShape, read_restatements, restatement_shape
from ioc.store.times import naive

router = APIRouter(prefix="/api/v1/restatements", tags=["kpis"])

_KEY = "(restated_at, kpi, unit, period, period_from::VARCHAR)"


class RestatementQuery(BaseModel):
    """Which restatements to return, and which page of them."""

    kpi: str | None = None
    unit: str | None = None
    begins: str | None = Field(None, alias="from", description="RFC 3339: restated at or after")
    ends: str | None = Field(None, alias="to", description="RFC 3339: restated before")
    limit: int = Field(100, ge=1, le=1000)
    cursor: str | None = Field(None, description="`next` of the previous page")


class RestatementListShape(TypedDict):
    """A page of restatements; `next` is null on the last page."""

    restatements: list[RestatementShape]
    next: str | None


@router.get("", response_model=RestatementListShape)
async def list_restatements(context: Context, query: Annotated[RestatementQuery, Query()]) -> Response:
    """Return restatements, the latest first: both values, when each was published, and why the value changed."""
    catalog = context.catalog()
    check_known("kpi", () if query.kpi is None else (query.kpi,), catalog.kpis)
    check_known("unit", () if query.unit is None else (query.unit,), catalog.vocabulary.units)
    wanted = equal_to(kpi=query.kpi, unit=query.unit)
    if query.begins is not None:
        wanted.append(("restated_at >= ?", [naive(parse_time("from", query.begins))]))
    if query.ends is not None:
        wanted.append(("restated_at < ?", [naive(parse_time("to", query.ends))]))
    if query.cursor is not None:
        at, key = parse_cursor(query.cursor, 4)
        wanted.append((f"{_KEY} < (?, ?, ?, ?, ?)", [at, *key]))

    def read() -> Response:
        rows = read_restatements(context.cursor, wanted, query.limit + 1)
        page = rows[: query.limit]
        after = cursor_after(*_key(page[-1])) if len(rows) > query.limit else None
        return JsonResponse({"restatements": [restatement_shape(row) for row in page], "next": after})

    return await context.threads.run(read)


def _key(row: dict[str, Any]) -> tuple[datetime, str, str, str, str]:
    return row["restated_at"], row["kpi"], row["unit"], row["period"], row["period_from"].isoformat(sep=" ")
