"""The parts of alerting that the API speaks for."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from ioc.alert_service.incidents import Incidents
from ioc.alert_service.kpi_history import Past
from ioc.alert_service.service import Desk
from ioc.store.alerting import Said


@dataclass(frozen=True)
class ChannelWait:
    """`code` is `no_answer` or `asked_to_wait`."""

    code: str
    said: Said
    until: datetime | None
    away_since: datetime | None


@dataclass(frozen=True)
class Operating:
    """`try_channel` sends a test message to a channel (id, text) and raises SourceUnavailable with the reason when it
    does not arrive; nobody else hears of it. `retry` sends what was given up once more (ids, by whom) and gives the ids
    of those that it was true of. `channel_waits` says of the channels that take nothing now, by id, until when (None:
    at once), since when their receiver has not answered (None: it answered), and why."""

    desk: Desk
    incidents: Incidents
    past: Past
    try_channel: Callable[[str, str], None]
    retry: Callable[[Sequence[str], str], list[str]]
    channel_waits: Callable[[], Mapping[str, ChannelWait]] = dict
