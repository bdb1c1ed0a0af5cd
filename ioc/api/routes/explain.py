"""GET /api/v1/kpis/{id}/explain: what a value is calculated from, and which sources the data came from."""

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Query, Request, Response
from pydantic import BaseModel, Field

from ioc.api.auth.middleware import caller_of
from ioc.api.auth.read_audit import note_read
from ioc.api.context import Context
from ioc.api.http.json_response import JsonResponse
from ioc.api.http.paging import parse_cursor
from ioc.api.http.problems import Problem, invalid_field
from ioc.api.http.rows import equal_to
from ioc.api.http.times import parse_time
from ioc.api.schemas.explanations import ExplanationShape, explanation_shape, panes_shape
from ioc.api.schemas.restatements import read_restatements, restatement_shape
from ioc.evaluation.provenance import CasePage
from ioc.messages import Message
from ioc.model.kpi import MeasureAggregate
from ioc.model.person import Permission

router = APIRouter(prefix="/api/v1/kpis", tags=["kpis"])

MAX_RESTATEMENTS = 20


class ExplainQuery(BaseModel):
    """Which value to explain, and which page of its cases or panes."""

    unit: str | None = Field(None, description="unit code; default: the province")
    at: str | None = Field(None, description="RFC 3339, in the past; default: now")
    limit: int = Field(100, ge=1, le=1000, description="cases or panes per page")
    cursor: str | None = Field(None, description="`next` of the previous page")


@router.get("/{kpi}/explain", response_model=ExplanationShape)
async def explain_kpi(
    context: Context,
    request: Request,
    kpi: str,
    query: Annotated[ExplainQuery, Query()],
) -> Response:
    """Return the definition, parts, constants, sources, and the panes or cases behind a value.

    Single cases (id, status, service, times; no attributes) are shown only to callers who may see cases. Others get
    their numbers by status and by service.
    """
    catalog, now = context.catalog(), context.clock.now()
    if kpi not in catalog.kpis:
        raise Problem(404, Message("no_kpi", given=kpi[:80]))
    code = catalog.province.code if query.unit is None else query.unit
    moment = None if query.at is None else parse_time("at", query.at)
    if moment is not None and moment > now:
        raise invalid_field("at", Message("at_in_future"))
    has_panes = isinstance(catalog.kpis[kpi].expression, MeasureAggregate)
    shows_cases = caller_of(request).may(Permission.SEE_CASES)
    after = None if query.cursor is None or has_panes else _case_cursor(query.cursor)
    page = CasePage(query.limit, after) if shows_cases else None
    skipped = _pane_cursor(query.cursor) if query.cursor is not None and has_panes else 0

    def read() -> Response:
        try:
            found = context.kpis.explain(kpi, code, moment, now, page)
        except KeyError:
            raise invalid_field("unit", Message("kpi_not_for_unit", kpi=kpi, unit=code[:80])) from None
        if found.cases is not None and found.cases.page:
            details = {"unit": code, "at": query.at, "rows": len(found.cases.page)}
            note_read(context, request, "cases.read", kpi, details)
        states = {state.source: state for state in context.sources()}
        restated = read_restatements(context.cursor, equal_to(kpi=kpi, unit=code), MAX_RESTATEMENTS)
        shape = explanation_shape(found, states, moment or now, now)
        shape["restatements"] = [restatement_shape(row) for row in restated]
        shape["panes"] = panes_shape(found, query.limit, skipped)
        return JsonResponse(shape)

    return await context.threads.run(read)


def _case_cursor(cursor: str) -> tuple[datetime, str]:
    at, [case_id] = parse_cursor(cursor, 1)
    return at, case_id


def _pane_cursor(cursor: str) -> int:
    if not cursor.isascii() or not cursor.isdigit() or len(cursor) > 9:
        raise invalid_field("cursor", Message("cursor_unknown"))
    return int(cursor)
