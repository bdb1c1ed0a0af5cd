"""Report the centre's own figures as readings of the source `centre`; they are stored like those of any source."""

import logging
from collections.abc import Callable, Mapping
from datetime import datetime

from connectors.batching import Intake
from connectors.writer import SourceWriter
from ioc.catalog.catalog import CENTRE_SECTOR
from ioc.clock import Clock
from ioc.errors import ConfigurationInvalid
from ioc.fault_register import FaultRegister
from ioc.model.reading import Reading
from ioc.periodic_thread import PeriodicThread
from ioc.wire.schemas import readings_batch

LOG = logging.getLogger(__name__)
SOURCE = CENTRE_SECTOR
EVERY_S = 60.0


class SelfReport:
    """Report once a minute while a push source `centre` is configured.

    What cannot be reported now is left out: the next minute has its own figures.
    """

    def __init__(
        self,
        province: str,
        figures: Callable[[datetime], Mapping[str, float]],
        writer_of: Callable[[str], SourceWriter],
        clock: Clock,
        faults: FaultRegister | None = None,
    ) -> None:
        self._province = province
        self._figures = figures
        self._writer_of = writer_of
        self._clock = clock
        self._thread = PeriodicThread("self-report", self._step, EVERY_S, faults)

    def start(self) -> None:
        """Start the thread; the first report follows after a minute."""
        self._thread.start(after_s=EVERY_S)

    def stop(self) -> None:
        """Stop after the running report, at the latest after 5 s."""
        self._thread.stop(5)

    def report(self) -> int:
        """Submit the present figures, and return the number of readings.

        Raises ConfigurationInvalid, BrokerUnavailable, SpoolFull, StoreUnavailable.
        """
        writer, now = self._writer_of(SOURCE), self._clock.now()
        readings = [Reading(figure, self._province, now, value) for figure, value in self._figures(now).items()]
        if readings:
            writer.submit(Intake(readings=readings_batch(readings)))
        return len(readings)

    def _step(self) -> None:
        try:
            self.report()
        except ConfigurationInvalid:
            LOG.debug("no source %s is configured", SOURCE)
