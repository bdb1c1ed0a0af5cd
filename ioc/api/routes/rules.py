"""/api/v1/rules: rules in force, their versions, checking one without saving it."""

from collections.abc import Mapping
from dataclasses import asdict
from datetime import timedelta
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response
from pydantic import Field

from ioc.alert_service import actions, routing_store
from ioc.alert_service.kpi_history import longest_change, own_step
from ioc.alert_service.rule_store import fields_of_text, rule_text
from ioc.alerts.backtest import Backtest, Firing, backtest_rule, compare
from ioc.alerts.labels import slot_labels
from ioc.alerts.records import to_record
from ioc.alerts.refusals import ActRefused, no_rule
from ioc.alerts.route_tester import trace_route
from ioc.alerts.rule_arrays import units_of
from ioc.alerts.versions import difference
from ioc.api.auth.middleware import caller_of
from ioc.api.context import ApiContext
from ioc.api.http.json_response import JsonResponse
from ioc.api.http.problems import FieldFault, Problem, invalid_field
from ioc.api.http.refusals import EndTime, RequestBody, expected_revision, field_faults, refusals_as_problems
from ioc.api.http.threads import WorkerThreads
from ioc.api.http.times import parse_step
from ioc.catalog import CatalogInvalid
from ioc.catalog.own_figures import own_figures
from ioc.clock import from_ms, rfc3339
from ioc.messages import Message
from ioc.model.rule import Rule

MAX_FIRINGS = 500


class Draft(RequestBody):
    """A rule as its fields, or as TOML."""

    fields: dict[str, Any] | None = None
    text: str | None = Field(None, max_length=50_000)

    def given(self) -> dict[str, Any]:
        """Raises ActRefused."""
        if (self.fields is None) == (self.text is None):
            raise ActRefused("fields", Message("rule_once"))
        return self.fields if self.fields is not None else fields_of_text(self.text or "")


class Change(Draft):
    """`revision` is that of the rule the change was made from, "" for a new one; so can the header If-Match say it."""

    why: str = Field("", max_length=4_000)
    revision: str | None = Field(None, max_length=64)


class BackTo(RequestBody):
    number: int
    why: str = Field("", max_length=4_000)
    revision: str | None = Field(None, max_length=64)


class Trial(Draft):
    """`rule` backtests one in force; with a draft of the same id, both are compared."""

    rule: str | None = None
    days: int = Field(30, ge=1, le=400)
    step: str | None = None
    units: list[str] | None = Field(None, max_length=1_000)


class Pause(EndTime):
    why: str = Field("", max_length=4_000)


