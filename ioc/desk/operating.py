"""The parts of alerting that the API speaks for."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from ioc.desk.desk import Desk
from ioc.desk.incidents import Incidents
from ioc.desk.past import Past


@dataclass(frozen=True)
class Operating:
    """`try_channel` sends a test message to a channel (id, text) and raises SourceUnavailable with the reason when it
    does not arrive; nobody else hears of it. `retry` sends what was given up once more (ids, by whom) and gives the ids
    of those that it was true of."""

    desk: Desk
    incidents: Incidents
    past: Past
    try_channel: Callable[[str, str], None]
    retry: Callable[[Sequence[str], str], list[str]]
