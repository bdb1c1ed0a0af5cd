"""Wait for the broker at the start of `ioc serve`, and create the topics."""

import time

from ioc.clock import SystemClock
from ioc.errors import BrokerUnavailable
from ioc.kafka import create_topics, reach
from ioc.model.fault import Fault
from ioc.periodic_thread import reason_of
from ioc.server.stand_in import stand_in
from ioc.settings import Settings

BROKER_WITHIN_S = 3.0
_TRY_EVERY_S = 0.2


def await_topics(settings: Settings) -> None:
    """Create the topics; while the broker is away, serve the pages and the fault. Raises ConfigurationInvalid."""
    deadline = time.monotonic() + BROKER_WITHIN_S
    while (reason := _create_missing(settings)) and time.monotonic() < deadline:
        time.sleep(_TRY_EVERY_S)
    if reason:
        fault = Fault.of("broker_away", SystemClock().now(), thread="serve", reason=reason)
        stand_in(settings, fault, lambda: not _create_missing(settings))


def _create_missing(settings: Settings) -> str:
    """Create missing topics; return why that is not possible now, or ""."""
    bootstrap = settings.bootstrap()
    try:
        reach(bootstrap, BROKER_WITHIN_S)
        create_topics(bootstrap, settings.security, settings.partitions)
    except (BrokerUnavailable, OSError) as failure:
        return reason_of(failure)
    return ""
