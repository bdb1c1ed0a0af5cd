"""/api/v1/incidents: incidents that people open for alerts, with procedure, timeline, files and closing reason."""

from typing import Annotated, Any, Literal
from urllib.parse import quote

from fastapi import APIRouter, Depends, Query, Request, Response
from pydantic import Field

from ioc.alert_service.incident_store import MAX_FILE_BYTES, IncidentStore
from ioc.alert_service.service import AlertService
from ioc.alerts import incidents as incident_acts
from ioc.alerts.incidents import ClosingReason, Incident
from ioc.api.auth.middleware import caller_of
from ioc.api.context import Alerts, Context
from ioc.api.http.json_response import JsonResponse
from ioc.api.http.problems import FieldFault, Problem
from ioc.api.http.refusals import refusals_as_problems
from ioc.api.http.request_models import RequestBody
from ioc.api.routes.incident_acts import IncidentActRequest, apply_act
from ioc.api.schemas.incidents import IncidentExportShape, IncidentListShape, IncidentShape, incident_shape
from ioc.messages import Message
from ioc.model.rule import Severity

router = APIRouter(prefix="/api/v1/incidents", tags=["incidents"])

_FILE: dict[int | str, dict[str, Any]] = {
    200: {"content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}}}
}
_FILE_BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}},
    }
}
_TRANSITIONS = (
    "SELECT id, kind, moved_at::VARCHAR AS moved_at, value, reason FROM alert_transitions "
    "WHERE alert = ? ORDER BY number"
)


class IncidentRequest(RequestBody):
    """A new incident. `procedure` is taken up at once; without it, the procedure of the first alert's rule.

    Without `severity`, the incident has the highest severity of its alerts.
    """

    title: str = Field(max_length=500)
    severity: Severity | None = None
    alerts: list[str] = Field([], max_length=1_000)
    assignee: str = Field("", max_length=200)
    procedure: str | None = None


async def get_incidents(context: Context) -> IncidentStore:
    """Return the incidents of the alert service."""
    return context.alerting.incidents


Incidents = Annotated[IncidentStore, Depends(get_incidents)]


@router.get("", response_model=IncidentListShape)
async def list_incidents(
    incidents: Incidents,
    state: Annotated[Literal["open", "closed"] | None, Query()] = None,
    alert: Annotated[str | None, Query(description="id of an alert that belongs to the incident")] = None,
) -> Response:
    """Return incidents, open ones first, then the latest."""
    shapes = [
        incident_shape(one)
        for one in incidents.all()
        if (state is None or (one.closed_ms is None) == (state == "open")) and (alert is None or alert in one.alerts)
    ]
    return JsonResponse({"incidents": shapes, "closing_reasons": [one.value for one in ClosingReason]})


@router.post("", status_code=201, response_model=IncidentShape)
async def open_incident(
    context: Context, service: Alerts, incidents: Incidents, request: Request, body: IncidentRequest
) -> Response:
    """Open an incident for alerts, or without any."""
    by = caller_of(request).name

    def open_() -> Response:
        with refusals_as_problems():
            made = incidents.open(lambda incident_id, at_ms: _new_incident(service, body, incident_id, by, at_ms))
        context.people.trail.note(by, "incident.open", made.id, {"title": made.title})
        return JsonResponse(incident_shape(made), 201)

    return await context.threads.run(open_)


@router.get("/{incident}", response_model=IncidentShape)
async def get_incident(incidents: Incidents, incident: str) -> Response:
    """Return an incident."""
    with refusals_as_problems():
        return JsonResponse(incident_shape(incidents.named(incident)))


@router.get("/{incident}/export", response_model=IncidentExportShape)
async def export_incident(context: Context, service: Alerts, incidents: Incidents, incident: str) -> Response:
    """Return an incident with the transitions of its alerts, as a JSON file to download."""

    def read() -> Response:
        with refusals_as_problems():
            found = incidents.named(incident)
        transitions = [row for alert in found.alerts for row in service.store.select(_TRANSITIONS, [alert])]
        headers = {"Content-Disposition": f'attachment; filename="{found.id}.json"'}
        return JsonResponse(incident_shape(found) | {"transitions": transitions}, headers=headers)

    return await context.threads.run(read)


@router.post("/{incident}/acts", response_model=IncidentShape)
async def act_on_incident(
    context: Context, service: Alerts, incidents: Incidents, request: Request, incident: str, body: IncidentActRequest
) -> Response:
    """Do one act, which is added to the timeline. 400 or 409 with the reason when it is not possible."""
    by = caller_of(request).name
    procedures = service.in_force.rules.procedures

    def act() -> Response:
        with refusals_as_problems():
            after = incidents.change(incident, lambda present, at_ms: apply_act(present, body, procedures, by, at_ms))
        context.people.trail.note(by, f"incident.{body.act}", incident, {"of": body.of, "text": body.text})
        return JsonResponse(incident_shape(after))

    return await context.threads.run(act)


@router.post("/{incident}/files", status_code=201, response_model=IncidentShape, openapi_extra=_FILE_BODY)
async def attach_file(
    context: Context,
    service: Alerts,
    incidents: Incidents,
    request: Request,
    incident: str,
    name: Annotated[str, Query(min_length=1, max_length=200)],
) -> Response:
    """Attach a file: the body is its content, at most 5 MB."""
    by = caller_of(request).name
    content = await context.bodies.read(request)
    if len(content) > MAX_FILE_BYTES:
        most = MAX_FILE_BYTES >> 20
        message = Message("file_too_large", most=most)
        raise Problem(413, message, [FieldFault("file", message)])

    def attach() -> Response:
        with refusals_as_problems():
            after = incidents.attach(incident, service.new_id(), name, content, by)
        context.people.trail.note(by, "incident.attach", incident, {"name": name})
        return JsonResponse(incident_shape(after), 201)

    return await context.threads.run(attach)


@router.get("/{incident}/files/{file_id}", response_class=Response, responses=_FILE)
async def download_file(context: Context, incidents: Incidents, incident: str, file_id: str) -> Response:
    """Return a file as it was attached, always as a download."""

    def read() -> Response:
        with refusals_as_problems():
            name, content = incidents.file(incident, file_id)
        headers = {"Content-Disposition": f"attachment; filename*=UTF-8''{quote(name)}"}
        return Response(content, headers=headers, media_type="application/octet-stream")

    return await context.threads.run(read)


def _new_incident(service: AlertService, body: IncidentRequest, incident_id: str, by: str, at_ms: int) -> Incident:
    """Return the incident with severity and procedure from its alerts where the body has none. Raises ActRefused."""
    alerts = [alert for name in body.alerts if (alert := service.alert(name)) is not None]
    highest = min((one.severity for one in alerts), key=lambda one: one.rank, default=Severity.MEDIUM)
    severity = body.severity or highest
    made = incident_acts.open_incident(incident_id, body.title, severity, tuple(body.alerts), by, at_ms)
    rules = service.in_force.rules
    of_rule = next((rules.rules[one.rule].procedure for one in alerts if one.rule in rules.rules), "")
    procedure = body.procedure if body.procedure is not None else of_rule
    if procedure:
        made = incident_acts.start_procedure(made, rules.procedures[procedure], by, at_ms)
    return incident_acts.assign(made, body.assignee, by, at_ms) if body.assignee else made
