"""Rules of the fake service; the centre's own code checks them."""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import timedelta
from functools import cache
from typing import TYPE_CHECKING, Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from ioc.alert_service.rule_store import fields_of_text, rule_text
from ioc.alerts.refusals import ActRefused
from ioc.alerts.versions import Difference, difference
from ioc.api.http.problems import FieldFault
from ioc.api.http.refusals import field_faults
from ioc.catalog import CatalogInvalid
from ioc.catalog.rules import check_rule, load_rules
from tests.browser import province
from tests.browser.desk_rows import PROCEDURE, RULE, rule_row
from tests.browser.province import Json
from tests.support.catalogs import hue

if TYPE_CHECKING:
    from tests.browser.fake_desk import FakeDesk

TOLD = [{"receiver": "wall", "channel": "wall", "person": "", "route": "root", "after": 30.0, "is_escalation": False}]


@cache
def procedures() -> dict[str, Any]:
    found = load_rules(hue()).procedures
    return {PROCEDURE["id"]: next(iter(found.values()))} | dict(found)


def checked(body: Json) -> Json:
    """As `POST /api/v1/rules/check` answers."""
    try:
        fields = body["fields"] if "fields" in body else fields_of_text(body["text"])
    except ActRefused as fault:
        shape = FieldFault(fault.field, fault.message).shape()
        return {"sound": False, "errors": [shape], "told": []}
    both = {"fields": fields, "text": rule_text(fields)}
    try:
        check_rule(hue(), procedures(), fields)
    except CatalogInvalid as invalid:
        return {"sound": False, "errors": [fault.shape() for fault in field_faults(invalid)], "told": []} | both
    return {"sound": True, "errors": [], "told": TOLD} | both


def _changed_meanwhile(by: str, theirs: Sequence[Difference], yours: Sequence[Difference]) -> Response:
    """Refuse as the centre does when a change is based on an earlier version."""
    params = {"what": "Luật", "by": by, "why": "thử", "at": None, "fields": [], "revision": "r2"}  # type: ignore[var-annotated]
    error = {"field": "revision", "message": "Changed meanwhile.", "code": "changed_meanwhile", "params": params}
    more = {"theirs": [asdict(one) for one in theirs], "yours": [asdict(one) for one in yours]}
    body = {"status": 409, "detail": "Changed meanwhile.", "errors": [error], **more}
    return JSONResponse(body, 409, media_type="application/problem+json")


def routes(service: "FakeDesk") -> list[Route]:
    def row(name: str) -> Json:
        return next(rule for rule in service.rules if rule["id"] == name)

    def version(name: str, fields: Json | None, why: str, of: int = 0) -> Response:
        before = next((rule["fields"] for rule in service.rules if rule["id"] == name), None)
        number = len(service.versions) + 1
        changes = [{"field": d.field, "before": d.before, "after": d.after} for d in difference(before, fields)]
        made = {"number": number, "by": service.role, "at": province.rfc3339(service.now()), "why": why, "of": of}
        service.versions.append(made | {"rule": name, "fields": fields, "text": "", "difference": changes})
        service.rules = [rule for rule in service.rules if rule["id"] != name]
        if fields is not None:
            service.rules.insert(0, rule_row(fields, 1) | {"version": f"v{number}"})
        return JSONResponse({"number": number, "rule": None})

    async def all_rules(_: Request) -> Response:
        return JSONResponse({"rules": service.rules, "procedures": [PROCEDURE], "own_figures": [], "left_out": []})

    async def check(request: Request) -> Response:
        return service.refused(request) or JSONResponse(checked(await request.json()))

    async def backtest(request: Request) -> Response:
        """Answer that the rule fires twelve times, and the one in force thirty times."""
        if (refused := service.refused(request)) is not None:
            return refused
        body, now = await request.json(), service.now()
        service.told.append(("POST", request.url.path, body))
        fired = [
            {"unit": "46", "onset": at, "fired": at, "end": province.rfc3339(now - timedelta(hours=3 * i - 1))}
            for i in range(12, 0, -1)
            for at in [province.rfc3339(now - timedelta(hours=3 * i))]
        ]
        after = {"count": 12, "firing_s": 7200, "units": {"46": 12}, "firings": fired}
        before = {"count": 30, "firing_s": 36_000, "units": {"46": 30}, "firings": []}
        both = {"after": after, "before": before, "gone": fired[:3], "new": [], "told": TOLD}
        return JSONResponse({"from": "", "to": "", "step_s": 1800, "units": 1} | both)

    async def put(request: Request) -> Response:
        if (refused := service.refused(request)) is not None:
            return refused
        body = await request.json()
        service.told.append((request.method, request.url.path, body))
        fields = checked(body)["fields"]
        if service.meanwhile is not None:
            by, before, theirs = service.meanwhile
            service.meanwhile = None
            return _changed_meanwhile(by, difference(before, theirs), difference(theirs, fields))
        return version(request.path_params["id"], fields, body["why"])

    async def remove(request: Request) -> Response:
        if (refused := service.refused(request)) is not None:
            return refused
        service.told.append((request.method, request.url.path, dict(request.query_params)))
        return version(request.path_params["id"], None, request.query_params["why"])

    async def versions(request: Request) -> Response:
        name = request.path_params["id"]
        made = [each for each in service.versions if each["rule"] == name]
        packs = {"number": 0, "by": "", "at": None, "why": "", "of": 0, "text": "", "fields": RULE, "difference": []}
        return JSONResponse({"rule": name, "versions": [packs, *made]})

    async def roll_back(request: Request) -> Response:
        if (refused := service.refused(request)) is not None:
            return refused
        body, name = await request.json(), request.path_params["id"]
        service.told.append(("POST", request.url.path, body))
        earlier = next((one["fields"] for one in service.versions if one["number"] == body["number"]), RULE)
        return version(name, earlier, body["why"], body["number"])

    async def pause(request: Request) -> Response:
        if (refused := service.refused(request)) is not None:
            return refused
        out = None
        if request.method == "POST":
            body = await request.json()
            service.told.append(("POST", request.url.path, body))
            until = province.rfc3339(service.now() + timedelta(hours=4))
            out = {"until": until, "by": service.role, "why": body["why"]}
        row(request.path_params["id"])["out_of_service"] = out
        return JSONResponse(row(request.path_params["id"]))

    return [
        Route("/api/v1/rules", all_rules),
        Route("/api/v1/rules/check", check, methods=["POST"]),
        Route("/api/v1/rules/backtest", backtest, methods=["POST"]),
        Route("/api/v1/rules/{id}", put, methods=["PUT"]),
        Route("/api/v1/rules/{id}", remove, methods=["DELETE"]),
        Route("/api/v1/rules/{id}/versions", versions),
        Route("/api/v1/rules/{id}/roll-back", roll_back, methods=["POST"]),
        Route("/api/v1/rules/{id}/out-of-service", pause, methods=["POST", "DELETE"]),
    ]
