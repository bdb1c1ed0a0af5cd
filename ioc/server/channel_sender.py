"""Send one message to one channel: a notification about alerts, or anything else (`post`, `by_apprise`).

One try is limited as a whole (TRY_WITHIN_S), including connecting and a receiver that answers byte by byte.
"""

import asyncio
import logging
import ssl
import threading
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import cache
from pathlib import Path

import httpx

from ioc.catalog.channels import WALL, Channel
from ioc.errors import IocError, SourceUnavailable
from ioc.messages import Message
from ioc.store.alerting import Notification

LOG = logging.getLogger(__name__)
TRY_WITHIN_S = 10.0
APPRISE_WITHIN_S = 30.0
MAX_TRIES_WHERE_REFUSED = 5
"""For answers that may be due to a wrong address or token, or a receiver that is starting: corrected in a minute."""
MAX_WAIT_S = 3600.0
MAX_REDIRECTS = 5
_MAY_BE_CORRECTED = (401, 403, 404, 405)
_TRY_AGAIN = (408, 425, 429)
_SAME_REQUEST = (301, 302, 307, 308)
_SCHEMES_WITH_FILES = ("mailto", "mailtos")
ID_HEADER = "X-IOC-Delivery"


class Undeliverable(IocError):
    """The receiver will never accept this message."""


class NotDelivered(SourceUnavailable):
    """A try failed; another one may succeed.

    `is_away`: there was no answer at all, so other messages to the channel would fail too. `retry_in_s` is the pause
    that the receiver asked for (0: none), `max_tries` how many tries make sense (None: the usual number).
    """

    def __init__(
        self,
        message: Message,
        *,
        is_away: bool = False,
        retry_in_s: float = 0.0,
        max_tries: int | None = None,
    ) -> None:
        super().__init__(message, retry_in_s=retry_in_s)
        self.is_away = is_away
        self.max_tries = max_tries


def send(channel: Channel, notification: Notification) -> None:
    """Send one message. Raises NotDelivered when another try may help, Undeliverable when not."""
    if channel.id == WALL:
        return
    if channel.webhook:
        post(channel, notification.payload.encode(), notification.id)
    else:
        by_apprise(channel, notification.subject, notification.body)


def post(channel: Channel, content: bytes, message_id: str) -> None:
    """Send JSON to the channel's webhook, with the id by which the receiver knows a repeat. Raises like `send`.

    For alerts the content is Alertmanager's version 4. Must not be called from an event loop.
    """
    headers = {"Content-Type": "application/json", ID_HEADER: message_id}
    if channel.token:
        headers["Authorization"] = f"Bearer {channel.token}"
    try:
        asyncio.run(_post(channel, content, headers))
    except TimeoutError:
        raise _too_slow(channel, TRY_WITHIN_S) from None
    except httpx.HTTPError as fault:
        detail = str(fault) or type(fault).__name__
        raise NotDelivered(Message("delivery_no_answer", channel=channel.id, detail=detail), is_away=True) from None


async def _post(channel: Channel, content: bytes, headers: Mapping[str, str]) -> None:
    """Send the request and check the answer's status; its body is not read."""
    try:
        address = httpx.URL(channel.webhook)
    except httpx.InvalidURL as fault:
        raise Undeliverable(Message("delivery_address", channel=channel.id, detail=str(fault))) from None
    origin = _origin(address)
    async with (
        asyncio.timeout(TRY_WITHIN_S),
        httpx.AsyncClient(verify=_tls(), timeout=TRY_WITHIN_S, follow_redirects=False) as client,
    ):
        for _ in range(MAX_REDIRECTS + 1):
            async with client.stream("POST", address, content=content, headers=dict(headers)) as answer:
                status, answered = answer.status_code, answer.headers
            if status not in _SAME_REQUEST or "location" not in answered:
                return check_answer(channel.id, status, answered, datetime.now(UTC))
            address = address.join(answered["location"])
            if _origin(address) != origin:
                to = f"{address.scheme}://{address.netloc.decode()}"
                raise Undeliverable(Message("delivery_redirect", channel=channel.id, to=to))
    raise Undeliverable(Message("delivery_redirects", channel=channel.id, most=MAX_REDIRECTS))


def check_answer(channel: str, status: int, headers: Mapping[str, str], now: datetime) -> None:
    """Check a receiver's answer; raise like `send` unless it is a success."""
    if 200 <= status < 300:
        return
    if status >= 500 or status in _TRY_AGAIN:
        wait_s = _wait_s(headers.get("retry-after", ""), now)
        message = Message("delivery_answered", channel=channel, status=status)
        if wait_s:
            message = Message("delivery_asked_to_wait", channel=channel, status=status, seconds=round(wait_s))
        raise NotDelivered(message, retry_in_s=wait_s)
    if status in _MAY_BE_CORRECTED:
        raise NotDelivered(
            Message("delivery_answered", channel=channel, status=status), max_tries=MAX_TRIES_WHERE_REFUSED
        )
    raise Undeliverable(Message("delivery_refused", channel=channel, status=status))


def by_apprise(channel: Channel, subject: str, body: str, files: Sequence[Path] = ()) -> None:
    """Send a message through Apprise, with files where the channel can carry them (e-mail). Raises like `send`."""
    import apprise  # takes half a second, which only a centre with such channels spends

    sender = apprise.Apprise()
    if not sender.add(channel.apprise):
        raise Undeliverable(Message("delivery_apprise", channel=channel.id))
    carries_files = channel.apprise.split(":", 1)[0].lower() in _SCHEMES_WITH_FILES
    attached = [str(path) for path in files] if carries_files and files else None
    outcomes: list[bool] = []

    def notify() -> None:
        try:
            outcomes.append(bool(sender.notify(title=subject, body=body, attach=attached)))
        except Exception:  # whatever a channel's library raises is a failed try
            LOG.exception("message to %s", channel.id)
            outcomes.append(False)

    # Apprise limits each read of a socket, but not the whole try; a thread that hangs is abandoned.
    thread = threading.Thread(target=notify, name=f"apprise-{channel.id}", daemon=True)
    thread.start()
    thread.join(APPRISE_WITHIN_S)
    if not outcomes:
        raise _too_slow(channel, APPRISE_WITHIN_S)
    if not outcomes[0]:
        raise NotDelivered(Message("delivery_not_taken", channel=channel.id))


def _too_slow(channel: Channel, seconds: float) -> NotDelivered:
    return NotDelivered(Message("delivery_too_slow", channel=channel.id, seconds=round(seconds)), is_away=True)


def _origin(address: httpx.URL) -> tuple[str, str, int | None]:
    return address.scheme, address.host, address.port


def _wait_s(text: str, now: datetime) -> float:
    """Return the seconds of a Retry-After header (a number or a date), 0 without one, at most MAX_WAIT_S."""
    text = text.strip()
    if text.isdecimal():
        return min(float(text), MAX_WAIT_S)
    try:
        until = parsedate_to_datetime(text)
    except ValueError:
        return 0.0
    until = until if until.tzinfo else until.replace(tzinfo=UTC)
    return min(max((until - now).total_seconds(), 0.0), MAX_WAIT_S)


@cache
def _tls() -> ssl.SSLContext:
    """Return the TLS context, made when something is sent for the first time: reading certificates takes 0.1 s."""
    return httpx.create_ssl_context()
