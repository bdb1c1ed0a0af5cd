"""POST /api/v1/rules/check and …/backtest: try a rule without saving it."""

from datetime import datetime, timedelta
from typing import Any

from fastapi import APIRouter, Response
from pydantic import Field

from ioc.alert_service import routing_store
from ioc.alert_service.kpi_history import longest_change, own_step
from ioc.alert_service.rule_store import fields_of_text, rule_text
from ioc.alert_service.service import AlertService
from ioc.alerts.backtest import backtest_rule as replay_rule
from ioc.alerts.backtest import compare
from ioc.alerts.labels import slot_labels
from ioc.alerts.records import to_record
from ioc.alerts.refusals import ActRefused, no_rule
from ioc.alerts.route_tester import trace_route
from ioc.alerts.rule_arrays import units_of
from ioc.api.context import Alerts, ApiContext, Context
from ioc.api.http.json_response import JsonResponse
from ioc.api.http.problems import FieldFault, invalid_field
from ioc.api.http.refusals import field_faults, refusals_as_problems
from ioc.api.http.request_models import RequestBody
from ioc.api.http.times import parse_step
from ioc.api.schemas.rules import BacktestShape, RuleCheckShape, backtest_result_shape, comparison_shape
from ioc.catalog import CatalogInvalid
from ioc.clock import rfc3339
from ioc.messages import Message
from ioc.model.rule import Rule

router = APIRouter(prefix="/api/v1/rules", tags=["rules"])


class RuleDraft(RequestBody):
    """A rule, either as `fields` or as TOML (`text`)."""

    fields: dict[str, Any] | None = None
    text: str | None = Field(None, max_length=50_000)

    def content(self) -> dict[str, Any]:
        """Return the fields. Raises ActRefused unless exactly one form is set, and for invalid TOML."""
        if (self.fields is None) == (self.text is None):
            raise ActRefused("fields", Message("rule_once"))
        return self.fields if self.fields is not None else fields_of_text(self.text or "")


class BacktestRequest(RuleDraft):
    """What to backtest: a rule in force (`rule`), a draft, or both to compare them; over the last `days`."""

    rule: str | None = None
    days: int = Field(30, ge=1, le=400)
    step: str | None = None
    units: list[str] | None = Field(None, max_length=1_000)


@router.post("/check", response_model=RuleCheckShape)
async def check_rule(context: Context, service: Alerts, body: RuleDraft) -> Response:
    """Return whether a draft is a valid rule, and who would be notified now (`told`). Nothing is saved."""

    def check() -> RuleCheckShape:
        try:
            fields = body.content()
            rule = routing_store.check(service, fields)
        except ActRefused as refused:
            fault = FieldFault(refused.field, refused.message)
            return {"sound": False, "errors": [fault.shape()], "told": []}
        except CatalogInvalid as invalid:
            errors = [one.shape() for one in field_faults(invalid)]
            return {"sound": False, "errors": errors, "fields": fields, "text": rule_text(fields), "told": []}
        told = recipients_of(service, rule, context.clock.now())
        return {"sound": True, "errors": [], "fields": fields, "text": rule_text(fields), "told": told}

    return JsonResponse(await context.threads.run(check))


@router.post("/backtest", response_model=BacktestShape)
async def backtest_rule(context: Context, service: Alerts, body: BacktestRequest) -> Response:
    """Return what a rule would have done over the last days, compared with the version in force if there is one."""

    def run() -> Response:
        with refusals_as_problems():
            after, before = _rules_to_compare(service, body)
        return JsonResponse(_backtest(context, service, after, before, body))

    return await context.threads.run(run)


def recipients_of(service: AlertService, rule: Rule, now: datetime) -> list[Any]:
    """Return who would be notified if the rule fired now in its first unit, as RecipientShape."""
    units = units_of(rule, service.in_force.catalog.vocabulary.units)
    labels = slot_labels(rule, units[0] if units else "")
    way = trace_route(service.in_force.alerting.routing, labels, now.astimezone(service.config.zone))
    return [to_record(one) for one in way.recipients]


def _rules_to_compare(service: AlertService, body: BacktestRequest) -> tuple[Rule, Rule | None]:
    """Return the rule to backtest, and the version in force to compare it with. Raises ActRefused, CatalogInvalid."""
    in_force = service.in_force.rules.rules.get(body.rule or "")
    if body.rule is not None and in_force is None:
        raise no_rule(body.rule or "")
    if in_force is not None and body.fields is None and body.text is None:
        return in_force, None
    draft = routing_store.check(service, body.content())
    return draft, in_force or service.in_force.rules.rules.get(draft.id)


def _backtest(
    context: ApiContext, service: AlertService, after: Rule, before: Rule | None, body: BacktestRequest
) -> dict[str, Any]:
    rules = [after] if before is None else [before, after]
    step = parse_step(body.step) if body.step else own_step(rules, timedelta(days=body.days))
    end = context.clock.now().replace(second=0, microsecond=0)
    if step >= timedelta(hours=1):
        end = end.replace(minute=0)
    start = end - timedelta(days=body.days)
    catalog = service.in_force.catalog
    units = _units(service, rules, body.units)
    targets = {kpi_id: kpi.targets for kpi_id, kpi in catalog.kpis.items()}
    try:
        past = context.alerting.past
        history = past.history(catalog, rules, units, start - longest_change(rules), end, step)
    except KeyError as fault:
        kpi = str(fault.args[0])
        raise invalid_field("kpi", Message("no_history", given=kpi)) from None
    except ValueError as fault:
        raise invalid_field("step", fault.args[0]) from None
    zone = service.config.zone
    if before is None:
        found = backtest_result_shape(replay_rule(after, history, targets, zone))
        result: dict[str, Any] = {"after": found, "before": None, "gone": [], "new": []}
    else:
        result = comparison_shape(compare(before, after, history, targets, zone))
    period = {"from": rfc3339(start), "to": rfc3339(end), "step_s": step.total_seconds(), "units": len(units)}
    return period | result | {"told": recipients_of(service, after, context.clock.now())}


def _units(service: AlertService, rules: list[Rule], only: list[str] | None) -> tuple[str, ...]:
    known = service.in_force.catalog.vocabulary.units
    of_rules = {code for rule in rules for code in units_of(rule, known)}
    units = tuple(code for code in known if code in of_rules and (only is None or code in only))
    if not units:
        raise invalid_field("units", Message("no_units_of_rule"))
    return units
