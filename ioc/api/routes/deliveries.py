"""/api/v1/channels: how notifications are sent. /api/v1/deliveries: what was sent to whom, and what was given up."""

from datetime import datetime, timedelta
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Request, Response
from pydantic import Field

from ioc.alert_service.service import AlertService
from ioc.alerts.refusals import ActRefused
from ioc.api.auth.middleware import caller_of
from ioc.api.context import Alerts, ApiContext, Context
from ioc.api.http.json_response import JsonResponse
from ioc.api.http.problems import Problem
from ioc.api.http.refusals import refusals_as_problems
from ioc.api.http.request_models import RequestBody
from ioc.api.http.rows import equal_to, select, stored_row
from ioc.api.schemas.deliveries import (
    ChannelListShape,
    ChannelTestShape,
    DeliveryListShape,
    RetryShape,
    channel_shape,
    delivery_shape,
)
from ioc.messages import Message
from ioc.store.times import naive

router = APIRouter(prefix="/api/v1", tags=["rules"])

MAX_RETRIED = 1_000
_SENT = """
SELECT channel, count(*) FILTER (state = 'waiting') AS waiting,
    min(planned_at) FILTER (state = 'waiting') AS waiting_since,
    arg_min(reason, planned_at) FILTER (state = 'waiting') AS waiting_reason,
    arg_min(code, planned_at) FILTER (state = 'waiting') AS waiting_code,
    arg_min(params, planned_at) FILTER (state = 'waiting') AS waiting_params,
    count(*) FILTER (state = 'sent' AND last_at >= ?) AS sent_24h,
    count(*) FILTER (state = 'dead' AND last_at >= ?) AS dead_24h,
    max(last_at) FILTER (state = 'sent') AS last_sent_at
FROM delivery_states GROUP BY channel
"""
_FAILED = """
SELECT d.channel, max(a.tried_at) AS last_failed_at, arg_max(a.reason, a.tried_at) AS last_reason,
    arg_max_null(a.code, a.tried_at) AS last_code, arg_max_null(a.params, a.tried_at) AS last_params
FROM delivery_attempts a JOIN deliveries d ON d.id = a.delivery
WHERE a.outcome IN ('failed', 'dead') GROUP BY d.channel
"""


class RetryRequest(RequestBody):
    """Which dead notifications to send once more: some by their ids, or all of a channel."""

    deliveries: list[str] | None = Field(None, min_length=1, max_length=MAX_RETRIED)
    channel: str | None = None


@router.get("/channels", response_model=ChannelListShape)
async def list_channels(context: Context, service: Alerts) -> Response:
    """Return all channels without their secrets, what was sent by them, and why notifications wait."""
    now = context.clock.now()

    def read() -> Response:
        sent, failed = _rows_by_channel(service, now)
        waits = context.alerting.channel_waits()
        routing = service.in_force.alerting.routing
        shapes = [
            channel_shape(one, routing, sent.get(one.id, {}), failed.get(one.id, {}), waits.get(one.id))
            for one in service.in_force.channels.values()
        ]
        return JsonResponse({"channels": shapes})

    return await context.threads.run(read)


@router.post("/channels/{channel}/test", response_model=ChannelTestShape)
async def test_channel(context: Context, service: Alerts, request: Request, channel: str) -> Response:
    """Send a test notification to this channel only. 503 with the reason when it does not arrive."""
    by = caller_of(request).name
    if channel not in service.in_force.channels:
        raise Problem(404, Message("no_channel", given=channel[:80]))

    def send() -> Response:
        province = service.in_force.catalog.province.name
        context.alerting.try_channel(
            channel, f"Tin thử từ {province}, gửi bởi {by}. / A test message; nothing is wrong."
        )
        context.people.trail.note(by, "channel.test", channel)
        return JsonResponse({"channel": channel, "sent": True})

    return await context.threads.run(send)


@router.get("/deliveries", response_model=DeliveryListShape)
async def list_deliveries(
    context: Context,
    state: Literal["waiting", "sent", "dead"] | None = None,
    channel: str | None = None,
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
) -> Response:
    """Return notifications, the latest first, with their state and the reason of the last attempt."""

    def read() -> Response:
        query = "SELECT * FROM delivery_states WHERE {where} ORDER BY planned_at DESC, id LIMIT ?"
        rows = select(context.cursor, query, equal_to(state=state, channel=channel), [limit])
        return JsonResponse({"deliveries": [delivery_shape(row) for row in rows]})

    return await context.threads.run(read)


@router.post("/deliveries/retry", response_model=RetryShape)
async def retry_deliveries(context: Context, request: Request, body: RetryRequest) -> Response:
    """Send dead notifications once more, with the same id. 409 when none of them is dead."""
    by = caller_of(request).name

    def retry() -> Response:
        with refusals_as_problems():
            retried = context.alerting.retry(_requested(context, body), by)
            if not retried:
                raise ActRefused("", Message("none_given_up"))
        context.people.trail.note(by, "delivery.retry", f"{len(retried)} messages", {"ids": " ".join(retried)})
        return JsonResponse({"retried": retried})

    return await context.threads.run(retry)


def _requested(context: ApiContext, body: RetryRequest) -> list[str]:
    """Return the ids to retry. Raises ActRefused, StoreUnavailable."""
    if (body.deliveries is None) == (body.channel is None):
        raise ActRefused("deliveries", Message("deliveries_once"))
    if body.deliveries is not None:
        return body.deliveries
    query = "SELECT id FROM delivery_states WHERE {where} ORDER BY planned_at LIMIT ?"
    dead = select(context.cursor, query, equal_to(state="dead", channel=body.channel), [MAX_RETRIED])
    return [row["id"] for row in dead]


def _rows_by_channel(
    service: AlertService, now: datetime
) -> tuple[dict[str, dict[str, Any]], dict[str, dict[str, Any]]]:
    """Read the rows of deliveries and of failed attempts, by channel. Raises StoreUnavailable."""
    day_ago = naive(now - timedelta(days=1))
    sent = service.store.select(_SENT, [day_ago, day_ago])
    failed = service.store.select(_FAILED)
    by_channel = ({row["channel"]: stored_row(row) for row in rows} for rows in (sent, failed))
    return next(by_channel), next(by_channel)
