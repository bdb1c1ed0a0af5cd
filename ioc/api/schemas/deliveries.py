"""Channels and deliveries of notifications as JSON."""

from collections.abc import Mapping
from typing import Any, Literal
from urllib.parse import urlsplit

import orjson
from typing_extensions import TypedDict

from ioc.alert_service.context import ChannelWait
from ioc.api.http.rows import stored_row
from ioc.api.schemas.problems import ErrorShape
from ioc.catalog.channels import WALL, Channel
from ioc.clock import rfc3339
from ioc.model.routing import Routing


class ChannelUsersShape(TypedDict):
    """Ids of the receivers and people that use a channel."""

    receivers: list[str]
    people: list[str]


class ChannelWaitShape(TypedDict):
    """Why notifications of a channel wait.

    `no_answer`: its receiver has not answered since `away_since`. `asked_to_wait`: it asked to wait `until`. `refused`:
    the last attempt of the oldest notification failed. `turn`: they are being sent.
    """

    code: Literal["no_answer", "asked_to_wait", "refused", "turn"]
    reason: str
    said: ErrorShape
    until: str | None
    away_since: str | None


class ChannelShape(TypedDict):
    """A channel and what was sent by it.

    `to` is the host of a webhook or the scheme of Apprise, without secrets. `last_code` and `last_params` say
    `last_reason` in any language.
    """

    id: str
    kind: Literal["wall", "webhook", "apprise"]
    to: str
    used_by: ChannelUsersShape
    waiting: int
    waiting_since: str | None
    waits_for: ChannelWaitShape | None
    sent_24h: int
    dead_24h: int
    last_sent_at: str | None
    last_failed_at: str | None
    last_reason: str
    last_code: str
    last_params: dict[str, Any]


class ChannelListShape(TypedDict):
    """All channels."""

    channels: list[ChannelShape]


class ChannelTestShape(TypedDict):
    """A test notification has arrived."""

    channel: str
    sent: Literal[True]


class DeliveryShape(TypedDict):
    """A notification to one channel, and the outcome of its attempts so far.

    `state`: `waiting` (for its turn or the next attempt, `next_at`), `sent`, or `dead` (given up). `reason`, `code` and
    `params` belong to the last attempt.
    """

    id: str
    kind: str
    lane: str
    number: int
    route: str
    receiver: str
    channel: str
    person: str
    planned_at: str
    alerts: list[str]
    subject: str
    state: Literal["waiting", "sent", "dead"]
    attempts: int
    last_at: str | None
    reason: str | None
    next_at: str | None
    code: str
    params: dict[str, Any]


class DeliveryListShape(TypedDict):
    """Notifications, the latest first."""

    deliveries: list[DeliveryShape]


class RetryShape(TypedDict):
    """Ids of the notifications that are sent once more."""

    retried: list[str]


def channel_shape(
    channel: Channel, routing: Routing, sent: dict[str, Any], failed: dict[str, Any], wait: ChannelWait | None
) -> ChannelShape:
    """Return the JSON of a channel; `sent` and `failed` are rows of its deliveries and failed attempts (or empty)."""
    return {
        "id": channel.id,
        "kind": "wall" if channel.id == WALL else "webhook" if channel.webhook else "apprise",
        "to": _host(channel),
        "used_by": {
            "receivers": [one.id for one in routing.receivers.values() if channel.id in one.channels],
            "people": [one.id for one in routing.people.values() if channel.id in one.channels],
        },
        "waiting": sent.get("waiting", 0),
        "waiting_since": sent.get("waiting_since"),
        "waits_for": _wait(sent, wait),
        "sent_24h": sent.get("sent_24h", 0),
        "dead_24h": sent.get("dead_24h", 0),
        "last_sent_at": sent.get("last_sent_at"),
        "last_failed_at": failed.get("last_failed_at"),
        "last_reason": failed.get("last_reason", ""),
        "last_code": failed.get("last_code") or "",
        "last_params": orjson.loads(failed.get("last_params") or "{}"),
    }


def delivery_shape(row: dict[str, Any]) -> dict[str, Any]:
    """Return a row of `delivery_states` as DeliveryShape."""
    return stored_row(row) | {"code": row["code"] or "", "params": orjson.loads(row["params"] or "{}")}


def _wait(sent: dict[str, Any], wait: ChannelWait | None) -> ChannelWaitShape | None:
    if not sent.get("waiting"):
        return None
    if wait is not None:
        until, since = (None if at is None else rfc3339(at) for at in (wait.until, wait.away_since))
        said = _stored(wait.said.text, wait.said.code, wait.said.params)
        code: Literal["no_answer", "asked_to_wait"] = "no_answer" if wait.code == "no_answer" else "asked_to_wait"
        return {"code": code, "reason": wait.said.text, "said": said, "until": until, "away_since": since}
    reason = sent.get("waiting_reason") or ""
    params = orjson.loads(sent.get("waiting_params") or "{}")
    last = _stored(reason, sent.get("waiting_code") or "", params)
    return {"code": "refused" if reason else "turn", "reason": reason, "said": last, "until": None, "away_since": None}


def _stored(text: str, code: str, params: Mapping[str, Any]) -> ErrorShape:
    """Return a failure as it was recorded, also one whose code this version does not have."""
    shape: ErrorShape = {"field": "", "message": text}
    if code:
        shape |= {"code": code, "params": dict(params)}
    return shape


def _host(channel: Channel) -> str:
    if channel.webhook:
        parts = urlsplit(channel.webhook)
        return f"{parts.scheme}://{parts.hostname or ''}"
    return channel.apprise.partition("://")[0]
