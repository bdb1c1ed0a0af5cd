"""The fake centre with people, alerts and actions on them, for the console's browser tests."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from ioc.messages import Message
from ioc.model.matcher import MatcherInvalid, all_accept, parse_matchers
from ioc.model.person import PERMISSIONS, Role
from tests.browser import fake_incidents, fake_routing, fake_rules, province
from tests.browser.desk_rows import NAMES, RULE, alert_row, rule_row, silence_row
from tests.browser.fake_centre import PAGES, FakeCentre
from tests.browser.province import Json

PASSWORD = "mat-khau-dung-roi"
CSRF = "csrf-of-this-session"
TOKEN = "token-of-the-wall"

LOG_IN = Message("log_in")


class FakeDesk(FakeCentre):
    """A fake centre with an alert desk.

    `role` is the session's role, empty without a session; `closed` requires a login. `told` holds the changes that
    pages requested: method, path, body.
    """

    def __init__(self, *, role: str = "operator", closed: bool = False, pages: Path = PAGES) -> None:
        self.role = role
        self.closed = closed
        self.has_display = False
        self.told: list[tuple[str, str, Any]] = []
        self.silences: list[Json] = []
        self.acts: list[Json] = []
        river = RULE | {"id": "river-high", "name": {"vi": "Luật river-high", "en": "Rule river-high"}}
        self.rules = [rule_row(RULE, 1), rule_row(river | {"severity": "critical"}, 0)]
        self.versions: list[Json] = []
        self.meanwhile: tuple[str, Json, Json] | None = None
        self.incidents: list[Json] = []
        self.files: list[bytes] = []
        self.routing = fake_routing.ROUTING
        self.routing_versions: list[Json] = []
        self.letters = fake_routing.letters(datetime.now(UTC))
        self.fired: list[Json] = []
        super().__init__(pages=pages)

    def alert(self, name: str, severity: int, unit: str, vi: str, minutes: float, **other: Any) -> Json:
        """Push one alert that fired `minutes` ago."""
        row = alert_row(name, severity, unit, vi, self.now() - timedelta(minutes=minutes), **other)
        self.push(alerts=[row])
        return row

    def alert_of(self, alert_id: str) -> Json | None:
        return next((row for row in self._state["alerts"] if row["id"] == alert_id), None)

    def end_alert(self, name: str) -> None:
        """End an alert and push that to the pages."""
        ended = [{"id": row["id"], "removed": True} for row in self._state["alerts"] if row["rule"] == name]
        self.push(alerts=ended)

    def change_meanwhile(self, fields: Json, by: str) -> None:
        """Save a rule as another person, so that a change based on the version before is refused once."""
        before = next(rule["fields"] for rule in self.rules if rule["id"] == fields["id"])
        self.rules = [rule_row(fields, 1) if rule["id"] == fields["id"] else rule for rule in self.rules]
        self.meanwhile = (by, before, fields)

    @property
    def has_alerts(self) -> bool:
        return bool(self._state["alerts"])

    def _app(self, pages: Path) -> Starlette:
        app = super()._app(pages)
        page = _endpoint(app, "/ops")
        app.router.routes[:0] = [
            Route("/login", page),
            Route("/api/v1/session", self._session, methods=["GET", "POST", "DELETE"]),
            Route("/api/v1/people/names", self._names),
            *fake_rules.routes(self),
            *fake_routing.routes(self),
            *fake_incidents.routes(self),
            Route("/api/v1/silences", self._silences, methods=["GET", "POST"]),
            Route("/api/v1/silences/check", self._check_silence, methods=["POST"]),
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
                return problem(401, str(LOG_IN), "", LOG_IN.code, dict(LOG_IN.params))
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
                    return problem(401, "This is not the token of a display of this centre.")
            elif given["name"] in NAMES and given["password"] == PASSWORD:
                self.role = given["name"]
            else:
                return problem(401, "This name and password do not belong together.")
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

    async def _names(self, _: Request) -> Response:
        return self.may_not() or JSONResponse({"names": NAMES})

    async def _act(self, request: Request) -> Response:
        if (refused := self.refused(request)) is not None:
            return refused
        act, body = request.path_params["act"], await request.json()
        self.told.append(("POST", request.url.path, body))
        changed = []
        for alert_id in body["alerts"]:
            row = self.alert_of(alert_id)
            if row is None:
                said = f"There is no alert {alert_id!r} now; it may have ended."
                return problem(409, said, "alerts", "no_alert", {"given": alert_id})
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
        """Push rows from within the server's own event loop."""
        by_id = {row["id"]: row for row in rows}
        self._state["alerts"] = [by_id.get(row["id"], row) for row in self._state["alerts"]]
        previous, self._seq = self._seq, self._seq + 1
        delta = {"type": "delta", "prev": previous, "seq": self._seq, "alerts": rows}
        self._deltas[previous] = delta
        await self._broadcast(delta)

    async def _in_full(self, request: Request) -> Response:
        row = self.alert_of(unquote(request.path_params["id"]))
        if row is None:
            return problem(404, "There is no such alert.")
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

    async def _silences(self, request: Request) -> Response:
        if request.method == "GET":
            return JSONResponse({"silences": self.silences})
        if (refused := self.refused(request)) is not None:
            return refused
        body = await request.json()
        self.told.append(("POST", request.url.path, body))
        if not body["matchers"]:
            return problem(400, "There is no matcher.", "matchers", "no_matcher", {})
        made = silence_row(f"s{len(self.silences)}", body["matchers"], self.now(), by=NAMES[self.role], why=body["why"])
        self.silences.append(made)
        return JSONResponse(made, 201)

    async def _check_silence(self, request: Request) -> Response:
        try:
            matchers = parse_matchers((await request.json())["matchers"])
        except MatcherInvalid as fault:
            return problem(400, str(fault), "matchers", fault.message.code, dict(fault.message.params))
        labels = [row["labels"] for row in self._state["alerts"]]
        counts = [{"matcher": str(one), "count": sum(all_accept((one,), each) for each in labels)} for one in matchers]
        return JSONResponse({"count": sum(all_accept(matchers, each) for each in labels), "matchers": counts})

    async def _end_silence(self, request: Request) -> Response:
        if (refused := self.refused(request)) is not None:
            return refused
        self.told.append(("DELETE", request.url.path, None))
        for row in self.silences:
            if row["id"] == request.path_params["id"]:
                ended = {"state": "expired", "ended_at": province.rfc3339(self.now()), "ended_by": NAMES[self.role]}
                row.update(ended)
        return Response(status_code=204)

    def may_not(self) -> Response | None:
        if not self.role:
            return problem(401, str(LOG_IN), "", LOG_IN.code, dict(LOG_IN.params))
        if "handle_alerts" not in PERMISSIONS[Role(self.role)]:
            return problem(403, "Your role may not do this.")
        return None

    def refused(self, request: Request) -> Response | None:
        if (refused := self.may_not()) is not None:
            return refused
        if request.headers.get("x-csrf-token") != CSRF:
            said = "The header X-CSRF-Token is missing or of another session; reload the page."
            return problem(403, said, "session", "session_changed", {})
        return None


def _endpoint(app: Starlette, path: str) -> Any:
    return next(route.endpoint for route in app.routes if isinstance(route, Route) and route.path == path)


def problem(
    status: int, detail: str, field: str = "", code: str = "", params: dict[str, Any] | None = None
) -> Response:
    coded = {"code": code, "params": params or {}} if code else {}
    errors = [{"field": field, "message": detail, **coded}] if field or code else []
    body = {"title": "Problem", "status": status, "detail": detail, "errors": errors}
    return Response(json.dumps(body), status, media_type="application/problem+json")
