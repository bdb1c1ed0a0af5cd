"""One message to one channel."""

import httpx

from ioc.catalog.channels import WALL, Channel
from ioc.errors import IocError, SourceUnavailable
from ioc.store.alerting import Letter

_PATIENCE_S = 10.0
_TRY_AGAIN = (408, 425, 429)
ID_HEADER = "X-IOC-Delivery"


class Undeliverable(IocError):
    """The receiver will not take this message, however often it is sent."""


def send(client: httpx.Client, channel: Channel, letter: Letter) -> None:
    """Raises SourceUnavailable when another try may help, Undeliverable when not."""
    if channel.id == WALL:
        return
    if channel.webhook:
        _post(client, channel, letter)
    else:
        _by_apprise(channel, letter)


def client() -> httpx.Client:
    return httpx.Client(timeout=_PATIENCE_S, follow_redirects=False)


def _post(client: httpx.Client, channel: Channel, letter: Letter) -> None:
    """Alertmanager's version 4; the delivery's id, by which a repeat is known, is in the header and the body."""
    headers = {"Content-Type": "application/json", ID_HEADER: letter.id}
    if channel.token:
        headers["Authorization"] = f"Bearer {channel.token}"
    try:
        answer = client.post(channel.webhook, content=letter.payload.encode(), headers=headers)
    except httpx.HTTPError as fault:
        raise SourceUnavailable(f"{channel.id} does not answer: {fault or type(fault).__name__}.") from None
    if answer.is_success:
        return
    if answer.status_code >= 500 or answer.status_code in _TRY_AGAIN:
        raise SourceUnavailable(f"{channel.id} answered {answer.status_code}.")
    raise Undeliverable(f"{channel.id} refused it with {answer.status_code}.")


def _by_apprise(channel: Channel, letter: Letter) -> None:
    import apprise  # half a second, which only a centre with such channels spends

    sender = apprise.Apprise()
    if not sender.add(channel.apprise):
        raise Undeliverable(f"{channel.id} has an address that Apprise does not know.")
    if not sender.notify(title=letter.subject, body=letter.body):
        raise SourceUnavailable(f"{channel.id} did not take it.")
