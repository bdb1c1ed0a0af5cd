"""GET /api/v1/kpis: present values. GET /api/v1/kpis/{id}/history: a KPI over time."""

import asyncio
from collections.abc import Container, Iterable
from datetime import timedelta
from threading import Event
from typing import Annotated, Literal

from fastapi import APIRouter, Query, Request, Response
from pydantic import BaseModel, Field
from typing_extensions import TypedDict

from ioc.api.context import Context
from ioc.api.http.json_response import JsonResponse
from ioc.api.http.problems import Problem, invalid_field
from ioc.api.http.times import parse_step, parse_time
from ioc.api.routes.history import FILE_TYPES, MAX_POINTS, HistorySeries, HistoryShape, render
from ioc.api.schemas.kpis import KpiShape, kpi_shape
from ioc.api.schemas.restatements import published_points, restated_spans
from ioc.catalog import Catalog
from ioc.clock import rfc3339
from ioc.messages import Message

router = APIRouter(prefix="/api/v1/kpis", tags=["kpis"])

_DAY = timedelta(days=1)
_HISTORY_FILES = {
    200: {"content": {kind.partition(";")[0]: {"schema": {"type": "string"}} for kind in FILE_TYPES.values()}}
}


class HistoryQuery(BaseModel):
    """Which unit, period and format of a KPI's history."""

    unit: str | None = Field(None, description="unit code; default: the province")
    begins: str | None = Field(None, alias="from", description="RFC 3339; default: 24 h before `to`")
    ends: str | None = Field(None, alias="to", description="RFC 3339; default: now")
    step: str = Field("30m", description="duration between points, such as 1m, 30m, 1h or 1d")
    encoding: Literal["json", "csv", "parquet", "arrow"] = Field("json", alias="format")


class KpiListShape(TypedDict):
    """Present values and the time of the answer."""

    as_of: str
    kpis: list[KpiShape]


@router.get("", response_model=KpiListShape)
async def list_kpi_values(
    context: Context,
    kpi: Annotated[list[str] | None, Query(description="KPI ids; may be repeated")] = None,
    unit: Annotated[list[str] | None, Query(description="unit codes; may be repeated")] = None,
    sector: Annotated[list[str] | None, Query(description="sectors; may be repeated")] = None,
) -> Response:
    """Return present values. `value` is null, never 0, without data. An unknown name in a filter is refused (400)."""
    catalog = context.catalog()
    check_known("kpi", kpi or (), catalog.kpis)
    check_known("unit", unit or (), catalog.vocabulary.units)
    check_known("sector", sector or (), catalog.sectors)
    wanted = {
        definition.id
        for definition in catalog.kpis.values()
        if (kpi is None or definition.id in kpi) and (sector is None or definition.sector in sector)
    }

    def read() -> Response:
        shapes = [
            kpi_shape(value, catalog.kpis[value.id].min_samples)
            for value in context.kpis.values()
            if value.id in wanted and (unit is None or value.unit in unit)
        ]
        return JsonResponse({"as_of": rfc3339(context.clock.now()), "kpis": shapes})

    return await context.threads.run(read)


@router.get("/{kpi}/history", response_model=HistoryShape, responses=_HISTORY_FILES)  # type: ignore[arg-type]
async def get_kpi_history(
    context: Context,
    request: Request,
    kpi: str,
    query: Annotated[HistoryQuery, Query()],
) -> Response:
    """Return one point for each step of [from, to), calculated from panes and cases by the definition in force.

    A point at the end of a closed day, month, quarter or year of the KPI has its published value.
    """
    catalog = context.catalog()
    series = _requested_series(catalog, kpi, query.unit, query.step)
    length = parse_step(query.step)
    to = context.clock.now() if query.ends is None else parse_time("to", query.ends)
    since = to - _DAY if query.begins is None else parse_time("from", query.begins)
    if since >= to:
        raise invalid_field("from", Message("from_after_to"))
    if (count := -((since - to) // length)) > MAX_POINTS:
        raise invalid_field("step", Message("too_many_points", points=count, max=MAX_POINTS))
    gone = Event()

    def read() -> Response:
        restated = restated_spans(context.cursor, kpi, series.unit) if query.encoding == "json" else []
        points = context.kpis.history(kpi, series.unit, since, to, length, gone)
        if not catalog.kpis[kpi].window.closed:
            published = published_points(context.cursor, kpi, series.unit, since, to)
            points = [(point[0], *published.get(point[0], point[1:])) for point in points]
        return render(series, points, query.encoding, restated)

    watch = asyncio.create_task(_set_when_disconnected(request, gone))
    try:
        return await context.threads.run(read)
    finally:
        watch.cancel()
        gone.set()


def check_known(field: str, names: Iterable[str], known: Container[str]) -> None:
    """Raise Problem (400) for the first name that is not known."""
    for name in names:
        if name not in known:
            raise invalid_field(field, Message("not_in_catalogue", field=field, given=name[:80]))


def _requested_series(catalog: Catalog, kpi: str, unit: str | None, step: str) -> HistorySeries:
    if kpi not in catalog.kpis:
        raise Problem(404, Message("no_kpi", given=kpi[:80]))
    code = catalog.province.code if unit is None else unit
    check_known("unit", [code], catalog.vocabulary.units)
    return HistorySeries(kpi, code, step)


async def _set_when_disconnected(request: Request, gone: Event) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass
    gone.set()
