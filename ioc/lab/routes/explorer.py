"""/api/v1/explore: KPIs for those who write no SQL."""

from collections import OrderedDict
from collections.abc import Callable
from datetime import timedelta
from typing import Annotated, Literal, ParamSpec, TypeVar

from fastapi import APIRouter, Query, Response

from ioc.api.http.json_response import JsonResponse
from ioc.api.http.problems import RETRY_AFTER_S, Problem, invalid_field
from ioc.api.http.times import parse_time
from ioc.explorer.models import ForecastFailed
from ioc.lab.context import LabParts
from ioc.lab.job_process import ComputationFailed, LabBusy
from ioc.lab.routes.explorer_jobs import (
    SeriesRequest,
    Shape,
    compute_forecast,
    compute_parts,
    compute_series,
    compute_sql,
    compute_table,
)
from ioc.messages import Message
from ioc.store.snapshot import Snapshot

FORECASTS_KEPT = 64
_MONTH = timedelta(days=30)
_TYPES = {
    "csv": "text/csv; charset=utf-8",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}

Params = ParamSpec("Params")
Result = TypeVar("Result")

Units = Annotated[str, Query(description="unit codes, with commas between; `communes` for all; else the province")]
Begins = Annotated[str | None, Query(alias="from", description="RFC 3339; 30 days before `to` without it")]
Ends = Annotated[str | None, Query(alias="to", description="RFC 3339; the snapshot's time without it")]
Step = Annotated[str, Query(description="1h, 1d, 7d …, or 1M for months of the calendar")]


def routes(parts: LabParts) -> APIRouter:
    router = APIRouter(prefix="/api/v1/explore", tags=["explorer"])
    known: OrderedDict[tuple[str, str, str], Shape] = OrderedDict()

    def snapshot() -> Snapshot:
        found = parts.snapshot()
        if found is None:
            raise Problem(
                503,
                "There is no snapshot of the history yet; the first one comes within minutes of the centre's start.",
                headers={"Retry-After": str(RETRY_AFTER_S)},
            )
        return found

    def wanted(
        kpi: str, units: str, begins: str | None, ends: str | None, step: str, *, last_year: bool
    ) -> SeriesRequest:
        to = snapshot().taken_at if ends is None else parse_time("to", ends)
        since = to - _MONTH if begins is None else parse_time("from", begins)
        if since >= to:
            raise invalid_field("from", Message("from_after_to"))
        return SeriesRequest(kpi, tuple(code for code in units.split(",") if code), since, to, step, last_year)

    async def compute(function: Callable[Params, Result], *arguments: Params.args, **named: Params.kwargs) -> Result:
        try:
            return await parts.beside.run(function, *arguments, **named)
        except KeyError as unknown:
            raise Problem(404, str(unknown.args[0])) from None
        except ValueError as unfit:
            raise Problem(400, str(unfit)) from None
        except LabBusy as busy:
            raise Problem(429, str(busy), headers={"Retry-After": str(RETRY_AFTER_S)}) from None
        except (ComputationFailed, ForecastFailed) as failed:
            raise Problem(503, str(failed)) from None

    @router.get("/{kpi}/series")
    async def series(
        kpi: str,
        units: Units = "",
        begins: Begins = None,
        ends: Ends = None,
        step: Step = "1d",
        compare: Annotated[Literal["last_year"] | None, Query(description="the same time a year before")] = None,
        encoding: Annotated[Literal["json", "csv", "xlsx"], Query(alias="format")] = "json",
    ) -> Response:
        """A KPI of several units over time, computed from panes and cases as `/api/v1/kpis/{id}/history` does."""
        asked = wanted(kpi, units, begins, ends, step, last_year=compare is not None)
        if encoding == "json":
            return JsonResponse(await compute(compute_series, snapshot(), parts.settings, asked))
        table = await compute(compute_table, snapshot(), parts.settings, asked, encoding)
        headers = {"Content-Disposition": f'attachment; filename="{kpi}.{encoding}"'}
        return Response(table, headers=headers, media_type=_TYPES[encoding])

    @router.get("/{kpi}/parts")
    async def change(kpi: str, begins: Begins = None, ends: Ends = None, unit: str = "") -> Response:
        """What made the KPI change between two moments: by unit, channel, service and status, or by a formula's parts.
        What the groups made adds up to the change; `method` says how."""
        asked = wanted(kpi, unit, begins, ends, "1d", last_year=False)
        return JsonResponse(await compute(compute_parts, snapshot(), parts.settings, kpi, unit, asked.start, asked.end))

    @router.get("/{kpi}/forecast")
    async def outlook(kpi: str, unit: str = "") -> Response:
        """The KPI at the year's end with the interval that holds four of five, and the chance of meeting the target;
        `reason` says why there is none."""
        taken = snapshot()
        key = taken.stamp, kpi, unit
        if key not in known:
            known[key] = await compute(compute_forecast, taken, parts.settings, kpi, unit)
            while len(known) > FORECASTS_KEPT:
                known.popitem(last=False)
        return JsonResponse(known[key])

    @router.get("/{kpi}/sql")
    async def sql(kpi: str, units: Units = "", begins: Begins = None, ends: Ends = None, step: Step = "1d") -> Response:
        """SQL over the lab's views that gives what `series` gives; `reads` says which view of ready values it reads
        instead where the views do not hold what the KPI is made of."""
        asked = wanted(kpi, units, begins, ends, step, last_year=False)
        return JsonResponse(await compute(compute_sql, parts.settings, asked))

    return router
