"""The fake centre with people, alerts and what is done about them: the material of the console's browser tests."""

import json
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from ioc.model.person import PERMISSIONS, Role
from tests.browser import province
from tests.browser.fake_centre import PAGES, FakeCentre
from tests.browser.province import Json

PASSWORD = "mat-khau-dung-roi"
CSRF = "csrf-of-this-session"
TOKEN = "token-of-the-wall"
NAMES = {"viewer": "Vũ Xem", "operator": "Phạm Dũng", "analyst": "Lê Phân Tích", "admin": "Hồ Quản Trị"}


class FakeDesk(FakeCentre):
    """`role` is whose session it is, empty for nobody; `closed` lets nobody in who has not logged in. `told` are the
    changes that pages asked for: method, path, body."""

    def __init__(self, *, role: str = "operator", closed: bool = False, pages: Path = PAGES) -> None:
        self.role = role
        self.closed = closed
        self.has_display = False
        self.told: list[tuple[str, str, Any]] = []
        self.silences: list[Json] = []
        self.acts: list[Json] = []
        self.rules = [rule_row("lgsp-latency", "high", 1), rule_row("river-high", "critical", 0)]
        self.versions: list[Json] = []
        self.incidents: list[Json] = []
        super().__init__(pages=pages)

    def __enter__(self) -> "FakeDesk":
        super().__enter__()
        return self

    def alert(self, name: str, severity: int, unit: str, vi: str, minutes: float, **other: Any) -> Json:
        """Push one alert that fired so many minutes ago."""
        row = alert_row(name, severity, unit, vi, self.now() - timedelta(minutes=minutes), **other)
        self.push(alerts=[row])
        return row

    def alert_of(self, alert_id: str) -> Json | None:
        return next((row for row in self._state["alerts"] if row["id"] == alert_id), None)

    @property
    def has_alerts(self) -> bool:
        return bool(self._state["alerts"])

    def _app(self, pages: Path) -> Starlette:
        app = super()._app(pages)
        page = _endpoint(app, "/ops")
        app.router.routes[:0] = [
            Route("/login", page),
            Route("/api/v1/session", self._session, methods=["GET", "POST", "DELETE"]),
            Route("/api/v1/rules", self._rules),
            Route("/api/v1/rules/{what}", self._change_rule, methods=["POST", "PUT"]),
            Route("/api/v1/rules/{id}/versions", self._versions),
            Route("/api/v1/rules/{id}/roll-back", self._change_rule, methods=["POST"]),
            Route("/api/v1/incidents", self._incidents, methods=["GET", "POST"]),
            Route("/api/v1/incidents/{id}/acts", self._act_on_incident, methods=["POST"]),
            Route("/api/v1/silences", self._silences, methods=["GET", "POST"]),
            Route("/api/v1/silences/{id}", self._end_silence, methods=["DELETE"]),
            Route("/api/v1/alerts/{act}", self._act, methods=["POST"]),
            Route("/api/v1/alerts/{id:path}", self._in_full, methods=["GET"]),
        ]
        if self.closed:
            for path in ("/api/v1/centre", "/api/v1/units", "/api/v1/definitions", "/api/v1/displays/{id}"):
                inner = _endpoint(app, path)
                app.router.routes.insert(0, Route(path, self._only_known(inner)))
        return app

    def _only_known(self, inner: Any) -> Any:
        async def guarded(request: Request) -> Response:
            if not self.role and not self.has_display:
                return _problem(401, "Log in, or send a token: Authorization: Bearer TOKEN.")
            response: Response = await inner(request)
            return response

        return guarded

    async def _session(self, request: Request) -> Response:
        if request.method == "DELETE":
            self.role = ""
            return Response(status_code=204)
        if request.method == "POST":
            given = await request.json()
            self.told.append(("POST", request.url.path, given))
            if given.get("display_token"):
                self.has_display = given["display_token"] == TOKEN
                if not self.has_display:
                    return _problem(401, "This is no token of a display of this centre.")
            elif given["name"] in NAMES and given["password"] == PASSWORD:
                self.role = given["name"]
            else:
                return _problem(401, "This name and password do not belong together.")
        return JSONResponse(self._who())

    def _who(self) -> Json:
        if not self.role:
            permissions = [] if self.closed and not self.has_display else ["look"]
            return {"name": "", "full_name": "", "role": "", "permissions": permissions, "csrf": ""}
        return {
            "name": self.role,
            "full_name": NAMES[self.role],
            "role": self.role,
            "permissions": sorted(PERMISSIONS[Role(self.role)]),
            "csrf": CSRF,
        }

    async def _act(self, request: Request) -> Response:
        if (refused := self._refused(request)) is not None:
            return refused
        act, body = request.path_params["act"], await request.json()
        self.told.append(("POST", request.url.path, body))
        changed = []
        for alert_id in body["alerts"]:
            row = self.alert_of(alert_id)
            if row is None:
                return _problem(409, f"There is no alert {alert_id!r} now; it may have ended.")
            changed.append(row | self._after(act))
            done = {"alert": alert_id, "done_at": province.rfc3339(self.now()), "who": NAMES[self.role], "act": act}
            self.acts.append(done | {"text": body.get("text", "")})
        await self._push_here(changed)
        return Response(status_code=204)

    def _after(self, act: str) -> Json:
        changes: dict[str, Json] = {
            "acknowledge": {"handling": "acknowledged", "holder": NAMES[self.role]},
            "unacknowledge": {"handling": "unacknowledged", "holder": ""},
            "shelve": {"handling": "shelved", "quiet": True},
            "unshelve": {"handling": "unacknowledged", "quiet": False},
        }
        return changes.get(act, {})

    async def _push_here(self, rows: list[Json]) -> None:
        """As `push`, from within the server's own loop."""
        by_id = {row["id"]: row for row in rows}
        self._state["alerts"] = [by_id.get(row["id"], row) for row in self._state["alerts"]]
        previous, self._seq = self._seq, self._seq + 1
        delta = {"type": "delta", "prev": previous, "seq": self._seq, "alerts": rows}
        self._deltas[previous] = delta
        await self._broadcast(delta)

    async def _in_full(self, request: Request) -> Response:
        row = self.alert_of(unquote(request.path_params["id"]))
        if row is None:
            return _problem(404, "There is no such alert.")
        fired = {"kind": "firing", "moved_at": row["since"], "value": row["value"], "rule_version": "a4"}
        rule = {"fires_above": 840.0, "clears_below": 825.0, "held_for": "5m"}
        return JSONResponse(
            {
                "id": row["id"],
                "alert": row,
                "rule": rule,
                "transitions": [fired],
                "acts": [act for act in self.acts if act["alert"] == row["id"]],
                "deliveries": [],
                "incidents": [],
            }
        )

    async def _rules(self, _: Request) -> Response:
        return JSONResponse({"rules": self.rules, "procedures": [PROCEDURE], "own_figures": [], "left_out": []})

    async def _versions(self, request: Request) -> Response:
        made = [each for each in self.versions if each["rule"] == request.path_params["id"]]
        packs = {"number": 0, "by": "", "at": None, "why": "", "of": "", "text": RULE_TEXT}
        return JSONResponse({"rule": request.path_params["id"], "versions": [*reversed(made), packs]})

    async def _change_rule(self, request: Request) -> Response:
        """Check, backtest, save, roll back. A clearing limit above 840 is on the wrong side."""
        if (refused := self._refused(request)) is not None:
            return refused
        what, body = request.url.path.rsplit("/", 1)[1], await request.json()
        if what == "check":
            wrong = "clears_below = 9" in body["text"]
            fault = {"field": "clears_below", "message": "900 is above the firing limit 840; it lies below it."}
            told = [
                {"receiver": "wall", "channel": "wall", "person": "", "route": "", "after": 0, "is_escalation": False}
            ]
            errors = [fault] if wrong else []
            return JSONResponse({"sound": not wrong, "errors": errors, "text": body["text"], "told": told})
        self.told.append((request.method, request.url.path, body))
        if what == "backtest":
            after = {"count": 12, "firing_s": 7200, "units": {"46": 12}, "firings": []}
            before = {"count": 30, "firing_s": 36_000, "units": {"46": 30}, "firings": []}
            return JSONResponse({"from": "", "to": "", "step_s": 1800, "units": 1, "after": after, "before": before})
        rule = what if request.method == "PUT" else request.path_params["id"]
        number = len(self.versions) + 1
        self.versions.append({"number": number, "by": self.role, "at": None, "why": body["why"], "rule": rule})
        text = body.get("text", RULE_TEXT)
        self.rules = [
            row | ({"text": text, "version": f"v{number}"} if row["id"] == rule else {}) for row in self.rules
        ]
        return JSONResponse({"number": number, "rule": self.rules[0]})

    async def _incidents(self, request: Request) -> Response:
        if (refused := self._may_not()) is not None:
            return refused
        if request.method == "GET":
            return JSONResponse({"incidents": self.incidents, "closing_reasons": ["solved", "false_alarm"]})
        given = await request.json()
        self.incidents.insert(0, incident_row(given["title"], given["alerts"], self.now(), self.role))
        return JSONResponse(self.incidents[0], 201)

    async def _act_on_incident(self, request: Request) -> Response:
        if (refused := self._refused(request)) is not None:
            return refused
        given, now = await request.json(), province.rfc3339(self.now())
        incident = next(row for row in self.incidents if row["id"] == request.path_params["id"])
        following = incident["procedures"]["integration"]
        if given["act"] == "do_step":
            following["ticks"][given["of"].split("/")[1]] = {"by": self.role, "at": now, "note": ""}
            following["done"] += 1
        if given["act"] == "close":
            incident |= {"closed_at": now, "closing_reason": given["of"]}
        word = {"do_step": "step_done", "close": "closed", "comment": "commented"}[given["act"]]
        incident["timeline"].append({"at": now, "by": self.role, "act": word, "of": given["of"], "text": given["text"]})
        return JSONResponse(incident)

    async def _silences(self, request: Request) -> Response:
        if request.method == "GET":
            return JSONResponse({"silences": self.silences})
        if (refused := self._refused(request)) is not None:
            return refused
        body = await request.json()
        self.told.append(("POST", request.url.path, body))
        if not body["matchers"]:
            return _problem(400, "There is no matcher.", "matchers")
        made = silence_row(f"s{len(self.silences)}", body["matchers"], self.now(), by=NAMES[self.role], why=body["why"])
        self.silences.append(made)
        return JSONResponse(made, 201)

    async def _end_silence(self, request: Request) -> Response:
        if (refused := self._refused(request)) is not None:
            return refused
        self.told.append(("DELETE", request.url.path, None))
        for row in self.silences:
            if row["id"] == request.path_params["id"]:
                ended = {"state": "expired", "ended_at": province.rfc3339(self.now()), "ended_by": NAMES[self.role]}
                row.update(ended)
        return Response(status_code=204)

    def _may_not(self) -> Response | None:
        if not self.role:
            return _problem(401, "Log in, or send a token: Authorization: Bearer TOKEN.")
        if "handle_alerts" not in PERMISSIONS[Role(self.role)]:
            return _problem(403, "Your role may not do this.")
        return None

    def _refused(self, request: Request) -> Response | None:
        if (refused := self._may_not()) is not None:
            return refused
        if request.headers.get("x-csrf-token") != CSRF:
            return _problem(403, "The header X-CSRF-Token is missing or of another session; load the page anew.")
        return None


