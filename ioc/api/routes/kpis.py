"""GET /api/v1/kpis: present values; /api/v1/kpis/{id}/history: a KPI over time."""

import asyncio
from datetime import timedelta
from threading import Event
from typing import Annotated, Literal, NotRequired

from fastapi import APIRouter, Query, Request, Response
from typing_extensions import TypedDict

from ioc.api.context import ApiContext
from ioc.api.http.json_response import JsonResponse
from ioc.api.http.problems import Problem, invalid_field
from ioc.api.http.threads import WorkerThreads
from ioc.api.http.times import parse_step, parse_time
from ioc.api.routes.history import MAX_POINTS, Step, render
from ioc.api.schemas.restatements import published_points, restated_spans
from ioc.api.schemas.shapes import KpiShape, kpi_shape
from ioc.clock import rfc3339
from ioc.messages import Message

_DAY = timedelta(days=1)


class KpiList(TypedDict):
    as_of: str
    kpis: list[KpiShape]


class Point(TypedDict):
    """`restated` stands only at points of a closed period whose published value was restated."""

    time: str
    value: float | None
    samples: int
    restated: NotRequired[bool]


class HistoryShape(TypedDict):
    id: str
    unit: str
    step: str
    points: list[Point]


def routes(centre: ApiContext, threads: WorkerThreads) -> APIRouter:
    router = APIRouter(prefix="/api/v1/kpis", tags=["kpis"])

    @router.get("", response_model=KpiList)
    async def present_values(
        kpi: Annotated[list[str] | None, Query(description="KPI ids; several allowed")] = None,
        unit: Annotated[list[str] | None, Query(description="unit codes; several allowed")] = None,
        sector: Annotated[list[str] | None, Query(description="sectors; several allowed")] = None,
    ) -> Response:
        """Present values; `value` is null, never 0, without data. A filter that names nothing known is refused."""
        catalog = centre.catalog()
        check_known("kpi", kpi, catalog.kpis)
        check_known("unit", unit, catalog.vocabulary.units)
        check_known("sector", sector, catalog.sectors)
        wanted = {
            definition.id
            for definition in catalog.kpis.values()
            if (kpi is None or definition.id in kpi) and (sector is None or definition.sector in sector)
        }

        def read() -> Response:
            shapes = [
                kpi_shape(value, catalog.kpis[value.id].min_samples)
                for value in centre.kpis.values()
                if value.id in wanted and (unit is None or value.unit in unit)
            ]
            return JsonResponse({"as_of": rfc3339(centre.clock.now()), "kpis": shapes})

        return await threads.run(read)

    @router.get("/{kpi}/history", response_model=HistoryShape)
    async def history(
        request: Request,
        kpi: str,
        unit: Annotated[str | None, Query(description="unit code; the province without it")] = None,
        begins: Annotated[str | None, Query(alias="from", description="RFC 3339; 24 h before `to` without it")] = None,
        ends: Annotated[str | None, Query(alias="to", description="RFC 3339; now without it")] = None,
        step: Annotated[str, Query(description="length of a step: 1m, 30m, 1h, 1d …")] = "30m",
        encoding: Annotated[Literal["json", "csv", "parquet", "arrow"], Query(alias="format")] = "json",
    ) -> Response:
        """One point for each step of [from, to), computed from the panes and cases by the definition in force. A point
        at the end of a closed day, month, quarter or year of the KPI is its value as published."""
        catalog = centre.catalog()
        if kpi not in catalog.kpis:
            raise Problem(404, Message("no_kpi", given=kpi[:80]))
        unit = catalog.province.code if unit is None else unit
        check_known("unit", [unit], catalog.vocabulary.units)
        length = parse_step(step)
        to = centre.clock.now() if ends is None else parse_time("to", ends)
        since = to - _DAY if begins is None else parse_time("from", begins)
        if since >= to:
            raise invalid_field("from", Message("from_after_to"))
        points = -((since - to) // length)
        if points > MAX_POINTS:
            raise invalid_field("step", Message("too_many_points", points=points, max=MAX_POINTS))
        wanted = Step(kpi, unit, step)
        gone = Event()

        def read() -> Response:
            restated = restated_spans(centre.cursor, kpi, unit) if encoding == "json" else []
            points = centre.kpis.history(kpi, unit, since, to, length, gone)
            if not catalog.kpis[kpi].window.closed:
                published = published_points(centre.cursor, kpi, unit, since, to)
                points = [(point[0], *published.get(point[0], point[1:])) for point in points]
            return render(wanted, points, encoding, restated)

        watch = asyncio.create_task(_watch(request, gone))
        try:
            return await threads.run(read)
        finally:
            watch.cancel()
            gone.set()

    return router


async def _watch(request: Request, gone: Event) -> None:
    """Say so when the client goes away."""
    while (await request.receive())["type"] != "http.disconnect":
        pass
    gone.set()


def check_known(field: str, given: list[str] | None, known: object) -> None:
    """Raises Problem (400)."""
    for name in given or ():
        if name not in known:  # type: ignore[operator]
            raise invalid_field(field, Message("not_in_catalogue", field=field, given=name[:80]))
