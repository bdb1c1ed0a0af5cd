"""GET /api/v1/restatements: what was published of closed periods and is another value now."""

from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Query, Response
from typing_extensions import TypedDict

from ioc.api.context import ApiContext
from ioc.api.http.json_response import JsonResponse
from ioc.api.http.paging import cursor_after, parse_cursor
from ioc.api.http.rows import equal_to
from ioc.api.http.threads import WorkerThreads
from ioc.api.http.times import parse_time
from ioc.api.routes.kpis import check_known
from ioc.api.schemas.restatements import RestatementShape, read_restatements, restatement_shape
from ioc.store.times import naive

_PLACE = "(restated_at, kpi, unit, period, period_from::VARCHAR)"


class RestatementPage(TypedDict):
    restatements: list[RestatementShape]
    next: str | None


def routes(centre: ApiContext, threads: WorkerThreads) -> APIRouter:
    router = APIRouter(prefix="/api/v1/restatements", tags=["kpis"])

    @router.get("", response_model=RestatementPage)
    async def restatements(
        kpi: str | None = None,
        unit: str | None = None,
        begins: Annotated[str | None, Query(alias="from", description="RFC 3339: restated at or after")] = None,
        ends: Annotated[str | None, Query(alias="to", description="RFC 3339: restated before")] = None,
        limit: Annotated[int, Query(ge=1, le=1000)] = 100,
        cursor: Annotated[str | None, Query(description="`next` of the page before")] = None,
    ) -> Response:
        """The latest first. Both values, when each was published, and why the later one took the place of the other."""
        catalog = centre.catalog()
        check_known("kpi", None if kpi is None else [kpi], catalog.kpis)
        check_known("unit", None if unit is None else [unit], catalog.vocabulary.units)
        wanted = equal_to(kpi=kpi, unit=unit)
        if begins is not None:
            wanted.append(("restated_at >= ?", [naive(parse_time("from", begins))]))
        if ends is not None:
            wanted.append(("restated_at < ?", [naive(parse_time("to", ends))]))
        if cursor is not None:
            at, key = parse_cursor(cursor, 4)
            wanted.append((f"{_PLACE} < (?, ?, ?, ?, ?)", [at, *key]))

        def read() -> Response:
            rows = read_restatements(centre.cursor, wanted, limit + 1)
            page = rows[:limit]
            after = cursor_after(*_place(page[-1])) if len(rows) > limit else None
            return JsonResponse({"restatements": [restatement_shape(row) for row in page], "next": after})

        return await threads.run(read)

    return router


def _place(row: dict[str, Any]) -> tuple[datetime, str, str, str, str]:
    return row["restated_at"], row["kpi"], row["unit"], row["period"], row["period_from"].isoformat(sep=" ")
