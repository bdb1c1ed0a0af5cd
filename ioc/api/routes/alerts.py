"""/api/v1/alerts: present and past alerts, one alert in detail, the audit of alerts, and floods."""

from collections.abc import Callable
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Response
from pydantic import BaseModel, Field

from ioc.alert_service.external_alert import ExternalAlert
from ioc.alert_service.service import AlertService
from ioc.alerts.audit import audit
from ioc.alerts.flood import by_cause
from ioc.alerts.labels import LabelTable
from ioc.alerts.records import from_record
from ioc.api.context import Alerts, Context
from ioc.api.http.json_response import JsonResponse
from ioc.api.http.problems import Problem, invalid_field
from ioc.api.http.refusals import invalid_matcher
from ioc.api.http.rows import Condition, equal_to, select, stored_row, stored_time
from ioc.api.http.times import parse_time
from ioc.api.ports import Cursor
from ioc.api.schemas.alert_lists import (
    AlertAuditShape,
    AlertDetailShape,
    AlertListShape,
    FloodShape,
    PastAlertListShape,
    alert_list_shape,
    external_alert_shape,
)
from ioc.api.schemas.alerts import alert_shape
from ioc.catalog.toml_table import LANGUAGES
from ioc.clock import from_ms, rfc3339, to_ms
from ioc.messages import Message
from ioc.model.alert import Alert
from ioc.model.matcher import MatcherInvalid, parse_matchers
from ioc.store.times import naive

router = APIRouter(prefix="/api/v1/alerts", tags=["alerts"])

_DAY = timedelta(days=1)
_MAX_AUDIT = 400 * _DAY
_GOALS = {"per_10_minutes": 1, "per_day": 150, "flood_share": 0.01, "mix": [0.05, 0.15, 0.8]}


class AlertQuery(BaseModel):
    """Which present alerts to return. Several values of one filter are alternatives."""

    state: list[Literal["pending", "firing", "recovering"]] | None = None
    handling: list[Literal["unacknowledged", "acknowledged", "shelved", "out_of_service"]] | None = None
    severity: list[Literal["critical", "high", "medium", "low"]] | None = None
    rule: list[str] | None = None
    kpi: list[str] | None = None
    unit: list[str] | None = None
    sector: list[str] | None = None
    quiet: bool | None = Field(None, description="true: only alerts that make no noise; false: only the others")
    matcher: list[str] | None = Field(None, alias="filter", description='matchers, such as severity="high"')

    def accepts(self, alert: Alert) -> bool:
        """Return whether the alert passes all filters except the matchers."""
        values = (
            (self.state, alert.condition.value),
            (self.handling, alert.handling.value),
            (self.severity, alert.severity.value),
            (self.rule, alert.rule),
            (self.kpi, alert.labels.get("kpi", "")),
            (self.unit, alert.unit),
            (self.sector, alert.labels.get("sector", "")),
        )
        matches = all(allowed is None or value in allowed for allowed, value in values)
        return matches and self.quiet in (None, alert.is_quiet)


class PastAlertQuery(BaseModel):
    """Which past alerts to return, and which page of them."""

    begins: str | None = Field(None, alias="from", description="fired at or after; default: 7 days before `to`")
    ends: str | None = Field(None, alias="to", description="fired before; default: now")
    rule: str | None = None
    unit: str | None = None
    severity: str | None = None
    before: str | None = Field(None, description="`next` of the previous page")
    limit: int = Field(100, ge=1, le=1000)

    def conditions(self, now: datetime) -> list[Condition]:
        """Return the SQL conditions. Raises Problem (400)."""
        until = now if self.ends is None else parse_time("to", self.ends)
        since = until - 7 * _DAY if self.begins is None else parse_time("from", self.begins)
        wanted = equal_to(rule=self.rule, unit=self.unit, severity=self.severity)
        wanted.append(("fired_at >= ? AND fired_at < ?", [naive(since), naive(until)]))
        if self.before is not None:
            at, _, alert = self.before.partition("|")
            wanted.append(("(fired_at, alert) < (?, ?)", [naive(parse_time("before", at)), alert]))
        return wanted


@router.get("", response_model=AlertListShape)
async def list_alerts(context: Context, service: Alerts, query: Annotated[AlertQuery, Query()]) -> Response:
    """Return present alerts, the most severe first, then the oldest."""
    present = list(service.state.alerts.values())
    if query.matcher:
        try:
            matches = LabelTable.of_rows([one.labels for one in present]).matching(parse_matchers(query.matcher))
        except MatcherInvalid as fault:
            raise invalid_matcher("filter", fault) from None
        present = [alert for alert, is_match in zip(present, matches.tolist(), strict=True) if is_match]
    chosen = sorted(filter(query.accepts, present), key=lambda one: (one.severity.rank, one.onset_ms, one.id))
    now = context.clock.now()
    return await context.threads.run(lambda: JsonResponse(alert_list_shape(service, chosen, now)))


