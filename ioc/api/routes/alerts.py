"""/api/v1/alerts: what is abnormal now, what was, what people did about it; acknowledging, shelving, commenting."""

from collections.abc import Callable
from dataclasses import asdict
from datetime import timedelta
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Request, Response
from pydantic import Field
from typing_extensions import TypedDict

from ioc.alert_service import actions
from ioc.alert_service import external_intake as incoming_alerts
from ioc.alert_service.external_alert import ExternalAlert
from ioc.alerts.audit import audit
from ioc.alerts.flood import by_cause
from ioc.alerts.labels import LabelTable
from ioc.alerts.records import from_record
from ioc.api.auth.middleware import caller_of
from ioc.api.context import ApiContext
from ioc.api.http.json_response import JsonResponse
from ioc.api.http.problems import Problem, invalid_field
from ioc.api.http.refusals import EndTime, RequestBody, invalid_matcher, refusals_as_problems
from ioc.api.http.rows import Condition, equal_to, select, stored_row, stored_time
from ioc.api.http.threads import WorkerThreads
from ioc.api.http.times import parse_time
from ioc.api.schemas.alerts import AlertShape, alert_shape, prometheus_shape
from ioc.clock import from_ms, rfc3339, to_ms
from ioc.messages import Message
from ioc.model.alert import Alert, ConditionState
from ioc.model.matcher import MatcherInvalid, parse_matchers
from ioc.store.times import naive

_DAY = timedelta(days=1)
_NOTED_ONE_BY_ONE = 20


class Named(RequestBody):
    alerts: list[str] = Field(min_length=1, max_length=actions.MAX_ALERTS_AT_ONCE)
    note: str = Field("", max_length=actions.MAX_COMMENT_LENGTH)


class Shelving(EndTime):
    alerts: list[str] = Field(min_length=1, max_length=actions.MAX_ALERTS_AT_ONCE)
    why: str = ""
    ends_on_resolve: bool = False


class Closing(RequestBody):
    alerts: list[str] = Field(min_length=1, max_length=actions.MAX_ALERTS_AT_ONCE)
    why: str = Field("", max_length=actions.MAX_COMMENT_LENGTH)


class Comment(RequestBody):
    alerts: list[str] = Field(min_length=1, max_length=actions.MAX_ALERTS_AT_ONCE)
    text: str


class PrometheusAlerts(TypedDict):
    alerts: list[dict[str, Any]]


class AlertList(TypedDict):
    """`data` holds the same alerts as Prometheus gives them, but no quiet ones. `counts` are of all alerts."""

    status: str
    as_of: str
    alerts: list[AlertShape]
    counts: dict[str, int]
    data: PrometheusAlerts


class Past(TypedDict):
    alerts: list[dict[str, Any]]
    next: str | None


