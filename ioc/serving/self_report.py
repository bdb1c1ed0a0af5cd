"""The centre's own figures as readings of the source `centre`: through log and store, as those of any source."""

import logging
import threading
from collections.abc import Callable, Mapping
from datetime import datetime

from connectors.outlet import BrokerAway
from connectors.sealing import Intake
from connectors.writer import SourceWriter
from ioc.catalog.own_figures import SECTOR
from ioc.clock import Clock
from ioc.errors import ConfigurationInvalid, SpoolFull, StoreUnavailable
from ioc.model.reading import Reading
from ioc.wire.schemas import readings_batch

LOG = logging.getLogger(__name__)
SOURCE = SECTOR
EVERY_S = 60.0


class SelfReport:
    """Reports once a minute while a push source `centre` is configured. What cannot be told now is left out: the next
    minute has its own figures."""

    def __init__(
        self,
        province: str,
        figures: Callable[[datetime], Mapping[str, float]],
        writer_of: Callable[[str], SourceWriter],
        clock: Clock,
    ) -> None:
        self._province = province
        self._figures = figures
        self._writer_of = writer_of
        self._clock = clock
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="self-report", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join(5)

    def report(self) -> int:
        """How many readings were handed over. Raises ConfigurationInvalid, BrokerAway, SpoolFull, StoreUnavailable."""
        writer, now = self._writer_of(SOURCE), self._clock.now()
        readings = [Reading(figure, self._province, now, value) for figure, value in self._figures(now).items()]
        if readings:
            writer.submit(Intake(readings=readings_batch(readings)))
        return len(readings)

    def _run(self) -> None:
        while not self._stopping.wait(EVERY_S):
            try:
                self.report()
            except ConfigurationInvalid:
                LOG.debug("no source %s is configured", SOURCE)
            except (BrokerAway, SpoolFull, StoreUnavailable) as fault:
                LOG.warning("the centre's own figures: %s", fault)
