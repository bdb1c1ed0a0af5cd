"""POST /api/v1/routing/test: who would be notified of an alert."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from fastapi import APIRouter, Response
from pydantic import Field

from ioc.alert_service import routing_store
from ioc.alert_service.service import AlertService
from ioc.alerts.labels import slot_labels
from ioc.alerts.records import to_record
from ioc.alerts.refusals import ActRefused, no_alert, no_rule
from ioc.alerts.route_tester import RouteStep, SuppressionInputs, quiet_reasons, route_stops, trace_route
from ioc.api.context import Alerts, Context
from ioc.api.http.json_response import JsonResponse
from ioc.api.http.refusals import refusals_as_problems
from ioc.api.http.request_models import RequestBody
from ioc.api.http.times import parse_time
from ioc.api.schemas.alerts import reason_texts
from ioc.api.schemas.routing import RouteTestShape
from ioc.catalog.routing import AlertRouting
from ioc.clock import rfc3339
from ioc.messages import Message

router = APIRouter(prefix="/api/v1/routing", tags=["rules"])


class RouteTestRequest(RequestBody):
    """The alert to test, named in one way: by its labels, by the id of a present `alert`, or by `rule` and `unit`.

    `at` is the moment (now without it); `text` is a routing to test instead of the one in force.
    """

    labels: dict[str, str] | None = None
    alert: str | None = None
    rule: str | None = None
    unit: str | None = None
    at: str | None = None
    text: str | None = Field(None, max_length=500_000)


@router.post("/test", response_model=RouteTestShape)
async def test_route(context: Context, service: Alerts, body: RouteTestRequest) -> Response:
    """Return who would be notified of an alert, when, through which routes, and what would suppress it."""
    moment = context.clock.now() if body.at is None else parse_time("at", body.at)
    with refusals_as_problems():
        alerting = service.in_force.alerting if body.text is None else routing_store.check_routing(service, body.text)
        labels = _labels(service, body)
    return JsonResponse(_shape(service, alerting, labels, moment))


def _labels(service: AlertService, body: RouteTestRequest) -> Mapping[str, str]:
    """Return the labels of the alert. Raises ActRefused."""
    if sum(one is not None for one in (body.labels, body.alert, body.rule)) != 1:
        raise ActRefused("labels", Message("alert_once"))
    if body.labels is not None:
        return body.labels
    if body.alert is not None:
        alert = service.alert(body.alert)
        if alert is None:
            raise no_alert("alert", body.alert)
        return dict(alert.labels)
    rule = service.in_force.rules.rules.get(body.rule or "")
    if rule is None:
        raise no_rule(body.rule or "")
    catalog = service.in_force.catalog
    unit = body.unit or catalog.province.code
    if unit not in catalog.vocabulary.units:
        province = catalog.province.name
        raise ActRefused("unit", Message("unknown_unit", given=unit[:40], province=province))
    return slot_labels(rule, unit)


def _shape(
    service: AlertService, alerting: AlertRouting, labels: Mapping[str, str], moment: datetime
) -> dict[str, Any]:
    local = moment.astimezone(service.config.zone)
    way: dict[str, Any] = to_record(trace_route(alerting.routing, labels, local))
    for recipient in way["recipients"]:
        recipient["at"] = rfc3339(moment + timedelta(seconds=recipient["after"]))
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
