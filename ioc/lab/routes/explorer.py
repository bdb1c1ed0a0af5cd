"""/api/v1/explore: KPIs over time, what made them change, and forecasts, for people who write no SQL."""

from collections import OrderedDict
from collections.abc import Callable
from datetime import timedelta
from typing import Annotated, Any, Literal, ParamSpec, TypeVar

from fastapi import APIRouter, Depends, Query, Response
from pydantic import BaseModel, Field
from starlette.requests import HTTPConnection

from ioc.api.http.json_response import JsonResponse
from ioc.api.http.problems import RETRY_AFTER_S, Problem, invalid_field
from ioc.api.http.times import parse_time
from ioc.api.schemas.explorer import ChangeShape, ForecastShape, KpiSqlShape, SeriesShape
from ioc.explorer.models import ForecastFailed
from ioc.lab.context import Lab, LabContext
from ioc.lab.job_process import ComputationFailed, LabBusy
from ioc.lab.routes.explorer_jobs import (
    SeriesRequest,
    compute_forecast,
    compute_parts,
    compute_series,
    compute_sql,
    compute_table,
)
from ioc.messages import Message
from ioc.store.snapshot import Snapshot

router = APIRouter(prefix="/api/v1/explore", tags=["explorer"])

MAX_FORECASTS_KEPT = 64
_MONTH = timedelta(days=30)
_TYPES = {
    "csv": "text/csv; charset=utf-8",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}
_FILES: dict[int | str, dict[str, Any]] = {
    200: {"content": {kind.partition(";")[0]: {"schema": {"type": "string"}} for kind in _TYPES.values()}}
}

Arguments = ParamSpec("Arguments")
Result = TypeVar("Result")

Units = Annotated[str, Query(description="unit codes, separated by commas; `communes` for all; default: the province")]
Begins = Annotated[str | None, Query(alias="from", description="RFC 3339; default: 30 days before `to`")]
Ends = Annotated[str | None, Query(alias="to", description="RFC 3339; default: the time of the snapshot")]


class SeriesParameters(BaseModel):
    """Which units, period and step of a KPI, and in which format."""

    units: str = Field("", description="unit codes, separated by commas; `communes` for all; default: the province")
    begins: str | None = Field(None, alias="from", description="RFC 3339; default: 30 days before `to`")
    ends: str | None = Field(None, alias="to", description="RFC 3339; default: the time of the snapshot")
    step: str = Field("1d", description="1h, 1d, 7d and so on, or 1M for calendar months")
    compare: Literal["last_year"] | None = Field(None, description="add the same series a year before")
    encoding: Literal["json", "csv", "xlsx"] = Field("json", alias="format")


class ForecastCache:
    """The latest forecasts, by snapshot, KPI and unit."""

    def __init__(self) -> None:
        self._known: OrderedDict[tuple[str, str, str], dict[str, Any]] = OrderedDict()

    def get(self, key: tuple[str, str, str]) -> dict[str, Any] | None:
        """Return the forecast; None when it is not known."""
        return self._known.get(key)

    def put(self, key: tuple[str, str, str], forecast: dict[str, Any]) -> None:
        """Add a forecast; beyond MAX_FORECASTS_KEPT the oldest is dropped."""
        self._known[key] = forecast
        while len(self._known) > MAX_FORECASTS_KEPT:
            self._known.popitem(last=False)


async def get_forecasts(connection: HTTPConnection) -> ForecastCache:
    """Return the cache of the app."""
    forecasts: ForecastCache = connection.app.state.forecasts
    return forecasts


Forecasts = Annotated[ForecastCache, Depends(get_forecasts)]


