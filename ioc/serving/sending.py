"""One message to one channel: a letter of the alerts, or what else the centre tells (`post`, `by_apprise`)."""

from collections.abc import Sequence
from pathlib import Path

import httpx

from ioc.catalog.channels import WALL, Channel
from ioc.errors import IocError, SourceUnavailable
from ioc.store.alerting import Letter

_PATIENCE_S = 10.0
_TRY_AGAIN = (408, 425, 429)
_TAKES_FILES = ("mailto", "mailtos")
ID_HEADER = "X-IOC-Delivery"


class Undeliverable(IocError):
    """The receiver will not take this message, however often it is sent."""


def send(client: httpx.Client, channel: Channel, letter: Letter) -> None:
    """Raises SourceUnavailable when another try may help, Undeliverable when not."""
    if channel.id == WALL:
        return
    if channel.webhook:
        post(client, channel, letter.payload.encode(), letter.id)
    else:
        by_apprise(channel, letter.subject, letter.body)


def client() -> httpx.Client:
    return httpx.Client(timeout=_PATIENCE_S, follow_redirects=False)


def post(client: httpx.Client, channel: Channel, content: bytes, message_id: str) -> None:
    """JSON to the channel's webhook (of alerts: Alertmanager's version 4), with the id by which a repeat is known.
    Raises like `send`."""
    headers = {"Content-Type": "application/json", ID_HEADER: message_id}
    if channel.token:
        headers["Authorization"] = f"Bearer {channel.token}"
    try:
        answer = client.post(channel.webhook, content=content, headers=headers)
    except httpx.HTTPError as fault:
        raise SourceUnavailable(f"{channel.id} does not answer: {fault or type(fault).__name__}.") from None
    if answer.is_success:
        return
    if answer.status_code >= 500 or answer.status_code in _TRY_AGAIN:
        raise SourceUnavailable(f"{channel.id} answered {answer.status_code}.")
    raise Undeliverable(f"{channel.id} refused it with {answer.status_code}.")


def by_apprise(channel: Channel, subject: str, body: str, files: Sequence[Path] = ()) -> None:
    """Files go along where the channel can carry them (e-mail). Raises like `send`."""
    import apprise  # half a second, which only a centre with such channels spends

    sender = apprise.Apprise()
    if not sender.add(channel.apprise):
        raise Undeliverable(f"{channel.id} has an address that Apprise does not know.")
    takes_files = channel.apprise.split(":", 1)[0].lower() in _TAKES_FILES
    attached = [str(path) for path in files] if takes_files and files else None
    if not sender.notify(title=subject, body=body, attach=attached):
        raise SourceUnavailable(f"{channel.id} did not take it.")
