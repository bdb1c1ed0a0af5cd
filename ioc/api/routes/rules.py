"""/api/v1/rules: alert rules in force, their versions, and service breaks."""

from collections.abc import Mapping
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response
from pydantic import Field

from ioc.alert_service import actions, routing_store
from ioc.alert_service.service import AlertService
from ioc.api.auth.middleware import caller_of
from ioc.api.context import Alerts, ApiContext, Context
from ioc.api.http.json_response import JsonResponse
from ioc.api.http.problems import Problem
from ioc.api.http.refusals import expected_revision, refusals_as_problems
from ioc.api.http.request_models import EndTime, RequestBody
from ioc.api.routes.rule_drafts import RuleDraft, recipients_of
from ioc.api.schemas.rules import (
    OwnFigureShape,
    RuleDetailShape,
    RuleListShape,
    RuleSavedShape,
    RuleShape,
    RuleVersionListShape,
    rule_list_shape,
    rule_shape,
    rule_versions_shape,
)
from ioc.catalog.catalog import centre_kpis
from ioc.messages import Message

router = APIRouter(prefix="/api/v1/rules", tags=["rules"])


class RuleChangeRequest(RuleDraft):
    """A changed or new rule.

    `revision` is that of the rule the change is based on, "" for a new rule; the header If-Match may say it instead.
    """

    why: str = Field("", max_length=4_000)
    revision: str | None = Field(None, max_length=64)


class RollBackRequest(RequestBody):
    """The number of the version to restore."""

    number: int
    why: str = Field("", max_length=4_000)
    revision: str | None = Field(None, max_length=64)


class OutOfServiceRequest(EndTime):
    """Until when the rule is out of service, and why; at most 30 days."""

    why: str = Field("", max_length=4_000)


@router.get("", response_model=RuleListShape)
async def list_rules(service: Alerts) -> Response:
    """Return all rules in force, procedures, and figures of the centre itself.

    `left_out` are faults of changed rules that no longer fit the catalogue.
    """
    figures: list[OwnFigureShape] = [
        {"id": kpi.id, "name": kpi.name, "unit_of_measure": kpi.unit_of_measure, "digits": kpi.digits}
        for kpi in centre_kpis(service.in_force.catalog).values()
    ]
    left_out = [fault.shape() for fault in service.in_force.rules.left_out]
    return JsonResponse(rule_list_shape(service, figures) | {"left_out": left_out})


@router.get("/{rule}", response_model=RuleDetailShape)
async def get_rule(context: Context, service: Alerts, rule: str) -> Response:
    """Return a rule. The header ETag is its `revision`, which a change sends back as If-Match."""
    found = service.in_force.rules.rules.get(rule)
    if found is None:
        raise _no_rule(rule)
    told = recipients_of(service, found, context.clock.now())
    etag = f'"{routing_store.rule_revision(service, rule)}"'
    return JsonResponse(rule_shape(service, found) | {"told": told}, headers={"ETag": etag})


@router.put("/{rule}", response_model=RuleSavedShape)
async def put_rule(context: Context, service: Alerts, request: Request, rule: str, body: RuleChangeRequest) -> Response:
    """Save a new version, in force at once. An invalid rule is refused with its fields (400).

    409 with the differences when somebody else has changed the rule since `revision` or If-Match.
    """
    with refusals_as_problems():
        fields = body.content()
    save = _Save(context, service, caller_of(request).name, expected_revision(request, body.revision))
    return await context.threads.run(lambda: save(rule, fields, body.why, "rule.change"))


@router.delete("/{rule}", response_model=RuleSavedShape)
async def take_out_rule(
    context: Context,
    service: Alerts,
    request: Request,
    rule: str,
    why: Annotated[str, Query(max_length=4_000)] = "",
    revision: Annotated[str | None, Query(max_length=64)] = None,
) -> Response:
    """Take a rule out; its alerts end. An earlier version can be restored."""
    save = _Save(context, service, caller_of(request).name, expected_revision(request, revision))
    return await context.threads.run(lambda: save(rule, None, why, "rule.take_out"))


@router.get("/{rule}/versions", response_model=RuleVersionListShape)
async def list_rule_versions(context: Context, service: Alerts, rule: str) -> Response:
    """Return the versions of a rule, oldest first, each with its difference to the one before.

    Number 0 is the definition of the packs.
    """
    found = await context.threads.run(lambda: routing_store.versions(service, rule))
    if not found:
        raise _no_rule(rule)
    return JsonResponse(rule_versions_shape(rule, list(found)))


@router.post("/{rule}/roll-back", response_model=RuleSavedShape)
async def roll_back_rule(
    context: Context, service: Alerts, request: Request, rule: str, body: RollBackRequest
) -> Response:
    """Restore an earlier version by saving it as a new one."""
    revision = expected_revision(request, body.revision)
    by = caller_of(request).name

    def restore() -> Response:
        with refusals_as_problems():
            version = routing_store.roll_back(service, rule, body.number, by, body.why, revision)
        details = {"number": version.number, "of": body.number, "why": body.why}
        context.people.trail.note(by, "rule.roll_back", rule, details)
        return JsonResponse({"number": version.number, "rule": _present_shape(service, rule)})

    return await context.threads.run(restore)


@router.post("/{rule}/out-of-service", response_model=RuleShape)
async def take_rule_out_of_service(
    context: Context, service: Alerts, request: Request, rule: str, body: OutOfServiceRequest
) -> Response:
    """Keep all alerts of the rule quiet until a time, at most 30 days from now. A reason is required."""
    by, until_ms = caller_of(request).name, body.end_ms(context.clock.now())

    def take_out() -> Response:
        with refusals_as_problems():
            actions.out_of_service(service, rule, until_ms, by, body.why)
        context.people.trail.note(by, "rule.out_of_service", rule, {"why": body.why})
        return JsonResponse(rule_shape(service, service.in_force.rules.rules[rule]))

    return await context.threads.run(take_out)


@router.delete("/{rule}/out-of-service", response_model=RuleShape | None)
async def put_rule_in_service(context: Context, service: Alerts, request: Request, rule: str) -> Response:
    """Put the rule back into service. The answer is null if the rule was taken out meanwhile."""
    by = caller_of(request).name

    def put_back() -> Response:
        with refusals_as_problems():
            actions.in_service(service, rule, by)
        context.people.trail.note(by, "rule.in_service", rule)
        return JsonResponse(_present_shape(service, rule))

    return await context.threads.run(put_back)


class _Save:
    """Save a new version of a rule and record it in the audit trail."""

    def __init__(self, context: ApiContext, service: AlertService, by: str, revision: str | None) -> None:
        self._context = context
        self._service = service
        self._by = by
        self._revision = revision

    def __call__(self, rule: str, fields: Mapping[str, Any] | None, why: str, act: str) -> Response:
        with refusals_as_problems():
            version = routing_store.put_rule(self._service, rule, fields, self._by, why, self._revision)
        self._context.people.trail.note(self._by, act, rule, {"number": version.number, "why": why})
        return JsonResponse({"number": version.number, "rule": _present_shape(self._service, rule)})


def _present_shape(service: AlertService, rule: str) -> RuleShape | None:
    present = service.in_force.rules.rules.get(rule)
    return None if present is None else rule_shape(service, present)


def _no_rule(rule: str) -> Problem:
    return Problem(404, Message("no_rule", given=rule[:80]))