RULE_TEXT = """[[rule]]
id = "lgsp-latency"
kpi = "lgsp.latency_p95"
fires_above = 840
clears_below = 825
"""
PROCEDURE: Json = {
    "id": "integration",
    "name": {"vi": "lỗi nền tảng tích hợp", "en": "faults of the integration platform"},
    "steps": [
        {"id": "look", "text": {"vi": "Xem dịch vụ lỗi nhiều nhất", "en": "See which service fails most"}},
        {"id": "call", "text": {"vi": "Gọi đơn vị vận hành", "en": "Call who runs it"}},
    ],
}


def _endpoint(app: Starlette, path: str) -> Any:
    return next(route.endpoint for route in app.routes if isinstance(route, Route) and route.path == path)


def incident_row(title: str, alerts: list[str], now: datetime, by: str) -> Json:
    opened = {"at": province.rfc3339(now), "by": by, "act": "opened", "of": "", "text": title}
    return {
        "id": "S-2026-0001",
        "title": title,
        "severity": "high",
        "opened_at": province.rfc3339(now),
        "opened_by": by,
        "alerts": alerts,
        "assignee": "",
        "procedures": {"integration": {"procedure": PROCEDURE, "ticks": {}, "done": 0, "steps": 2}},
        "attachments": [],
        "timeline": [opened],
        "closed_at": None,
        "closing_reason": None,
    }