def routes(centre: ApiContext, threads: WorkerThreads) -> APIRouter:
    router = APIRouter(prefix="/api/v1/alerts", tags=["alerts"])
    service = centre.alerting.service

    def listed(alerts: list[Alert]) -> dict[str, Any]:
        shapes = [alert_shape(service, alert) for alert in alerts]
        standing = service.state.alerts.values()
        firing = [alert for alert in standing if alert.condition is not ConditionState.PENDING]
        return {
            "status": "success",
            "as_of": rfc3339(centre.clock.now()),
            "alerts": shapes,
            "counts": {
                "firing": len(firing),
                "pending": len(standing) - len(firing),
                "quiet": sum(alert.is_quiet for alert in firing),
                "unacknowledged": sum(
                    alert.handling.value == "unacknowledged" and not alert.is_quiet for alert in firing
                ),
            },
            "data": {"alerts": [prometheus_shape(shape) for shape in shapes if not shape["quiet"]]},
        }

    def ended_incoming(names: list[str]) -> dict[str, ExternalAlert]:
        """Those of the alerts that another system sent and that have ended, by id."""
        return {name: from_record(ExternalAlert, one) for name, one in service.store.ended_incoming(names).items()}

    @router.get("", response_model=AlertList)
    async def present(
        state: Annotated[list[Literal["pending", "firing", "recovering"]] | None, Query()] = None,
        handling: Annotated[
            list[Literal["unacknowledged", "acknowledged", "shelved", "out_of_service"]] | None, Query()
        ] = None,
        severity: Annotated[list[Literal["critical", "high", "medium", "low"]] | None, Query()] = None,
        rule: Annotated[list[str] | None, Query()] = None,
        kpi: Annotated[list[str] | None, Query()] = None,
        unit: Annotated[list[str] | None, Query()] = None,
        sector: Annotated[list[str] | None, Query()] = None,
        quiet: Annotated[bool | None, Query(description="only those that make no noise, or only the others")] = None,
        matcher: Annotated[list[str] | None, Query(alias="filter", description='matchers, as severity="high"')] = None,
    ) -> Response:
        """What holds now, gravest first, then by the time since when."""
        found = list(service.state.alerts.values())
        if matcher:
            try:
                mask = LabelTable.of_rows([alert.labels for alert in found]).matching(parse_matchers(matcher))
            except MatcherInvalid as fault:
                raise invalid_matcher("filter", fault) from None
            found = [alert for alert, met in zip(found, mask.tolist(), strict=True) if met]

        def wanted(alert: Alert) -> bool:
            given = (
                (state, alert.condition.value),
                (handling, alert.handling.value),
                (severity, alert.severity.value),
                (rule, alert.rule),
                (kpi, alert.labels.get("kpi", "")),
                (unit, alert.unit),
                (sector, alert.labels.get("sector", "")),
            )
            return all(words is None or word in words for words, word in given) and quiet in (None, alert.is_quiet)

        chosen = sorted(filter(wanted, found), key=lambda one: (one.severity.rank, one.onset_ms, one.id))
        return JsonResponse(await threads.run(lambda: listed(chosen)))

    @router.get("/history", response_model=Past)
    async def history(
        begins: Annotated[str | None, Query(alias="from", description="fired at or after; 7 days ago")] = None,
        ends: Annotated[str | None, Query(alias="to", description="fired before; now without it")] = None,
        rule: str | None = None,
        unit: str | None = None,
        severity: str | None = None,
        before: Annotated[str | None, Query(description="`next` of the page before")] = None,
        limit: Annotated[int, Query(ge=1, le=1000)] = 100,
    ) -> Response:
        """Alerts that fired, latest first, also those that still hold."""
        until = centre.clock.now() if ends is None else parse_time("to", ends)
        since = until - 7 * _DAY if begins is None else parse_time("from", begins)
        wanted: list[Condition] = equal_to(rule=rule, unit=unit, severity=severity)
        wanted.append(("fired_at >= ? AND fired_at < ?", [naive(since), naive(until)]))
        if before is not None:
            at, _, alert = before.partition("|")
            wanted.append(("(fired_at, alert) < (?, ?)", [naive(parse_time("before", at)), alert]))

        def read() -> Response:
            query = "SELECT * FROM alerts WHERE {where} ORDER BY fired_at DESC, alert DESC LIMIT ?"
            rows = select(centre.cursor, query, wanted, [limit + 1])
            shapes = [stored_row(row) for row in rows[:limit]]
            incoming = ended_incoming([shape["alert"] for shape in shapes])
            for shape in shapes:
                if (one := incoming.get(shape["alert"])) is not None:
                    shape["name"] = {"vi": one.name, "en": one.name}
            last = shapes[-1] if len(rows) > limit else None
            return JsonResponse({"alerts": shapes, "next": f"{last['fired_at']}|{last['alert']}" if last else None})

        return await threads.run(read)

    @router.get("/audit")
    async def self_audit(
        begins: Annotated[str | None, Query(alias="from", description="a day ago without it")] = None,
        ends: Annotated[str | None, Query(alias="to")] = None,
        operators: Annotated[int, Query(ge=1, le=1000, description="on duty at a time")] = 1,
    ) -> dict[str, Any]:
        """How good the alerts themselves are, after ISA-18.2 and EEMUA 191."""
        until = centre.clock.now() if ends is None else parse_time("to", ends)
        since = until - _DAY if begins is None else parse_time("from", begins)
        if since >= until or until - since > 400 * _DAY:
            raise invalid_field("from", Message("from_to_span", days=400))

        def read() -> dict[str, Any]:
            moved = service.store.transitions(since, until)
            query = "SELECT alert, min(done_at) AS at FROM alert_acts WHERE {where} GROUP BY alert"
            rows = select(centre.cursor, query, [("act = 'acknowledge'", [])])
            held = {row["alert"]: to_ms(parse_time("at", stored_time(row["at"]))) for row in rows}
            found = asdict(audit(moved, held, operators, to_ms(since), to_ms(until)))
            goals = {"per_10_minutes": 1, "per_day": 150, "flood_share": 0.01, "mix": [0.05, 0.15, 0.8]}
            return {"from": rfc3339(since), "to": rfc3339(until), "operators": operators, "goals": goals, **found}

        return await threads.run(read)

    @router.get("/flood")
    async def flood() -> dict[str, Any]:
        """Whether there is a flood now, and the alerts by cause, for the strip of the wall."""
        now = centre.clock.now()

        def read() -> dict[str, Any]:
            lasting = service.current_flood(now)
            causes = [asdict(cause) for cause in by_cause(service.state.alerts.values())]
            return {
                "flood": lasting is not None,
                "since": rfc3339(from_ms(lasting.from_ms)) if lasting else None,
                "alerts": lasting.alerts if lasting else 0,
                "causes": causes,
            }

        return await threads.run(read)

    @router.get("/{rule}/{unit}/{onset}")
    async def one(rule: str, unit: str, onset: str) -> dict[str, Any]:
        """An alert that holds or held (`alert` null), with its transitions, acts, messages and incidents."""
        name = f"{rule}/{unit}/{onset}"

        def read() -> dict[str, Any]:
            moved = select(
                centre.cursor,
                "SELECT kind, moved_at, severity, value, rule_version, reason FROM alert_transitions WHERE {where} "
                "ORDER BY number",
                equal_to(alert=name),
            )
            done = select(
                centre.cursor,
                "SELECT done_at, who, act, text FROM alert_acts WHERE {where} ORDER BY done_at",
                equal_to(alert=name),
            )
            sent = select(
                centre.cursor,
                "SELECT id, kind, channel, receiver, person, planned_at, state, attempts, reason FROM delivery_states "
                "WHERE {where} ORDER BY planned_at",
                [("list_contains(alerts, ?)", [name])],
            )
            alert = service.alert(name)
            if alert is None and not moved:
                raise Problem(404, Message("alert_not_here", given=name[:120]))
            incoming = None if alert is not None else ended_incoming([name]).get(name)
            return {
                "id": name,
                "alert": None if alert is None else alert_shape(service, alert),
                "incoming": None if incoming is None else _said(incoming),
                "rule": service.in_force.rules.fields.get(rule),
                "transitions": [stored_row(row) for row in moved],
                "acts": [stored_row(row) for row in done],
                "deliveries": [stored_row(row) for row in sent],
                "incidents": centre.alerting.incidents.of_alert(name),
            }

        return await threads.run(read)

    async def act(request: Request, word: str, alerts: list[str], do: Callable[[str], None], text: str) -> Response:
        by = caller_of(request).name

        def work() -> Response:
            with refusals_as_problems():
                do(by)
            note = centre.people.trail.note
            if len(alerts) <= _NOTED_ONE_BY_ONE:
                for name in alerts:
                    note(by, f"alert.{word}", name, {"text": text})
            else:
                note(by, f"alert.{word}", f"{len(alerts)} alerts", {"text": text, "alerts": " ".join(alerts)})
            found = [alert for name in alerts if (alert := service.alert(name)) is not None]
            return JsonResponse(listed(found))

        return await threads.run(work)

    @router.post("/acknowledge", response_model=AlertList)
    async def acknowledge(request: Request, given: Named) -> Response:
        """All of them, or none: 409 when somebody has one already, 400 when one has ended."""
        return await act(
            request,
            "acknowledge",
            given.alerts,
            lambda by: actions.acknowledge(service, given.alerts, by, given.note),
            given.note,
        )

    @router.post("/unacknowledge", response_model=AlertList)
    async def unacknowledge(request: Request, given: Named) -> Response:
        """409 when nobody has it."""
        return await act(
            request,
            "unacknowledge",
            given.alerts,
            lambda by: actions.unacknowledge(service, given.alerts, by, given.note),
            given.note,
        )

    @router.post("/shelve", response_model=AlertList)
    async def shelve(request: Request, given: Shelving) -> Response:
        """They make no noise until the end; at most 30 days, with a reason."""
        until_ms = given.end_ms(centre.clock.now())
        return await act(
            request,
            "shelve",
            given.alerts,
            lambda by: actions.shelve(service, given.alerts, until_ms, by, given.why, given.ends_on_resolve),
            given.why,
        )

    @router.post("/unshelve", response_model=AlertList)
    async def unshelve(request: Request, given: Named) -> Response:
        """400 when one of them is not shelved."""
        return await act(
            request,
            "unshelve",
            given.alerts,
            lambda by: actions.unshelve(service, given.alerts, by, given.note),
            given.note,
        )

    @router.post("/close", response_model=AlertList)
    async def close(request: Request, given: Closing) -> Response:
        """End alerts of other systems whose sender will not do it, with a reason; 400 for an alert of the centre."""
        return await act(
            request,
            "close",
            given.alerts,
            lambda by: incoming_alerts.close(service, given.alerts, by, given.why),
            given.why,
        )

    @router.post("/comment", response_model=AlertList)
    async def comment(request: Request, given: Comment) -> Response:
        """Also on alerts that have ended."""
        return await act(
            request,
            "comment",
            given.alerts,
            lambda by: actions.comment(service, given.alerts, by, given.text),
            given.text,
        )

    return router


def _said(incoming: ExternalAlert) -> dict[str, Any]:
    """Return what another system sent about an alert that has ended."""
    return {
        "name": {"vi": incoming.name, "en": incoming.name},
        "source": incoming.source,
        "labels": dict(incoming.labels),
        "annotations": dict(incoming.annotations),
        "link": incoming.link,
    }