@router.get("/{kpi}/series", response_model=SeriesShape, responses=_FILES)
async def get_series(lab: Lab, kpi: str, query: Annotated[SeriesParameters, Query()]) -> Response:
    """Return a KPI of several units over time, calculated from panes and cases as `/api/v1/kpis/{id}/history` does."""
    wanted = _series_request(lab, kpi, query.units, query.begins, query.ends)
    wanted = wanted.with_step(query.step, last_year=query.compare is not None)
    if query.encoding == "json":
        return JsonResponse(await _computed(lab, compute_series, _snapshot(lab), lab.settings, wanted))
    table = await _computed(lab, compute_table, _snapshot(lab), lab.settings, wanted, query.encoding)
    headers = {"Content-Disposition": f'attachment; filename="{kpi}.{query.encoding}"'}
    return Response(table, headers=headers, media_type=_TYPES[query.encoding])


@router.get("/{kpi}/parts", response_model=ChangeShape)
async def get_contributions(lab: Lab, kpi: str, begins: Begins = None, ends: Ends = None, unit: str = "") -> Response:
    """Return what made the KPI change between two moments.

    Contributions are grouped by unit, channel, service and status, or by the parts of a formula. Those of one grouping
    add up to the change; `method` says how they are calculated.
    """
    wanted = _series_request(lab, kpi, unit, begins, ends)
    found = await _computed(lab, compute_parts, _snapshot(lab), lab.settings, kpi, unit, wanted.start, wanted.end)
    return JsonResponse(found)


@router.get("/{kpi}/forecast", response_model=ForecastShape)
async def get_forecast(lab: Lab, forecasts: Forecasts, kpi: str, unit: str = "") -> Response:
    """Return the KPI at the end of the year, its 80 % interval, and the chance of meeting the target.

    `reason` says why there is no forecast.
    """
    snapshot = _snapshot(lab)
    key = snapshot.stamp, kpi, unit
    found = forecasts.get(key)
    if found is None:
        found = await _computed(lab, compute_forecast, snapshot, lab.settings, kpi, unit)
        forecasts.put(key, found)
    return JsonResponse(found)


@router.get("/{kpi}/sql", response_model=KpiSqlShape)
async def get_kpi_sql(
    lab: Lab,
    kpi: str,
    units: Units = "",
    begins: Begins = None,
    ends: Ends = None,
    step: Annotated[str, Query(description="1h, 1d, 7d and so on, or 1M for calendar months")] = "1d",
) -> Response:
    """Return SQL over the lab's views that gives the values of `series`.

    Where the views do not contain what the KPI is calculated from, it reads a view of ready values instead (`reads`).
    """
    wanted = _series_request(lab, kpi, units, begins, ends).with_step(step)
    return JsonResponse(await _computed(lab, compute_sql, lab.settings, wanted))


def _snapshot(lab: LabContext) -> Snapshot:
    found = lab.snapshot()
    if found is None:
        raise Problem(
            503,
            Message("no_history_snapshot"),
            headers={"Retry-After": str(RETRY_AFTER_S)},
        )
    return found


def _series_request(lab: LabContext, kpi: str, units: str, begins: str | None, ends: str | None) -> SeriesRequest:
    to = _snapshot(lab).taken_at if ends is None else parse_time("to", ends)
    since = to - _MONTH if begins is None else parse_time("from", begins)
    if since >= to:
        raise invalid_field("from", Message("from_after_to"))
    return SeriesRequest(kpi, tuple(code for code in units.split(",") if code), since, to)


async def _computed(
    lab: LabContext, function: Callable[Arguments, Result], *arguments: Arguments.args, **named: Arguments.kwargs
) -> Result:
    """Run a function in the process for computations. Raises Problem."""
    try:
        return await lab.beside.run(function, *arguments, **named)
    except KeyError as unknown:
        raise Problem(404, unknown.args[0]) from None
    except ValueError as invalid:
        raise Problem(400, invalid.args[0]) from None
    except LabBusy as busy:
        raise Problem(429, busy.message, headers={"Retry-After": str(RETRY_AFTER_S)}) from None
    except (ComputationFailed, ForecastFailed) as failed:
        raise Problem(503, failed.message) from None
