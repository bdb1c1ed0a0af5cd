"""GET /api/v1/kpis/{id}/explain: what a value is made of, and who it came from."""

from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response
from typing_extensions import TypedDict

from ioc.api.auth.middleware import caller_of
from ioc.api.auth.read_audit import note_read
from ioc.api.context import ApiContext
from ioc.api.http.json_response import JsonResponse
from ioc.api.http.paging import cursor_after, parse_cursor
from ioc.api.http.problems import Problem, invalid_field
from ioc.api.http.rows import equal_to
from ioc.api.http.threads import WorkerThreads
from ioc.api.http.times import parse_time
from ioc.api.routes.definitions import DefinitionShape, band_shape, definition_shape
from ioc.api.schemas.restatements import RestatementShape, read_restatements, restatement_shape
from ioc.api.schemas.shapes import KpiShape, kpi_shape, optional_time, time_text
from ioc.clock import rfc3339, to_ms
from ioc.evaluation.provenance import CaseBehind, CasePage, CasesBehind, Explanation, PaneBehind
from ioc.evaluation.source_freshness import heard_ms, is_behind
from ioc.messages import Message
from ioc.model.kpi import KpiValue, Target
from ioc.model.person import Permission
from ioc.model.source import SourceState

MAX_RESTATEMENTS = 20


class ConstantInForce(TypedDict):
    """`value` is null where none is in force."""

    id: str
    name: dict[str, str]
    value: float | None
    since: str | None
    basis: str


class DistanceShape(TypedDict):
    """Value minus the target's bound, in the KPI's unit of measure."""

    distance: float
    met: bool


class FeederShape(TypedDict):
    """`rows` are readings or case versions that the source ever gave of the word. `condition` is null of a source that
    was removed; `behind`: it has a schedule and was not heard of within it."""

    source: str
    name: dict[str, str]
    feeds: str
    kind: str
    rows: int
    first_at: str
    last_at: str
    condition: str | None
    last_success: str | None
    expected_every_s: float | None
    behind: bool


class GroupShape(TypedDict):
    """`samples` cases, of which `counted` meet the condition that is counted (all, but for a ratio)."""

    name: str
    samples: int
    counted: int


class CaseShape(TypedDict):
    case_id: str
    unit: str
    status: str
    channel: str
    service: str
    received_at: str
    due_at: str | None
    closed_at: str | None
    updated_at: str
    counted: bool


class CasesShape(TypedDict):
    """`page` and `next` are null for who may not see cases."""

    case_type: str
    by_status: list[GroupShape]
    by_service: list[GroupShape]
    page: list[CaseShape] | None
    next: str | None


PaneShape = TypedDict(
    "PaneShape",
    {
        "subject": str, "from": str, "to": str, "n": int, "sum": float, "mean": float, "least": float, "most": float,
        "newest": str,
    },
)  # fmt: skip


class PanesShape(TypedDict):
    measure: str
    page: list[PaneShape]
    next: str | None


class ExplanationShape(TypedDict):
    at: str
    definition: DefinitionShape
    value: KpiShape
    band: dict[str, Any] | None
    to_target: DistanceShape | None
    references: list[dict[str, Any]]
    formula: str | None
    parts: list[KpiShape]
    constants: list[ConstantInForce]
    sources: list[FeederShape]
    cases: CasesShape | None
    panes: PanesShape | None
    restatements: list[RestatementShape]


def routes(centre: ApiContext, threads: WorkerThreads) -> APIRouter:
    router = APIRouter(prefix="/api/v1/kpis", tags=["kpis"])

    @router.get("/{kpi}/explain", response_model=ExplanationShape)
    async def explain(
        request: Request,
        kpi: str,
        unit: Annotated[str | None, Query(description="unit code; the province without it")] = None,
        at: Annotated[str | None, Query(description="RFC 3339, a moment of the past; now without it")] = None,
        limit: Annotated[int, Query(ge=1, le=1000, description="cases or panes on a page")] = 100,
        cursor: Annotated[str | None, Query(description="`next` of the page before")] = None,
    ) -> Response:
        """Definition, parts, constants in force, sources with what they gave, and the panes or cases behind a value.
        The cases themselves (ids, status, service, times, no attributes) only for who may see cases; for others their
        numbers by status and by service."""
        catalog, now = centre.catalog(), centre.clock.now()
        if kpi not in catalog.kpis:
            raise Problem(404, Message("no_kpi", given=kpi[:80]))
        code = catalog.province.code if unit is None else unit
        moment = None if at is None else parse_time("at", at)
        if moment is not None and moment > now:
            raise invalid_field("at", Message("at_in_future"))
        shows_cases = caller_of(request).may(Permission.SEE_CASES)
        over_measure = "measure" in definition_shape(catalog.kpis[kpi])["expression"]
        page = CasePage(limit, None if cursor is None or over_measure else _after(cursor)) if shows_cases else None
        skipped = _skipped(cursor) if cursor is not None and over_measure else 0

        def read() -> Response:
            try:
                found = centre.kpis.explain(kpi, code, moment, now, page)
            except KeyError:
                raise invalid_field("unit", Message("kpi_not_for_unit", kpi=kpi, unit=code[:80])) from None
            if found.cases is not None and found.cases.page:
                note_read(centre, request, "cases.read", kpi, {"unit": code, "at": at, "rows": len(found.cases.page)})
            states = {state.source: state for state in centre.sources()}
            of_kpi = equal_to(kpi=kpi, unit=code)
            restated = read_restatements(centre.cursor, of_kpi, MAX_RESTATEMENTS)
            shape = _shape(found, states, moment or now, now)
            shape["restatements"] = [restatement_shape(row) for row in restated]
            shape["panes"] = _panes(found, limit, skipped)
            return JsonResponse(shape)

        return await threads.run(read)

    return router