@router.get("/history", response_model=PastAlertListShape)
async def list_past_alerts(context: Context, service: Alerts, query: Annotated[PastAlertQuery, Query()]) -> Response:
    """Return alerts that fired, the latest first, including those that still last."""
    wanted = query.conditions(context.clock.now())

    def read() -> Response:
        sql = "SELECT * FROM alerts WHERE {where} ORDER BY fired_at DESC, alert DESC LIMIT ?"
        rows = select(context.cursor, sql, wanted, [query.limit + 1])
        shapes = [stored_row(row) for row in rows[: query.limit]]
        external = _ended_external_alerts(service, [shape["alert"] for shape in shapes])
        for shape in shapes:
            if (alert := external.get(shape["alert"])) is not None:
                shape["name"] = dict.fromkeys(LANGUAGES, alert.name)
        last = shapes[-1] if len(rows) > query.limit else None
        return JsonResponse({"alerts": shapes, "next": f"{last['fired_at']}|{last['alert']}" if last else None})

    return await context.threads.run(read)


@router.get("/audit", response_model=AlertAuditShape)
async def audit_alerts(
    context: Context,
    service: Alerts,
    begins: Annotated[str | None, Query(alias="from", description="RFC 3339; default: a day before `to`")] = None,
    ends: Annotated[str | None, Query(alias="to", description="RFC 3339; default: now")] = None,
    operators: Annotated[int, Query(ge=1, le=1000, description="operators on duty at a time")] = 1,
) -> Response:
    """Return how good the alerts themselves are, after ISA-18.2 and EEMUA 191. At most 400 days."""
    until = context.clock.now() if ends is None else parse_time("to", ends)
    since = until - _DAY if begins is None else parse_time("from", begins)
    if since >= until or until - since > _MAX_AUDIT:
        raise invalid_field("from", Message("from_to_span", days=400))

    def read() -> Response:
        transitions = service.store.transitions(since, until)
        query = "SELECT alert, min(done_at) AS at FROM alert_acts WHERE {where} GROUP BY alert"
        rows = select(context.cursor, query, [("act = 'acknowledge'", [])])
        acknowledged = {row["alert"]: to_ms(parse_time("at", stored_time(row["at"]))) for row in rows}
        found = asdict(audit(transitions, acknowledged, operators, to_ms(since), to_ms(until)))
        head = {"from": rfc3339(since), "to": rfc3339(until), "operators": operators, "goals": _GOALS}
        return JsonResponse(head | found)

    return await context.threads.run(read)


@router.get("/flood", response_model=FloodShape)
async def get_flood(context: Context, service: Alerts) -> Response:
    """Return whether alerts are flooding now, and present alerts by cause, for the strip of the wall."""
    now = context.clock.now()

    def read() -> Response:
        flood = service.current_flood(now)
        causes = [asdict(cause) for cause in by_cause(service.state.alerts.values())]
        return JsonResponse(
            {
                "flood": flood is not None,
                "since": rfc3339(from_ms(flood.from_ms)) if flood else None,
                "alerts": flood.alerts if flood else 0,
                "causes": causes,
            }
        )

    return await context.threads.run(read)


@router.get("/{rule}/{unit}/{onset}", response_model=AlertDetailShape)
async def get_alert(context: Context, service: Alerts, rule: str, unit: str, onset: str) -> Response:
    """Return a present or ended alert with its transitions, actions, notifications and incidents."""
    name = f"{rule}/{unit}/{onset}"

    def read() -> Response:
        transitions = select(
            context.cursor,
            "SELECT kind, moved_at, severity, value, rule_version, reason FROM alert_transitions WHERE {where} "
            "ORDER BY number",
            equal_to(alert=name),
        )
        alert = service.alert(name)
        if alert is None and not transitions:
            raise Problem(404, Message("alert_not_here", given=name[:120]))
        external = None if alert is not None else _ended_external_alerts(service, [name]).get(name)
        shape: dict[str, Any] = {
            "id": name,
            "alert": None if alert is None else alert_shape(service, alert),
            "incoming": None if external is None else external_alert_shape(external),
            "rule": service.in_force.rules.fields.get(rule),
            "transitions": [stored_row(row) for row in transitions],
            **_actions_and_deliveries(context.cursor, name),
            "incidents": context.alerting.incidents.of_alert(name),
        }
        return JsonResponse(shape)

    return await context.threads.run(read)


def _actions_and_deliveries(cursor: Callable[[], Cursor], alert: str) -> dict[str, list[dict[str, Any]]]:
    actions = select(
        cursor,
        "SELECT done_at, who, act, text FROM alert_acts WHERE {where} ORDER BY done_at",
        equal_to(alert=alert),
    )
    deliveries = select(
        cursor,
        "SELECT id, kind, channel, receiver, person, planned_at, state, attempts, reason FROM delivery_states "
        "WHERE {where} ORDER BY planned_at",
        [("list_contains(alerts, ?)", [alert])],
    )
    return {"acts": [stored_row(row) for row in actions], "deliveries": [stored_row(row) for row in deliveries]}


def _ended_external_alerts(service: AlertService, names: list[str]) -> dict[str, ExternalAlert]:
    """Return those of the alerts that another system sent and that have ended, by id."""
    return {name: from_record(ExternalAlert, one) for name, one in service.store.ended_incoming(names).items()}
