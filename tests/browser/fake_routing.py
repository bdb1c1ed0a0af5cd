"""Routing of the fake desk, read and evaluated by the centre's own code; channels, messages and the audit."""

import tomllib
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from ioc.alerts.records import to_record
from ioc.alerts.route_tester import trace_route
from ioc.alerts.versions import revision_of
from ioc.api.http.refusals import field_faults
from ioc.catalog.routing import AlertRouting, read_routing
from ioc.catalog.toml_table import CatalogInvalid, DefinitionFault, TomlTable
from ioc.messages import Message
from tests.browser import province
from tests.browser.province import Json

if TYPE_CHECKING:
    from tests.browser.fake_desk import FakeDesk

ZONE = ZoneInfo("Asia/Ho_Chi_Minh")
CHANNELS = ("wall", "duty-hook", "chief-sms")
ROUTING = """[[person]]
id = "lan"
name = "Nguyễn Lân"
channels = ["duty-hook"]

[[person]]
id = "chef"
name = "Trần Thị Hà"
channels = ["chief-sms"]

[[schedule]]
id = "duty"
name = { vi = "Trực ban trung tâm", en = "Duty officer" }
otherwise = ["chef"]
shift = [{ days = ["mon", "tue", "wed", "thu", "fri"], since = "07:00", until = "19:00", people = ["lan"] }]

[[receiver]]
id = "wall"
name = { vi = "Màn hình trung tâm", en = "Wall" }
channels = ["wall"]

[[receiver]]
id = "duty"
name = { vi = "Người trực", en = "Who is on duty" }
schedule = "duty"

[[inhibition]]
id = "missing_quiets_others"
source = ["lack = missing"]
target = ["lack != missing", "rule =~ .+"]
equal = ["kpi", "unit"]

[route]
receivers = ["wall"]
group_by = ["rule"]
group_wait = "30s"
group_interval = "5m"
repeat_interval = "4h"

[[route.route]]
id = "grave"
matchers = ["severity =~ critical|high"]
receivers = ["wall", "duty"]
escalation = [{ after = "30m", receivers = ["duty"] }]
"""


def read(text: str) -> AlertRouting:
    """Raises CatalogInvalid."""
    faults: list[DefinitionFault] = []
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as fault:
        raise CatalogInvalid(
            [DefinitionFault("", "", "text", Message("not_toml", line=1, column=1, detail=str(fault)))]
        ) from None
    found = read_routing(TomlTable("", data, {}, "", faults), faults, CHANNELS)
    if found is None:
        raise CatalogInvalid(faults)
    return found


def letters(now: datetime) -> list[Json]:
    """Return two messages: one that was given up and one that arrived."""
    base = {"kind": "firing", "receiver": "duty", "alerts": [], "subject": "[high] 1 đang diễn ra · Huế"}
    at = province.rfc3339(now - timedelta(minutes=9))
    dead = {"id": "d1", "channel": "duty-hook", "person": "Nguyễn Lân", "state": "dead", "attempts": 8}
    sent = {"id": "d2", "channel": "wall", "person": "", "state": "sent", "attempts": 1, "reason": ""}
    return [base | dead | {"planned_at": at, "reason": "HTTP 500"}, base | sent | {"planned_at": at}]


def on_call(start: datetime) -> Json:
    """Return a week with a shift each day, one exception, and one night without anybody."""
    shifts, gaps = [], []
    for day in range(7):
        at = start + timedelta(days=day)
        shift = {"from": _at(at, 7), "until": _at(at, 19), "people": ["lan"], "kind": "shift", "why": ""}
        if day == 2:
            shift |= {"people": ["chef"], "kind": "exception", "why": "đổi ca"}
        shifts.append(shift)
        if day == 6:
            gaps.append({"from": _at(at, 19), "until": _at(at, 24), "stands_in": []})
        else:
            shifts.append(shift | {"from": _at(at, 19), "until": _at(at, 31), "people": ["chef"], "kind": "otherwise"})
            gaps.append({"from": _at(at, 19), "until": _at(at, 31), "stands_in": ["chef"]})
    people = [{"id": "lan", "name": "Nguyễn Lân"}, {"id": "chef", "name": "Trần Thị Hà"}]
    schedule = {"id": "duty", "name": {"vi": "Trực ban trung tâm", "en": "Duty officer"}, "shifts": shifts}
    return {"from": _at(start, 0), "to": _at(start, 168), "people": people, "schedules": [schedule | {"gaps": gaps}]}


def audit_of(fired: list[Json], start: datetime, end: datetime, operators: int) -> Json:
    """Return an audit of a ten-minute flood an hour ago, in which one source chatters."""
    flood = int((end - timedelta(hours=1)).timestamp() * 1000)
    source = {"rule": "lgsp-latency", "unit": "46", "alerts": len(fired), "share": 0.4}
    return {
        "from": province.rfc3339(start),
        "to": province.rfc3339(end),
        "operators": operators,
        "alerts": len(fired),
        "per_window": 0.7 / operators,
        "per_day": len(fired) / operators,
        "busiest_window": 24 / operators,
        "floods": [{"from_ms": flood, "until_ms": flood + 600_000, "alerts": 24}] if fired else [],
        "flood_share": 0.007,
        "chattering": [source],
        "stale": ["lgsp-latency/46/1700000000000"],
        "top": [source, source | {"unit": "19753", "share": 0.1}],
        "mix": {"critical": 0.1, "high": 0.3, "lower": 0.6},
        "answer": {"median_s": 95.0, "p90_s": 400.0, "acknowledged": 12, "open": 3},
        "goals": {},
    }


