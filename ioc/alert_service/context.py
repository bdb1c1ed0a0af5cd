"""What the API needs of alerting."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from ioc.alert_service.incident_store import IncidentStore
from ioc.alert_service.kpi_history import KpiHistory
from ioc.alert_service.service import AlertService
from ioc.store.alerting import DeliveryFault


@dataclass(frozen=True)
class ChannelWait:
    """Why a channel sends nothing now.

    `code` is `no_answer` or `asked_to_wait`. `until` is when the next message is tried (None: at once), `away_since`
    since when the receiver has not answered (None: it answered).
    """

    code: str
    said: DeliveryFault
    until: datetime | None
    away_since: datetime | None


@dataclass(frozen=True)
class AlertingContext:
    """The parts of alerting that routes use.

    `try_channel(channel id, text)` sends a test message and nothing else; it raises SourceUnavailable with the reason
    when the message does not arrive. `retry(delivery ids, person)` sends again what was given up and returns the ids
    of the deliveries that had been given up. `channel_waits` returns the channels that send nothing now, by id.
    """

    service: AlertService
    incidents: IncidentStore
    past: KpiHistory
    try_channel: Callable[[str, str], None]
    retry: Callable[[Sequence[str], str], list[str]]
    channel_waits: Callable[[], Mapping[str, ChannelWait]] = dict
