"""/api/v1/routing: the routing of notifications in force, changing and checking it."""

from typing import Any

from fastapi import APIRouter, Request, Response
from pydantic import Field

from ioc.alert_service import routing_store
from ioc.alert_service.service import AlertService
from ioc.alerts.refusals import ActRefused
from ioc.alerts.schedules import on_duty
from ioc.alerts.versions import revision_of
from ioc.api.auth.middleware import caller_of
from ioc.api.context import Alerts, Context
from ioc.api.http.json_response import JsonResponse
from ioc.api.http.refusals import expected_revision, field_faults, refusals_as_problems
from ioc.api.http.request_models import RequestBody
from ioc.api.schemas.routing import RoutingCheckShape, RoutingSavedShape, RoutingShape, routing_content_shape
from ioc.catalog import CatalogInvalid
from ioc.catalog.toml_table import toml_text
from ioc.clock import rfc3339
from ioc.messages import Message

router = APIRouter(prefix="/api/v1/routing", tags=["rules"])


class RoutingDraft(RequestBody):
    """A routing, either as TOML (`text`) or as the same content in JSON (`fields`)."""

    text: str | None = Field(None, max_length=500_000)
    fields: dict[str, Any] | None = None

    def toml(self) -> str:
        """Return the TOML. Raises ActRefused unless exactly one form is set."""
        if (self.fields is None) == (self.text is None):
            raise ActRefused("fields", Message("routing_once"))
        return self.text if self.text is not None else toml_text(self.fields or {})


class RoutingChangeRequest(RoutingDraft):
    """A changed routing; `revision` is that of the routing it is based on. The header If-Match may say it instead."""

    why: str = Field("", max_length=4_000)
    revision: str | None = Field(None, max_length=64)


@router.get("", response_model=RoutingShape)
async def get_routing(context: Context, service: Alerts) -> Response:
    """Return the routing as TOML and as data, who is on duty now, and earlier versions."""

    def read() -> Response:
        local = context.clock.now().astimezone(service.config.zone)
        schedules = service.in_force.alerting.routing.schedules
        text = routing_store.routing_text(service)
        return JsonResponse(
            {
                "text": text,
                "revision": revision_of(text),
                "fields": routing_store.routing_fields(text),
                **routing_content_shape(service.in_force.alerting),
                "on_duty": {name: list(on_duty(one, local)) for name, one in schedules.items()},
                "channels": sorted(service.in_force.channels),
                "versions": _versions(service),
            }
        )

    return await context.threads.run(read)


@router.put("", response_model=RoutingSavedShape)
async def put_routing(context: Context, service: Alerts, request: Request, body: RoutingChangeRequest) -> Response:
    """Save a new routing, in force at once. An invalid one is refused with its fields (400).

    409 with the differences when somebody else has changed it since `revision` or If-Match.
    """
    revision = expected_revision(request, body.revision)
    by = caller_of(request).name

    def save() -> Response:
        with refusals_as_problems():
            number = routing_store.put_routing(service, body.toml(), by, body.why, revision)
        context.people.trail.note(by, "routing.change", str(number), {"why": body.why})
        return JsonResponse({"number": number, "revision": revision_of(routing_store.routing_text(service))})

    return await context.threads.run(save)


@router.post("/check", response_model=RoutingCheckShape)
async def check_routing(context: Context, service: Alerts, body: RoutingDraft) -> Response:
    """Return whether a draft is a valid routing, in both forms. Nothing is saved."""

    def check() -> Response:
        with refusals_as_problems():
            text = body.toml()
        forms = {"fields": body.fields if body.fields is not None else routing_store.routing_fields(text), "text": text}
        try:
            found = routing_store.check_routing(service, text)
        except CatalogInvalid as invalid:
            errors = [one.shape() for one in field_faults(invalid)]
            return JsonResponse({"sound": False, "errors": errors, **forms})
        return JsonResponse({"sound": True, "errors": [], **forms, **routing_content_shape(found)})

    return await context.threads.run(check)


def _versions(service: AlertService) -> list[dict[str, Any]]:
    return [
        {
            "number": row["number"],
            "by": row["changed_by"],
            "at": rfc3339(row["changed_at"]),
            "why": row["why"],
            "text": row["content"],
        }
        for row in routing_store.routing_versions(service)
    ]