def routes(desk: "FakeDesk") -> list[Route]:
    async def routing(_: Request) -> Response:
        if (refused := desk.may_not()) is not None:
            return refused
        found = read(desk.routing)
        shape: dict[str, Any] = {
            "text": desk.routing,
            "revision": revision_of(desk.routing),
            "route": to_record(found.routing.root),
            "receivers": [to_record(one) for one in found.routing.receivers.values()],
            "people": [to_record(one) for one in found.routing.people.values()],
            "inhibitions": [to_record(one) for one in found.inhibitions],
            "on_duty": {"duty": ["lan"]},
            "versions": desk.routing_versions,
        }
        return JSONResponse(shape)

    async def check(request: Request) -> Response:
        try:
            read((await request.json())["text"])
        except CatalogInvalid as invalid:
            return JSONResponse({"sound": False, "errors": [fault.shape() for fault in field_faults(invalid)]})
        return JSONResponse({"sound": True, "errors": []})

    async def put(request: Request) -> Response:
        if (refused := desk.refused(request)) is not None:
            return refused
        body = await request.json()
        desk.told.append(("PUT", request.url.path, body))
        if (present := revision_of(desk.routing)) != body["revision"]:
            given = {"what": Message("the_routing"), "by": "lan", "fields": ["route.group_wait"], "revision": present}
            message = Message("changed_meanwhile", why="", number=2, at=None, **given)
            fault = {"field": "revision", "message": message, **message.shape()}
            changed = {"status": 409, "detail": message, "errors": [fault]}
            return JSONResponse(changed, 409, media_type="application/problem+json")
        desk.routing = body["text"]
        number, at = len(desk.routing_versions) + 1, province.rfc3339(desk.now())
        made = {"number": number, "by": desk.role, "at": at, "why": body["why"], "text": body["text"]}
        desk.routing_versions.append(made)
        return JSONResponse({"number": number})

    async def test(request: Request) -> Response:
        body = await request.json()
        desk.told.append(("POST", request.url.path, body))
        rule = next((one for one in desk.rules if one["id"] == body.get("rule")), None)
        labels = body.get("labels") or {
            "rule": body["rule"],
            "unit": body["unit"],
            "severity": (rule or {})["severity"],
        }
        monday_morning = datetime(2026, 11, 23, 9, tzinfo=ZONE)
        way = trace_route(read(desk.routing).routing, labels, monday_morning)
        return JSONResponse(to_record(way) | {"labels": labels, "suppression": []})

    async def duty(request: Request) -> Response:
        if (refused := desk.may_not()) is not None:
            return refused
        start = datetime.fromisoformat(request.query_params["from"]).astimezone(ZONE)
        return JSONResponse(on_call(start))

    async def channels(_: Request) -> Response:
        now = province.rfc3339(desk.now())
        base = {"waiting": 0, "sent_24h": 12, "dead_24h": 0, "last_sent_at": now, "last_failed_at": None}
        hook = {"id": "duty-hook", "kind": "webhook", "to": "https://hooks.example.vn", "dead_24h": 1}
        used = {"used_by": {"receivers": ["duty"], "people": ["lan"]}, "last_reason": "HTTP 500"}
        wall = {"id": "wall", "kind": "wall", "to": "", "used_by": {"receivers": ["wall"], "people": []}}
        return JSONResponse({"channels": [base | wall | {"last_reason": ""}, base | hook | used]})

    async def try_channel(request: Request) -> Response:
        if (refused := desk.refused(request)) is not None:
            return refused
        desk.told.append(("POST", request.url.path, None))
        return JSONResponse({"channel": request.path_params["id"], "sent": True})

    async def deliveries(request: Request) -> Response:
        state = request.query_params.get("state")
        return JSONResponse({"deliveries": [one for one in desk.letters if state in (None, one["state"])]})

    async def retry(request: Request) -> Response:
        if (refused := desk.refused(request)) is not None:
            return refused
        body = await request.json()
        desk.told.append(("POST", request.url.path, body))
        for one in desk.letters:
            if one["id"] in body["deliveries"]:
                one["state"] = "waiting"
        return JSONResponse({"retried": body["deliveries"]})

    async def audit(request: Request) -> Response:
        given = request.query_params
        start, end = (datetime.fromisoformat(given[name]) for name in ("from", "to"))
        return JSONResponse(audit_of(desk.fired, start, end, int(given["operators"])))

    async def history(_: Request) -> Response:
        return JSONResponse({"alerts": desk.fired, "next": None})

    return [
        Route("/api/v1/routing", routing),
        Route("/api/v1/routing", put, methods=["PUT"]),
        Route("/api/v1/routing/check", check, methods=["POST"]),
        Route("/api/v1/routing/test", test, methods=["POST"]),
        Route("/api/v1/routing/on-call", duty),
        Route("/api/v1/channels", channels),
        Route("/api/v1/channels/{id}/test", try_channel, methods=["POST"]),
        Route("/api/v1/deliveries", deliveries),
        Route("/api/v1/deliveries/retry", retry, methods=["POST"]),
        Route("/api/v1/alerts/audit", audit),
        Route("/api/v1/alerts/history", history),
    ]


def _at(day: datetime, hour: int) -> str:
    return province.rfc3339((day + timedelta(hours=hour)).astimezone(UTC))
