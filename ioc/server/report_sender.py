"""Send an issue of a report to a channel: by e-mail with its files, by others with a link."""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import orjson

from ioc.catalog.channels import WALL, load_channels
from ioc.clock import rfc3339
from ioc.messages import Message
from ioc.reports.sending_log import IssueMessage
from ioc.server.channel_sender import Undeliverable, by_apprise, post


def report_sender(channels_path: Path) -> Callable[[str, IssueMessage], None]:
    """Return a function that sends an issue to a channel (id); it reads the file of channels at each call.

    The function raises SourceUnavailable when another try may succeed, else Undeliverable or CatalogInvalid.
    """

    def send(channel_id: str, parcel: IssueMessage) -> None:
        channel = load_channels(channels_path).get(channel_id)
        if channel is None:
            raise Undeliverable(Message("delivery_no_channel_in", channel=channel_id, file=channels_path.name))
        if channel.id == WALL:
            raise Undeliverable(Message("delivery_wall_reports"))
        if channel.webhook:
            post(channel, _payload(parcel), f"report/{parcel.id}")
        else:
            by_apprise(channel, parcel.subject, parcel.body, parcel.files)

    return send


def _payload(parcel: IssueMessage) -> bytes:
    return orjson.dumps(
        {
            "type": "report",
            "id": parcel.id,
            "subject": parcel.subject,
            "body": parcel.body,
            "link": parcel.link,
            "sent_at": rfc3339(datetime.now(UTC)),
        }
    )