def _shape(found: Explanation, states: dict[str, SourceState], at: datetime, now: datetime) -> ExplanationShape:
    definition, value = found.definition, found.value
    shape = definition_shape(definition)
    band = None if value.value is None else definition.band_of(value.value)
    return {
        "at": rfc3339(at),
        "definition": shape,
        "value": kpi_shape(value, definition.min_samples),
        "band": band_shape(band) if band else None,
        "to_target": _distance(value, value.target),
        "references": shape["references"],
        "formula": shape["expression"].get("text"),
        "parts": [kpi_shape(part, 1) for part in found.parts],
        "constants": [
            {
                "id": constant.id,
                "name": constant.name,
                "value": held.value if held else None,
                "since": held.valid_from.isoformat() if held else None,
                "basis": held.basis if held else "",
            }
            for constant, held in found.constants
        ],
        "sources": _feeders(found, states, now),
        "cases": _cases(found.cases) if found.cases else None,
        "panes": None,
        "restatements": [],
    }


def _distance(value: KpiValue, target: Target | None) -> DistanceShape | None:
    if target is None or value.value is None:
        return None
    if target.at_least is not None:
        return {"distance": value.value - target.at_least, "met": value.value >= target.at_least}
    if target.at_most is not None:
        return {"distance": value.value - target.at_most, "met": value.value <= target.at_most}
    return None


def _feeders(found: Explanation, states: dict[str, SourceState], now: datetime) -> list[FeederShape]:
    shapes: list[FeederShape] = []
    last_fed = {feed.source: to_ms(feed.last_at) for feed in found.feeds}
    for feed in found.feeds:
        state = states.get(feed.source)
        shapes.append(
            {
                "source": feed.source,
                "name": state.name if state else {},
                "feeds": feed.word,
                "kind": state.kind if state else "",
                "rows": feed.rows,
                "first_at": time_text(feed.first_at),
                "last_at": time_text(feed.last_at),
                "condition": state.condition.value if state else None,
                "last_success": optional_time(state.last_success) if state else None,
                "expected_every_s": state.expected_every_s if state else None,
                "behind": state is not None and is_behind(state, heard_ms(state, last_fed), now),
            }
        )
    return shapes


def _cases(behind: CasesBehind) -> CasesShape:
    last = behind.page[-1] if behind.page and behind.more else None
    listed = None if behind.page is None else [_case(case) for case in behind.page]
    return {
        "case_type": behind.case_type,
        "by_status": [{"name": name, "samples": n, "counted": hits} for name, n, hits in behind.by_status],
        "by_service": [{"name": name, "samples": n, "counted": hits} for name, n, hits in behind.by_service],
        "page": listed,
        "next": cursor_after(last.updated_at.replace(tzinfo=None), last.case_id) if last else None,
    }


def _case(case: CaseBehind) -> CaseShape:
    return {
        "case_id": case.case_id,
        "unit": case.unit,
        "status": case.status,
        "channel": case.channel or "",
        "service": case.service or "",
        "received_at": time_text(case.received_at),
        "due_at": optional_time(case.due_at),
        "closed_at": optional_time(case.closed_at),
        "updated_at": time_text(case.updated_at),
        "counted": case.counts,
    }


def _panes(found: Explanation, limit: int, skipped: int) -> PanesShape | None:
    measure = getattr(found.definition.expression, "measure", None)
    if measure is None:
        return None
    listed = found.panes[skipped : skipped + limit]
    after = str(skipped + limit) if len(found.panes) > skipped + limit else None
    return {"measure": measure, "page": [_pane(pane) for pane in listed], "next": after}


def _pane(pane: PaneBehind) -> PaneShape:
    return {
        "subject": pane.subject,
        "from": time_text(pane.start),
        "to": time_text(pane.end),
        "n": pane.n,
        "sum": pane.sum,
        "mean": pane.sum / pane.n,
        "least": pane.least,
        "most": pane.most,
        "newest": time_text(pane.newest),
    }


def _after(cursor: str) -> tuple[datetime, str]:
    at, [case_id] = parse_cursor(cursor, 1)
    return at, case_id


def _skipped(cursor: str) -> int:
    """Raises Problem (400)."""
    if not cursor.isascii() or not cursor.isdigit() or len(cursor) > 9:
        raise invalid_field("cursor", Message("cursor_unknown"))
    return int(cursor)
