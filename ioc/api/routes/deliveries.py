"""/api/v1/channels: how messages of alerts go out; /api/v1/deliveries: what was sent to whom, and what was given up."""

from datetime import timedelta
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

import orjson
from fastapi import APIRouter, Query, Request, Response
from pydantic import Field

from ioc.alert_service.context import ChannelWait
from ioc.alerts.refusals import ActRefused
from ioc.api.auth.middleware import caller_of
from ioc.api.context import ApiContext
from ioc.api.http.json_response import JsonResponse
from ioc.api.http.problems import FieldFault, Problem
from ioc.api.http.refusals import RequestBody, refusals_as_problems
from ioc.api.http.rows import equal_to, select, stored_row
from ioc.api.http.threads import WorkerThreads
from ioc.catalog.channels import WALL, Channel
from ioc.clock import rfc3339
from ioc.messages import Message
from ioc.store.times import naive

MAX_ALERTS_AT_ONCE = 1_000


class Again(RequestBody):
    """Some by their ids, or all of a channel that were given up."""

    deliveries: list[str] | None = Field(None, min_length=1, max_length=MAX_ALERTS_AT_ONCE)
    channel: str | None = None


def routes(centre: ApiContext, threads: WorkerThreads) -> APIRouter:
    router = APIRouter(prefix="/api/v1", tags=["rules"])
    alerting = centre.alerting
    service = alerting.service

    @router.get("/channels")
    async def channels() -> dict[str, Any]:
        """Without their secrets: of an address the host alone, or Apprise's scheme. `waits_for` says why messages wait:
        `no_answer`, `asked_to_wait`, `refused` (the last try of the oldest one failed) or `turn` (they are being sent).
        """

        def read() -> dict[str, Any]:
            since = naive(centre.clock.now() - timedelta(days=1))
            rows = service.store.select(
                "SELECT channel, count(*) FILTER (state = 'waiting') AS waiting, "
                "min(planned_at) FILTER (state = 'waiting') AS waiting_since, "
                "arg_min(reason, planned_at) FILTER (state = 'waiting') AS waiting_reason, "
                "arg_min(code, planned_at) FILTER (state = 'waiting') AS waiting_code, "
                "arg_min(params, planned_at) FILTER (state = 'waiting') AS waiting_params, "
                "count(*) FILTER (state = 'sent' AND last_at >= ?) AS sent_24h, "
                "count(*) FILTER (state = 'dead' AND last_at >= ?) AS dead_24h, "
                "max(last_at) FILTER (state = 'sent') AS last_sent_at FROM delivery_states GROUP BY channel",
                [since, since],
            )
            failed = service.store.select(
                "SELECT d.channel, max(a.tried_at) AS last_failed_at, arg_max(a.reason, a.tried_at) AS last_reason, "
                "arg_max_null(a.code, a.tried_at) AS last_code, arg_max_null(a.params, a.tried_at) AS last_params "
                "FROM delivery_attempts a JOIN deliveries d ON d.id = a.delivery "
                "WHERE a.outcome IN ('failed', 'dead') GROUP BY d.channel"
            )
            stands = {row["channel"]: stored_row(row) for row in rows}
            fell = {row["channel"]: stored_row(row) for row in failed}
            known = service.in_force.channels
            return {"channels": [shape(one, stands.get(one.id, {}), fell.get(one.id, {})) for one in known.values()]}

        return await threads.run(read)

    def shape(channel: Channel, stands: dict[str, Any], fell: dict[str, Any]) -> dict[str, Any]:
        routing = service.in_force.alerting.routing
        return {
            "id": channel.id,
            "kind": "wall" if channel.id == WALL else "webhook" if channel.webhook else "apprise",
            "to": _host(channel),
            "used_by": {
                "receivers": [one.id for one in routing.receivers.values() if channel.id in one.channels],
                "people": [one.id for one in routing.people.values() if channel.id in one.channels],
            },
            "waiting": stands.get("waiting", 0),
            "waiting_since": stands.get("waiting_since"),
            "waits_for": _waits_for(stands, alerting.channel_waits().get(channel.id)),
            "sent_24h": stands.get("sent_24h", 0),
            "dead_24h": stands.get("dead_24h", 0),
            "last_sent_at": stands.get("last_sent_at"),
            "last_failed_at": fell.get("last_failed_at"),
            "last_reason": fell.get("last_reason", ""),
            "last_code": fell.get("last_code") or "",
            "last_params": orjson.loads(fell.get("last_params") or "{}"),
        }

    @router.post("/channels/{channel}/test")
    async def try_channel(request: Request, channel: str) -> Response:
        """A test message to this channel alone; 503 with the reason when it does not arrive."""
        by = caller_of(request).name
        if channel not in service.in_force.channels:
            raise Problem(404, Message("no_channel", given=channel[:80]))

        def work() -> Response:
            province = service.in_force.catalog.province.name
            text = f"Tin thử từ {province}, gửi bởi {by}. / A test message; nothing is wrong."
            alerting.try_channel(channel, text)
            centre.people.trail.note(by, "channel.test", channel)
            return JsonResponse({"channel": channel, "sent": True})

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
            return {"deliveries": [_delivery(row) for row in rows]}

        return await threads.run(read)

    @router.post("/deliveries/retry")
    async def retry(request: Request, given: Again) -> Response:
        """What was given up goes out once more, with the same id; 409 when nothing of it was."""
        by = caller_of(request).name

        def work() -> Response:
            with refusals_as_problems():
                if (given.deliveries is None) == (given.channel is None):
                    raise ActRefused("deliveries", Message("deliveries_once"))
                wanted = given.deliveries
                if wanted is None:
                    query = "SELECT id FROM delivery_states WHERE {where} ORDER BY planned_at LIMIT ?"
                    dead = select(
                        centre.cursor, query, equal_to(state="dead", channel=given.channel), [MAX_ALERTS_AT_ONCE]
                    )
                    wanted = [row["id"] for row in dead]
                retried = alerting.retry(wanted, by)
                if not retried:
                    raise ActRefused("", Message("none_given_up"))
            centre.people.trail.note(by, "delivery.retry", f"{len(retried)} messages", {"ids": " ".join(retried)})
            return JsonResponse({"retried": retried})

        return await threads.run(work)

    return router


def _delivery(row: dict[str, Any]) -> dict[str, Any]:
    return stored_row(row) | {"code": row["code"] or "", "params": orjson.loads(row["params"] or "{}")}


def _waits_for(stands: dict[str, Any], wait: ChannelWait | None) -> dict[str, Any] | None:
    """None while nothing waits."""
    if not stands.get("waiting"):
        return None
    if wait is not None:
        until, since = (None if at is None else rfc3339(at) for at in (wait.until, wait.away_since))
        said = FieldFault("", wait.said.text, wait.said.code, wait.said.params).shape()
        return {"code": wait.code, "reason": wait.said.text, "said": said, "until": until, "away_since": since}
    reason = stands.get("waiting_reason") or ""
    params = orjson.loads(stands.get("waiting_params") or "{}")
    last = FieldFault("", reason, stands.get("waiting_code") or "", params).shape()
    word = "refused" if reason else "turn"
    return {"code": word, "reason": reason, "said": last, "until": None, "away_since": None}


def _host(channel: Channel) -> str:
    if channel.webhook:
        parts = urlsplit(channel.webhook)
        return f"{parts.scheme}://{parts.hostname or ''}"
    return channel.apprise.partition("://")[0]
