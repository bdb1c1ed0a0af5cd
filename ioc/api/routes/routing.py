"""/api/v1/routing: who is told of alerts, who is on duty, and the tester."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response
from pydantic import Field

from ioc.alert_service import routing_store
from ioc.alerts.duty_roster import DutyKind, DutyPeriod, duty_periods
from ioc.alerts.labels import slot_labels
from ioc.alerts.records import to_record
from ioc.alerts.refusals import ActRefused, no_alert, no_rule
from ioc.alerts.route_tester import RouteStep, SuppressionInputs, quiet_reasons, route_stops, trace_route
from ioc.alerts.schedules import on_duty
from ioc.alerts.versions import revision_of
from ioc.api.auth.middleware import caller_of
from ioc.api.context import ApiContext
from ioc.api.http.json_response import JsonResponse
from ioc.api.http.problems import Problem, invalid_field
from ioc.api.http.refusals import RequestBody, expected_revision, field_faults, refusals_as_problems
from ioc.api.http.threads import WorkerThreads
from ioc.api.http.times import parse_time
from ioc.api.schemas.alerts import reason_texts
from ioc.catalog import CatalogInvalid
from ioc.catalog.routing import Alerting
from ioc.catalog.toml_table import toml_text
from ioc.clock import rfc3339
from ioc.messages import Message

MAX_DUTY_SPAN = timedelta(days=92)


class Draft(RequestBody):
    """The routing as TOML, or as the same thing in JSON."""

    text: str | None = Field(None, max_length=500_000)
    fields: dict[str, Any] | None = None

    def toml(self) -> str:
        """Raises ActRefused."""
        if (self.fields is None) == (self.text is None):
            raise ActRefused("fields", Message("routing_once"))
        return self.text if self.text is not None else toml_text(self.fields or {})


class Change(Draft):
    """`revision` is that of the routing the change was made from; so can the header If-Match say it."""

    why: str = Field("", max_length=4_000)
    revision: str | None = Field(None, max_length=64)


class Week(Draft):
    begins: str | None = Field(None, alias="from")
    ends: str | None = Field(None, alias="to")


class Question(RequestBody):
    """An alert by its labels, one that is there (`alert`), or one of a rule and unit; at a moment (now without it), by
    the routing in force or that of `text`."""

    labels: dict[str, str] | None = None
    alert: str | None = None
    rule: str | None = None
    unit: str | None = None
    at: str | None = None
    text: str | None = Field(None, max_length=500_000)


def routes(centre: ApiContext, threads: WorkerThreads) -> APIRouter:
    router = APIRouter(prefix="/api/v1/routing", tags=["rules"])
    service = centre.alerting.service

    @router.get("")
    async def routing() -> dict[str, Any]:
        """The file as it is written, the same as data, who is on duty now, and earlier versions."""

        def read() -> dict[str, Any]:
            local = centre.clock.now().astimezone(service.config.zone)
            found = service.in_force.alerting.routing
            text = routing_store.routing_text(service)
            return {
                "text": text,
                "revision": revision_of(text),
                "fields": routing_store.routing_fields(text),
                **_shape(service.in_force.alerting),
                "on_duty": {name: list(on_duty(one, local)) for name, one in found.schedules.items()},
                "channels": sorted(service.in_force.channels),
                "versions": [
                    {
                        "number": row["number"],
                        "by": row["changed_by"],
                        "at": rfc3339(row["changed_at"]),
                        "why": row["why"],
                        "text": row["content"],
                    }
                    for row in routing_store.routing_versions(service)
                ],
            }

        return await threads.run(read)

    @router.put("")
    async def put(request: Request, given: Change) -> Response:
        """In force at once; a fault is refused with its fields, and the old routing stays. 409 with the difference when
        somebody else changed routes, receivers or duty since `revision` or If-Match."""
        revision = expected_revision(request, given.revision)
        by = caller_of(request).name

        def work() -> Response:
            with refusals_as_problems():
                number = routing_store.put_routing(service, given.toml(), by, given.why, revision)
            centre.people.trail.note(by, "routing.change", str(number), {"why": given.why})
            return JsonResponse({"number": number, "revision": revision_of(routing_store.routing_text(service))})

        return await threads.run(work)

    @router.post("/check")
    async def check(given: Draft) -> Response:
        """Whether it is a routing; nothing is saved. The other form of it is in the answer, too."""

        def work() -> Response:
            with refusals_as_problems():
                text = given.toml()
            both = {
                "fields": given.fields if given.fields is not None else routing_store.routing_fields(text),
                "text": text,
            }
            try:
                found = routing_store.check_routing(service, text)
            except CatalogInvalid as fault:
                return JsonResponse({"sound": False, "errors": [one.shape() for one in field_faults(fault)], **both})
            return JsonResponse({"sound": True, "errors": [], **both, **_shape(found)})

        return await threads.run(work)

    @router.post("/test")
    async def test(given: Question) -> dict[str, Any]:
        """Who would get it, when, by which way through the tree, and what would keep it quiet."""
        moment = centre.clock.now() if given.at is None else parse_time("at", given.at)
        local = moment.astimezone(service.config.zone)
        with refusals_as_problems():
            alerting = (
                service.in_force.alerting if given.text is None else routing_store.check_routing(service, given.text)
            )
            labels = labels_of(given)
        way: dict[str, Any] = to_record(trace_route(alerting.routing, labels, local))
        for one in way["recipients"]:
            one["at"] = rfc3339(moment + timedelta(seconds=one["after"]))
        standing = service.state
        around = SuppressionInputs(
            standing.alerts.values(), standing.silences, alerting.inhibitions, standing.handling, service.is_working_day
        )
        rule = service.in_force.rules.rules.get(labels.get("rule", ""))
        return {
            "labels": labels,
            "at": rfc3339(moment),
            **way,
            "routes": [
                {
                    "route": stop.route,
                    "group": dict(stop.group),
                    "group_wait_s": stop.group_wait.total_seconds(),
                    "group_interval_s": stop.group_interval.total_seconds(),
                    "repeat_interval_s": stop.repeat_interval.total_seconds(),
                    "steps": [_step(step, moment) for step in stop.steps],
                }
                for stop in route_stops(alerting.routing, labels, local)
            ],
            "suppression": [
                to_record(one) | {"texts": reason_texts(service, one.kind, one.of, one.text)}
                for one in quiet_reasons(around, rule, labels, local)
            ],
        }

    def labels_of(given: Question) -> Mapping[str, str]:
        """Raises ActRefused, KeyError."""
        named = [one is not None for one in (given.labels, given.alert, given.rule)]
        if sum(named) != 1:
            raise ActRefused("labels", Message("alert_once"))
        if given.labels is not None:
            return given.labels
        if given.alert is not None:
            alert = service.alert(given.alert)
            if alert is None:
                raise no_alert("alert", given.alert)
            return dict(alert.labels)
        rule = service.in_force.rules.rules.get(given.rule or "")
        if rule is None:
            raise no_rule(given.rule or "")
        unit = given.unit or service.in_force.catalog.province.code
        if unit not in service.in_force.catalog.vocabulary.units:
            province = service.in_force.catalog.province.name
            raise ActRefused("unit", Message("unknown_unit", given=unit[:40], province=province))
        return slot_labels(rule, unit)

    @router.get("/on-call")
    async def on_call(
        begins: Annotated[str | None, Query(alias="from", description="Monday of this week without it")] = None,
        ends: Annotated[str | None, Query(alias="to", description="7 days after `from` without it")] = None,
        schedule: str | None = None,
    ) -> dict[str, Any]:
        """Who is on duty from when to when, and the hours that no shift covers."""
        found = service.in_force.alerting
        if schedule is not None and schedule not in found.routing.schedules:
            raise Problem(404, Message("no_schedule", given=schedule[:80]))
        return table(found, begins, ends, schedule)

    @router.post("/on-call")
    async def on_call_of_draft(given: Week) -> dict[str, Any]:
        """The same of a routing that is not in force."""

        def read() -> dict[str, Any]:
            with refusals_as_problems():
                found = routing_store.check_routing(service, given.toml())
            return table(found, given.begins, given.ends, None)

        return await threads.run(read)

    def table(found: Alerting, begins: str | None, ends: str | None, only: str | None) -> dict[str, Any]:
        zone = service.config.zone
        today = centre.clock.now().astimezone(zone).replace(hour=0, minute=0, second=0, microsecond=0)
        monday = (today - timedelta(days=today.weekday())).astimezone(UTC)
        since = monday if begins is None else parse_time("from", begins)
        until = since + timedelta(days=7) if ends is None else parse_time("to", ends)
        if not since < until <= since + MAX_DUTY_SPAN:
            raise invalid_field("from", Message("duty_span", days=MAX_DUTY_SPAN.days))
        schedules = []
        for one in found.routing.schedules.values():
            if only in (None, one.id):
                held = duty_periods(one, since, until, zone)
                gaps = [
                    {"from": rfc3339(duty.since), "until": rfc3339(duty.until), "stands_in": list(duty.people)}
                    for duty in held
                    if duty.kind is DutyKind.OTHERWISE
                ]
                shifts = [_duty(duty) for duty in held]
                schedules.append({"id": one.id, "name": one.name, "shifts": shifts, "gaps": gaps})
        people = [to_record(one) for one in found.routing.people.values()]
        return {"from": rfc3339(since), "to": rfc3339(until), "people": people, "schedules": schedules}

    return router


def _duty(duty: DutyPeriod) -> dict[str, Any]:
    return {
        "from": rfc3339(duty.since),
        "until": rfc3339(duty.until),
        "kind": duty.kind.value,
        "people": list(duty.people),
        "why": duty.why,
    }


def _step(step: RouteStep, moment: datetime) -> dict[str, Any]:
    return {
        "after_s": step.after.total_seconds(),
        "at": rfc3339(moment + step.after),
        "is_escalation": step.is_escalation,
        "receivers": [
            to_record(receiver) | {"on_duty": [to_record(person) for person in people]}
            for receiver, people in step.receivers
        ],
    }


def _shape(alerting: Alerting) -> dict[str, Any]:
    routing = alerting.routing
    return {
        "route": to_record(routing.root),
        "receivers": [to_record(one) for one in routing.receivers.values()],
        "people": [to_record(one) for one in routing.people.values()],
        "schedules": [to_record(one) for one in routing.schedules.values()],
        "inhibitions": [to_record(one) for one in alerting.inhibitions],
        "templates": [to_record(one) for one in alerting.templates.values()],
    }
