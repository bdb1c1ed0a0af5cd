"""An issue of a report to one channel: e-mail with its files, others with a link."""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import orjson

from ioc.catalog.channels import WALL, load_channels
from ioc.clock import rfc3339
from ioc.reports.sending_log import IssueMessage
from ioc.server.channel_sender import Undeliverable, by_apprise, post


def report_sender(channels_path: Path) -> Callable[[str, IssueMessage], None]:
    """Reads the channels anew each time. The function raises SourceUnavailable when another try may help, Undeliverable
    or CatalogInvalid when not."""

    def send(channel_id: str, parcel: IssueMessage) -> None:
        channel = load_channels(channels_path).get(channel_id)
        if channel is None:
            message = f"There is no channel {channel_id!r} in {channels_path.name}."
            raise Undeliverable(message, "delivery_no_channel", channel=channel_id)
        if channel.id == WALL:
            message = "The wall shows no reports; name another channel."
            raise Undeliverable(message, "delivery_address", channel=WALL, detail=WALL)
        if channel.webhook:
            post(channel, _said(parcel), f"report/{parcel.id}")
        else:
            by_apprise(channel, parcel.subject, parcel.body, parcel.files)

    return send


def _said(parcel: IssueMessage) -> bytes:
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