def rule_row(name: str, severity: str, firing: int) -> Json:
    return {
        "id": name,
        "name": {"vi": f"Luật {name}", "en": f"Rule {name}"},
        "sector": "integration",
        "kpi": "lgsp.latency_p95",
        "severity": severity,
        "owner": "IOC",
        "procedure": "integration",
        "version": "v0",
        "fields": {},
        "text": RULE_TEXT,
        "units": 1,
        "firing": firing,
        "out_of_service": None,
    }


def alert_row(name: str, severity: int, unit: str, vi: str, since: datetime, **other: Any) -> Json:
    rule = other.get("rule", name)
    base: Json = {
        "id": f"{rule}/{unit}/{int(since.timestamp() * 1000)}",
        "rule": rule,
        "severity": severity,
        "kpi": "lgsp.latency_p95",
        "unit": unit,
        "name": {"vi": vi, "en": f"Alert {name}"},
        "since": province.rfc3339(since),
        "holder": "",
        "handling": "unacknowledged",
        "handled": "",
        "quiet": False,
        "suppression": [],
        "value": 842.0,
        "unit_of_measure": "ms",
        "digits": 0,
        "limit": "> 840",
        "procedure": "integration",
        "labels": {"rule": rule, "unit": unit, "severity": ("critical", "high", "medium", "low")[severity - 1]},
    }
    return base | other


def silence_row(name: str, matchers: list[str], now: datetime, **other: Any) -> Json:
    return {
        "id": name,
        "matchers": matchers,
        "from": province.rfc3339(now),
        "until": province.rfc3339(now + timedelta(hours=1)),
        "by": "Phạm Dũng",
        "why": "Bảo trì",
        "ends_on_resolve": False,
        "state": "holds",
        "alerts": [],
        "ended_at": None,
        "ended_by": "",
    } | other


def _problem(status: int, detail: str, field: str = "") -> Response:
    errors = [{"field": field, "message": detail}] if field else []
    body = {"title": "Problem", "status": status, "detail": detail, "errors": errors}
    return Response(json.dumps(body), status, media_type="application/problem+json")
