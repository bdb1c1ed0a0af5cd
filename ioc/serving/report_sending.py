"""An issue of a report to one channel: e-mail with its files, others with a link."""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import httpx
import orjson

from ioc.catalog.channels import WALL, Channel, load_channels
from ioc.clock import rfc3339
from ioc.errors import SourceUnavailable
from ioc.reports.sendings import Parcel
from ioc.serving.sending import ID_HEADER, Undeliverable, client

_TAKES_FILES = ("mailto", "mailtos")
_TRY_AGAIN = (408, 425, 429)


def report_sender(channels_path: Path) -> Callable[[str, Parcel], None]:
    """Reads the channels anew each time. The function raises SourceUnavailable when another try may help, Undeliverable
    or CatalogInvalid when not."""

    def send(channel_id: str, parcel: Parcel) -> None:
        channel = load_channels(channels_path).get(channel_id)
        if channel is None:
            raise Undeliverable(f"There is no channel {channel_id!r} in {channels_path.name}.")
        if channel.id == WALL:
            raise Undeliverable("The wall shows no reports; name another channel.")
        if channel.webhook:
            with client() as http:
                _post(http, channel, parcel)
        else:
            _by_apprise(channel, parcel)

    return send


def _post(http: httpx.Client, channel: Channel, parcel: Parcel) -> None:
    said = {
        "type": "report",
        "id": parcel.id,
        "subject": parcel.subject,
        "body": parcel.body,
        "link": parcel.link,
        "sent_at": rfc3339(datetime.now(UTC)),
    }
    headers = {"Content-Type": "application/json", ID_HEADER: f"report/{parcel.id}"}
    if channel.token:
        headers["Authorization"] = f"Bearer {channel.token}"
    try:
        answer = http.post(channel.webhook, content=orjson.dumps(said), headers=headers)
    except httpx.HTTPError as fault:
        raise SourceUnavailable(f"{channel.id} does not answer: {fault or type(fault).__name__}.") from None
    if answer.is_success:
        return
    if answer.status_code >= 500 or answer.status_code in _TRY_AGAIN:
        raise SourceUnavailable(f"{channel.id} answered {answer.status_code}.")
    raise Undeliverable(f"{channel.id} refused it with {answer.status_code}.")


def _by_apprise(channel: Channel, parcel: Parcel) -> None:
    import apprise  # half a second, which only a centre with such channels spends

    sender = apprise.Apprise()
    if not sender.add(channel.apprise):
        raise Undeliverable(f"{channel.id} has an address that Apprise does not know.")
    takes_files = channel.apprise.split(":", 1)[0].lower() in _TAKES_FILES
    attached = [str(path) for path in parcel.files] if takes_files else None
    if not sender.notify(title=parcel.subject, body=parcel.body, attach=attached):
        raise SourceUnavailable(f"{channel.id} did not take it.")
