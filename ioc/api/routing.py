"""/api/v1/routing: who is told of alerts; /api/v1/deliveries: what was sent to whom."""

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Request, Response
from pydantic import Field

from ioc.alerts.records import to_record
from ioc.alerts.routing import who_would_get
from ioc.alerts.schedules import on_duty
from ioc.api.answers import Json
from ioc.api.centre import Centre
from ioc.api.gate import caller_of
from ioc.api.problems import Problem
from ioc.api.refusals import Text, refusing
from ioc.api.rows import equal_to, select, stored_time
from ioc.api.threads import Threads
from ioc.api.times import parse_time
from ioc.catalog.routing import Alerting
from ioc.clock import rfc3339
from ioc.desk import routebook


class Draft(Text):
    text: str = Field(max_length=500_000)


class Change(Draft):
    why: str = Field("", max_length=4_000)


class Question(Text):
    """An alert with these labels at a moment (now without it), by the routing in force or that of `text`."""

    labels: dict[str, str]
    at: str | None = None
    text: str | None = Field(None, max_length=500_000)


def routes(centre: Centre, threads: Threads) -> APIRouter:
    router = APIRouter(prefix="/api/v1", tags=["rules"])
    operating = centre.operating
    desk = operating.desk

    @router.get("/routing")
    async def routing() -> dict[str, Any]:
        """The file as it is written, the same as data, who is on duty now, and earlier versions."""

        def read() -> dict[str, Any]:
            local = centre.clock.now().astimezone(desk.place.zone)
            found = desk.in_force.alerting.routing
            return {
                "text": routebook.routing_text(desk),
                **_shape(desk.in_force.alerting),
                "on_duty": {name: list(on_duty(one, local)) for name, one in found.schedules.items()},
                "channels": sorted(desk.in_force.channels),
                "versions": [
                    {
                        "number": row["number"],
                        "by": row["changed_by"],
                        "at": rfc3339(row["changed_at"]),
                        "why": row["why"],
                        "text": row["content"],
                    }
                    for row in routebook.routing_versions(desk)
                ],
            }

        return await threads.run(read)

    @router.put("/routing")
    async def put(request: Request, given: Change) -> Response:
        """In force at once; a fault is refused with its fields, and the old routing stays."""
        by = caller_of(request).name

        def work() -> Response:
            with refusing():
                number = routebook.put_routing(desk, given.text, by, given.why)
            centre.people.trail.note(by, "routing.change", str(number), {"why": given.why})
            return Json({"number": number})

        return await threads.run(work)

    @router.post("/routing/check")
    async def check(given: Draft) -> Response:
        """Whether it is a routing; nothing is saved."""
        with refusing():
            found = await threads.run(lambda: routebook.check_routing(desk, given.text))
        return Json({"sound": True, **_shape(found)})

    @router.post("/routing/test")
    async def test(given: Question) -> dict[str, Any]:
        """Who would get it, when, by which way through the tree."""
        moment = centre.clock.now() if given.at is None else parse_time("at", given.at)
        with refusing():
            alerting = desk.in_force.alerting if given.text is None else routebook.check_routing(desk, given.text)
        way = who_would_get(alerting.routing, given.labels, moment.astimezone(desk.place.zone))
        found: dict[str, Any] = to_record(way)
        return found

    @router.post("/channels/{channel}/test")
    async def try_channel(request: Request, channel: str) -> Response:
        """A test message to this channel alone; 503 with the reason when it does not arrive."""
        by = caller_of(request).name
        if channel not in desk.in_force.channels:
            raise Problem(404, f"There is no channel {channel[:80]!r}.")

        def work() -> Response:
            text = (
                f"Tin thử từ {desk.in_force.catalog.province.name}, gửi bởi {by}. / A test message; nothing is wrong."
            )
            operating.try_channel(channel, text)
            centre.people.trail.note(by, "channel.test", channel)
            return Json({"channel": channel, "sent": True})

        return await threads.run(work)

    @router.get("/deliveries")
    async def deliveries(
        state: Literal["waiting", "sent", "dead"] | None = None,
        channel: str | None = None,
        limit: Annotated[int, Query(ge=1, le=1000)] = 100,
    ) -> dict[str, Any]:
        """Messages, latest first, with how they stand and the reason of the last try."""

        def read() -> dict[str, Any]:
            query = "SELECT * FROM delivery_states WHERE {where} ORDER BY planned_at DESC, id LIMIT ?"
            rows = select(centre.cursor, query, equal_to(state=state, channel=channel), [limit])
            return {"deliveries": [_row(row) for row in rows]}

        return await threads.run(read)

    return router


def _shape(alerting: Alerting) -> dict[str, Any]:
    routing = alerting.routing
    return {
        "route": to_record(routing.root),
        "receivers": [to_record(one) for one in routing.receivers.values()],
        "people": [to_record(one) for one in routing.people.values()],
        "schedules": [to_record(one) for one in routing.schedules.values()],
        "inhibitions": [to_record(one) for one in alerting.inhibitions],
        "templates": [to_record(one) for one in alerting.templates.values()],
    }


def _row(row: dict[str, Any]) -> dict[str, Any]:
    return {name: stored_time(value) if hasattr(value, "tzinfo") else value for name, value in row.items()}
