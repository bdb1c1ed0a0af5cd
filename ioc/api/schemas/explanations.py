"""The explanation of a KPI value as JSON: definition, parts, sources, and the cases or panes it is calculated from."""

from collections.abc import Mapping
from datetime import datetime

from typing_extensions import TypedDict

from ioc.api.http.paging import cursor_after
from ioc.api.schemas.definitions import BandShape, DefinitionShape, ReferenceShape, band_shape, definition_shape
from ioc.api.schemas.kpis import KpiShape, kpi_shape
from ioc.api.schemas.restatements import RestatementShape
from ioc.api.schemas.times import optional_time, time_text
from ioc.clock import rfc3339, to_ms
from ioc.evaluation.provenance import CaseBehind, CasesBehind, Explanation, PaneBehind
from ioc.evaluation.source_freshness import heard_ms, is_behind
from ioc.model.kpi import KpiValue, Target
from ioc.model.source import SourceState


class ConstantInForceShape(TypedDict):
    """A constant of the formula; `value` is null where none is in force."""

    id: str
    name: dict[str, str]
    value: float | None
    since: str | None
    basis: str


class TargetDistanceShape(TypedDict):
    """The value minus the bound of the target, in the KPI's unit of measure, and whether the target is met."""

    distance: float
    met: bool


class FeedShape(TypedDict):
    """A source of the data behind the value.

    `feeds` is the measure or case type; `rows` counts all its readings or case versions from this source. `condition`
    is null for a source that was removed. `behind`: it has a schedule and missed it.
    """

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


class CaseGroupShape(TypedDict):
    """Cases with one status or service; `counted` of them meet the condition of the KPI."""

    name: str
    samples: int
    counted: int


class ExplainedCaseShape(TypedDict):
    """A case behind the value, without its attributes; `counted`: it meets the condition of the KPI."""

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


class ExplainedCasesShape(TypedDict):
    """The cases behind the value. `page` and `next` are null for callers who may not see cases."""

    case_type: str
    by_status: list[CaseGroupShape]
    by_service: list[CaseGroupShape]
    page: list[ExplainedCaseShape] | None
    next: str | None


PaneShape = TypedDict(
    "PaneShape",
    {
        "subject": str, "from": str, "to": str, "n": int, "sum": float, "mean": float, "least": float, "most": float,
        "newest": str,
    },
)  # fmt: skip
"""A pane behind the value: `n` readings of [from, to) with their sum, mean and bounds; `newest` is the last time."""


class PanesShape(TypedDict):
    """The panes behind the value; `next` is null on the last page."""

    measure: str
    page: list[PaneShape]
    next: str | None


class ExplanationShape(TypedDict):
    """What a value is calculated from. `cases` is null for a KPI of measures, `panes` for one of cases."""

    at: str
    definition: DefinitionShape
    value: KpiShape
    band: BandShape | None
    to_target: TargetDistanceShape | None
    references: list[ReferenceShape]
    formula: str | None
    parts: list[KpiShape]
    constants: list[ConstantInForceShape]
    sources: list[FeedShape]
    cases: ExplainedCasesShape | None
    panes: PanesShape | None
    restatements: list[RestatementShape]


def explanation_shape(
    found: Explanation, states: Mapping[str, SourceState], at: datetime, now: datetime
) -> ExplanationShape:
    """Return the JSON of an explanation, without panes and restatements; `states` are the sources by name."""
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
                "value": present.value if present else None,
                "since": present.valid_from.isoformat() if present else None,
                "basis": present.basis if present else "",
            }
            for constant, present in found.constants
        ],
        "sources": _feeds(found, states, now),
        "cases": _cases(found.cases) if found.cases else None,
        "panes": None,
        "restatements": [],
    }


def panes_shape(found: Explanation, limit: int, skipped: int) -> PanesShape | None:
    """Return a page of panes after the first `skipped`; None for a KPI that is not calculated from a measure."""
    measure = getattr(found.definition.expression, "measure", None)
    if measure is None:
        return None
    page = found.panes[skipped : skipped + limit]
    after = str(skipped + limit) if len(found.panes) > skipped + limit else None
    return {"measure": measure, "page": [_pane(pane) for pane in page], "next": after}


def _distance(value: KpiValue, target: Target | None) -> TargetDistanceShape | None:
    if target is None or value.value is None:
        return None
    if target.at_least is not None:
        return {"distance": value.value - target.at_least, "met": value.value >= target.at_least}
    if target.at_most is not None:
        return {"distance": value.value - target.at_most, "met": value.value <= target.at_most}
    return None


def _feeds(found: Explanation, states: Mapping[str, SourceState], now: datetime) -> list[FeedShape]:
    shapes: list[FeedShape] = []
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


def _cases(behind: CasesBehind) -> ExplainedCasesShape:
    last = behind.page[-1] if behind.page and behind.more else None
    return {
        "case_type": behind.case_type,
        "by_status": [{"name": name, "samples": n, "counted": counted} for name, n, counted in behind.by_status],
        "by_service": [{"name": name, "samples": n, "counted": counted} for name, n, counted in behind.by_service],
        "page": None if behind.page is None else [_case(case) for case in behind.page],
        "next": cursor_after(last.updated_at.replace(tzinfo=None), last.case_id) if last else None,
    }


def _case(case: CaseBehind) -> ExplainedCaseShape:
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