def routes(centre: ApiContext, threads: WorkerThreads) -> APIRouter:
    router = APIRouter(prefix="/api/v1/rules", tags=["rules"])
    alerting = centre.alerting
    service = alerting.service

    def shape(rule: Rule) -> dict[str, Any]:
        fields = service.in_force.rules.fields.get(rule.id, {})
        out = [one for one in service.state.handling.shelvings if (one.rule, one.unit) == (rule.id, "")]
        held = [one for one in out if one.holds_at(service.act_ms())]
        return {
            "id": rule.id,
            "name": rule.name,
            "sector": rule.sector,
            "kpi": rule.kpi,
            "severity": rule.severity.value,
            "owner": rule.owner,
            "procedure": rule.procedure,
            "version": rule.version,
            "revision": routing_store.rule_revision(service, rule.id),
            "fields": fields,
            "text": rule_text(fields),
            "units": len(units_of(rule, service.in_force.catalog.vocabulary.units)),
            "firing": sum(alert.rule == rule.id and bool(alert.since_ms) for alert in service.state.alerts.values()),
            "out_of_service": None
            if not held
            else {"until": rfc3339(from_ms(held[0].until_ms)), "by": held[0].by, "why": held[0].why},
        }

    def told(rule: Rule) -> list[dict[str, Any]]:
        """Who would hear of it if it fired now, in its first unit."""
        units = units_of(rule, service.in_force.catalog.vocabulary.units)
        labels = slot_labels(rule, units[0] if units else "")
        local = centre.clock.now().astimezone(service.config.zone)
        way = trace_route(service.in_force.alerting.routing, labels, local)
        return [to_record(one) for one in way.recipients]

    @router.get("")
    async def rules() -> dict[str, Any]:
        """All rules in force, procedures, the figures of the centre itself, and changed rules that no longer fit the
        catalogue (`left_out`)."""
        found = service.in_force.rules
        own = own_figures(service.in_force.catalog)
        return {
            "rules": [shape(rule) for rule in found.rules.values()],
            "procedures": [to_record(one) for one in found.procedures.values()],
            "own_figures": [
                {"id": kpi.id, "name": kpi.name, "unit_of_measure": kpi.unit_of_measure, "digits": kpi.digits}
                for kpi in own.values()
            ],
            "left_out": [asdict(fault) for fault in found.left_out],
        }

    @router.post("/check")
    async def check(given: Draft) -> dict[str, Any]:
        """Whether it is a rule; nothing is saved. `told` is who would hear of it now."""
        try:
            fields = given.given()
            rule = await threads.run(lambda: routing_store.check(service, fields))
        except ActRefused as fault:
            told_so = FieldFault(fault.field, fault.message)
            return {"sound": False, "errors": [told_so.shape()], "told": []}
        except CatalogInvalid as fault:
            errors = [one.shape() for one in field_faults(fault)]
            return {"sound": False, "errors": errors, "fields": fields, "text": rule_text(fields), "told": []}
        return {"sound": True, "errors": [], "fields": fields, "text": rule_text(fields), "told": told(rule)}

    @router.post("/backtest")
    async def backtest(given: Trial) -> Response:
        """What the rule would have done over the last days, beside the version in force when there is one."""

        def work() -> Response:
            with refusals_as_problems():
                before = service.in_force.rules.rules.get(given.rule or "")
                if given.rule is not None and before is None:
                    raise no_rule(given.rule or "")
                only = given.rule is not None and given.fields is None and given.text is None
                after = before if only else routing_store.check(service, given.given())
                assert after is not None
                present = service.in_force.rules.rules.get(after.id) if before is None else before
            return JsonResponse(run(after, None if only else present, given))

        return await threads.run(work)

    def run(after: Rule, before: Rule | None, given: Trial) -> dict[str, Any]:
        both = [after] if before is None else [before, after]
        step = parse_step(given.step) if given.step else own_step(both, timedelta(days=given.days))
        end = centre.clock.now().replace(second=0, microsecond=0)
        if step >= timedelta(hours=1):
            end = end.replace(minute=0)
        start = end - timedelta(days=given.days)
        catalog = service.in_force.catalog
        units = tuple(
            code
            for code in catalog.vocabulary.units
            if any(code in units_of(rule, catalog.vocabulary.units) for rule in both)
            and (given.units is None or code in given.units)
        )
        if not units:
            raise invalid_field("units", Message("no_units_of_rule"))
        targets = {kpi_id: kpi.targets for kpi_id, kpi in catalog.kpis.items()}
        try:
            history = alerting.past.history(catalog, both, units, start - longest_change(both), end, step)
        except KeyError as fault:
            kpi = str(fault.args[0])
            raise invalid_field("kpi", Message("no_history", given=kpi)) from None
        except ValueError as fault:
            raise invalid_field("step", fault.args[0]) from None
        told_to = told(after)
        whole = {"from": rfc3339(start), "to": rfc3339(end), "step_s": step.total_seconds(), "units": len(units)}
        if before is None:
            found = backtest_rule(after, history, targets, service.config.zone)
            return {**whole, "after": _backtest(found), "before": None, "gone": [], "new": [], "told": told_to}
        both_ways = compare(before, after, history, targets, service.config.zone)
        return {
            **whole,
            "after": _backtest(both_ways.after),
            "before": _backtest(both_ways.before),
            "gone": [_firing(one) for one in both_ways.gone[:MAX_FIRINGS]],
            "new": [_firing(one) for one in both_ways.new[:MAX_FIRINGS]],
            "told": told_to,
        }

    @router.get("/{rule}")
    async def one(rule: str, response: Response) -> dict[str, Any]:
        """The ETag is the rule's `revision`, which a change sends back as If-Match."""
        found = service.in_force.rules.rules.get(rule)
        if found is None:
            raise Problem(404, Message("no_rule", given=rule[:80]))
        response.headers["ETag"] = f'"{routing_store.rule_revision(service, rule)}"'
        return shape(found) | {"told": told(found)}

    async def save(
        request: Request, rule: str, fields: Mapping[str, Any] | None, why: str, word: str, revision: str | None
    ) -> Response:
        revision = expected_revision(request, revision)
        by = caller_of(request).name

        def work() -> Response:
            with refusals_as_problems():
                version = routing_store.put_rule(service, rule, fields, by, why, revision)
            centre.people.trail.note(by, f"rule.{word}", rule, {"number": version.number, "why": why})
            present = service.in_force.rules.rules.get(rule)
            return JsonResponse({"number": version.number, "rule": None if present is None else shape(present)})

        return await threads.run(work)

    @router.put("/{rule}")
    async def put(request: Request, rule: str, given: Change) -> Response:
        """A new version, in force at once; a fault is refused with its fields, and the old version stays. 409 with the
        difference when somebody else changed the rule since `revision` or If-Match."""
        with refusals_as_problems():
            fields = given.given()
        return await save(request, rule, fields, given.why, "change", given.revision)

    @router.delete("/{rule}")
    async def take_out(
        request: Request,
        rule: str,
        why: Annotated[str, Query(max_length=4_000)] = "",
        revision: Annotated[str | None, Query(max_length=64)] = None,
    ) -> Response:
        """Taken out; its alerts end. An earlier version can be taken up again."""
        return await save(request, rule, None, why, "take_out", revision)

    @router.get("/{rule}/versions")
    async def versions(rule: str) -> dict[str, Any]:
        """Oldest first, with the difference to the one before; 0 is what the packs say."""
        found = await threads.run(lambda: routing_store.versions(service, rule))
        if not found:
            raise Problem(404, Message("no_rule", given=rule[:80]))
        shapes = []
        before: Mapping[str, Any] | None = None
        for version in found:
            changes = [asdict(one) for one in difference(before, version.fields)]
            shapes.append(
                {
                    "number": version.number,
                    "by": version.by,
                    "at": rfc3339(from_ms(version.at_ms)) if version.at_ms else None,
                    "why": version.why,
                    "of": version.of,
                    "fields": version.fields,
                    "text": "" if version.fields is None else rule_text(version.fields),
                    "difference": changes,
                }
            )
            before = version.fields
        return {"rule": rule, "versions": shapes}

    @router.post("/{rule}/roll-back")
    async def roll_back(request: Request, rule: str, given: BackTo) -> Response:
        """An earlier version in force again, as a new one."""
        revision = expected_revision(request, given.revision)
        by = caller_of(request).name

        def work() -> Response:
            with refusals_as_problems():
                version = routing_store.roll_back(service, rule, given.number, by, given.why, revision)
            details = {"number": version.number, "of": given.number, "why": given.why}
            centre.people.trail.note(by, "rule.roll_back", rule, details)
            present = service.in_force.rules.rules.get(rule)
            return JsonResponse({"number": version.number, "rule": None if present is None else shape(present)})

        return await threads.run(work)

    @router.post("/{rule}/out-of-service")
    async def out_of_service(request: Request, rule: str, given: Pause) -> Response:
        """All alerts of the rule make no noise until the end; at most 30 days, with a reason."""
        by, until_ms = caller_of(request).name, given.end_ms(centre.clock.now())

        def work() -> Response:
            with refusals_as_problems():
                actions.out_of_service(service, rule, until_ms, by, given.why)
            centre.people.trail.note(by, "rule.out_of_service", rule, {"why": given.why})
            return JsonResponse(shape(service.in_force.rules.rules[rule]))

        return await threads.run(work)

    @router.delete("/{rule}/out-of-service")
    async def in_service(request: Request, rule: str) -> Response:
        """In service again."""
        by = caller_of(request).name

        def work() -> Response:
            with refusals_as_problems():
                actions.in_service(service, rule, by)
            centre.people.trail.note(by, "rule.in_service", rule)
            found = service.in_force.rules.rules.get(rule)
            return JsonResponse(None if found is None else shape(found))

        return await threads.run(work)

    return router


def _backtest(found: Backtest) -> dict[str, Any]:
    return {
        "count": found.count,
        "firing_s": found.firing_ms / 1000,
        "units": dict(found.units),
        "firings": [_firing(one) for one in found.firings[:MAX_FIRINGS]],
    }


def _firing(one: Firing) -> dict[str, Any]:
    return {
        "unit": one.unit,
        "onset": rfc3339(from_ms(one.onset_ms)),
        "fired": rfc3339(from_ms(one.fired_ms)),
        "end": None if one.end_ms is None else rfc3339(from_ms(one.end_ms)),
    }
