"""Read the channels that notifications are sent through, from a file of the data directory, since it holds secrets.

[[channel]]
id = "duty-hook"
webhook = "https://…"             # Alertmanager's version-4 format
token = "…"                       # sent as Authorization: Bearer, optional

[[channel]]
id = "duty-telegram"
apprise = "tgram://token/chat"    # any address that Apprise knows: mailto://, tgram://, json://, …
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from ioc.catalog.packs import read_toml
from ioc.catalog.toml_table import CatalogInvalid, DefinitionFault, TomlTable
from ioc.messages import Message

WALL = "wall"
"""The channel that always exists: the websocket of the walls."""


@dataclass(frozen=True, slots=True)
class Channel:
    """A channel. One of `webhook` and `apprise` is set, except for the wall."""

    id: str
    webhook: str = ""
    apprise: str = field(default="", repr=False)
    token: str = field(default="", repr=False)


def load_channels(path: Path) -> Mapping[str, Channel]:
    """Return the channels by id, including the wall; only the wall when there is no file. Raises CatalogInvalid."""
    channels = {WALL: Channel(WALL)}
    if not path.is_file():
        return channels
    faults: list[DefinitionFault] = []
    whole = TomlTable("", read_toml(path, faults), {}, str(path), faults)
    for row in whole.tables("channel"):
        row.subject = f"channel {row.data.get('id', '')}"
        channel = Channel(row.text("id"), row.text("webhook", ""), row.text("apprise", ""), row.text("token", ""))
        if channel.id in channels:
            row.fault("id", Message("channel_twice", given=channel.id))
        if bool(channel.webhook) == bool(channel.apprise):
            row.fault("webhook", Message("channel_one_way"))
        elif channel.webhook and urlsplit(channel.webhook).scheme not in ("http", "https"):
            row.fault("webhook", Message("channel_no_address"))
        row.finish()
        channels[channel.id] = channel
    whole.finish(["channel"])
    if faults:
        raise CatalogInvalid(faults)
    return channels
