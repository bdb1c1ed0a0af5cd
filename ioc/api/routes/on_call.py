"""/api/v1/routing/on-call: who is on duty, by the routing in force or by a draft."""

from datetime import UTC, datetime, timedelta
from typing import Annotated, Any
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Query, Response
from pydantic import Field

from ioc.alert_service import routing_store
from ioc.alerts.duty_roster import DutyKind, duty_periods
from ioc.alerts.records import to_record
from ioc.api.context import Alerts, Context
from ioc.api.http.json_response import JsonResponse
from ioc.api.http.problems import Problem, invalid_field
from ioc.api.http.refusals import refusals_as_problems
from ioc.api.http.times import parse_time
from ioc.api.routes.routing import RoutingDraft
from ioc.api.schemas.routing import DutyScheduleShape, DutyTableShape, duty_shape
from ioc.catalog.routing import AlertRouting
from ioc.clock import rfc3339
from ioc.messages import Message
from ioc.model.routing import Schedule

router = APIRouter(prefix="/api/v1/routing", tags=["rules"])

MAX_DUTY_SPAN = timedelta(days=92)
Span = tuple[datetime, datetime]


class DutyTableRequest(RoutingDraft):
    """A routing that is not in force, and the period: [from, to), by default this week."""

    begins: str | None = Field(None, alias="from")
    ends: str | None = Field(None, alias="to")


@router.get("/on-call", response_model=DutyTableShape)
async def get_duty_table(
    context: Context,
    service: Alerts,
    begins: Annotated[str | None, Query(alias="from", description="RFC 3339; default: Monday of this week")] = None,
    ends: Annotated[str | None, Query(alias="to", description="RFC 3339; default: 7 days after `from`")] = None,
    schedule: Annotated[str | None, Query(description="only this schedule")] = None,
) -> Response:
    """Return who is on duty from when to when, and the hours that no shift covers. At most 92 days."""
    found = service.in_force.alerting
    if schedule is not None and schedule not in found.routing.schedules:
        raise Problem(404, Message("no_schedule", given=schedule[:80]))
    span = _span(context.clock.now(), service.config.zone, begins, ends)
    return JsonResponse(_table(found, span, service.config.zone, schedule))


@router.post("/on-call", response_model=DutyTableShape)
async def get_duty_table_of_draft(context: Context, service: Alerts, body: DutyTableRequest) -> Response:
    """Return the same for a routing that is not in force. Nothing is saved."""

    def read() -> Response:
        with refusals_as_problems():
            found = routing_store.check_routing(service, body.toml())
        span = _span(context.clock.now(), service.config.zone, body.begins, body.ends)
        return JsonResponse(_table(found, span, service.config.zone, None))

    return await context.threads.run(read)


def _span(now: datetime, zone: ZoneInfo, begins: str | None, ends: str | None) -> Span:
    today = now.astimezone(zone).replace(hour=0, minute=0, second=0, microsecond=0)
    monday = (today - timedelta(days=today.weekday())).astimezone(UTC)
    since = monday if begins is None else parse_time("from", begins)
    until = since + timedelta(days=7) if ends is None else parse_time("to", ends)
    if not since < until <= since + MAX_DUTY_SPAN:
        raise invalid_field("from", Message("duty_span", days=MAX_DUTY_SPAN.days))
    return since, until


def _table(found: AlertRouting, span: Span, zone: ZoneInfo, only: str | None) -> dict[str, Any]:
    since, until = span
    schedules = [one for one in found.routing.schedules.values() if only in (None, one.id)]
    return {
        "from": rfc3339(since),
        "to": rfc3339(until),
        "people": [to_record(one) for one in found.routing.people.values()],
        "schedules": [_schedule(one, span, zone) for one in schedules],
    }


def _schedule(schedule: Schedule, span: Span, zone: ZoneInfo) -> DutyScheduleShape:
    found = duty_periods(schedule, *span, zone)
    return {
        "id": schedule.id,
        "name": schedule.name,
        "shifts": [duty_shape(duty) for duty in found],
        "gaps": [
            {"from": rfc3339(duty.since), "until": rfc3339(duty.until), "stands_in": list(duty.people)}
            for duty in found
            if duty.kind is DutyKind.OTHERWISE
        ],
    }
