"""Report the state of `ioc serve`: what the start waits for, notices for people, the ledger with all faults."""

from dataclasses import dataclass, replace
from datetime import datetime

from ioc.alert_service.service import AlertService
from ioc.api.routes.displays import displays_in_force
from ioc.catalog import Catalog
from ioc.evaluation.evaluator import Evaluator
from ioc.messages import Message
from ioc.model.fault import Fault
from ioc.model.ledger import Ledger
from ioc.server.context import ServerContext
from ioc.server.lab_watch import LabWatch
from ioc.store.historian import Historian, HistorianCondition
from ioc.store.ledger import read_ledger


@dataclass
class ServerStatus:
    """State of the server's parts; may be read from any thread.

    `people_fault` is set when the file of accounts is damaged.
    """

    server: ServerContext
    began_at: datetime
    historian: Historian
    evaluator: Evaluator
    alerts: AlertService
    lab_watch: LabWatch
    people_fault: Fault | None
    _was_whole: bool = False

    def ledger(self) -> Ledger:
        """Return the ledger with the faults of all parts. Raises StoreUnavailable."""
        with self.server.store.cursor() as cursor:
            ledger = read_ledger(cursor, self.historian.log_view(), self.server.sources())
        known = {(fault.code, fault.detail) for fault in ledger.coded_faults}
        others = tuple(fault for fault in self.server.faults.current() if (fault.code, fault.detail) not in known)
        return replace(ledger, coded_faults=ledger.coded_faults + others)

    def notices(self) -> tuple[Fault, ...]:
        """Return what a person has to correct although all parts work."""
        catalog: Catalog = self.server.catalog()
        try:
            displays = displays_in_force(catalog, self.server.settings).faults
        except OSError:  # no file descriptor is left, which is a fault of its own
            displays = ()
        faulty = {*catalog.faults, *self.alerts.in_force.faults, *displays}
        notices = [
            Fault.of("definition_faulty", self.began_at, file=fault.file, reason=str(fault).removeprefix(fault.file))
            for fault in sorted(faulty, key=str)
        ]
        return (*([self.people_fault] if self.people_fault else []), *notices, *self.lab_watch.notices())

    def starting(self) -> Fault | None:
        """Return what the start still waits for before data can flow, None once it does."""
        if self.historian.state().condition is HistorianCondition.STARTING:
            return Fault.of("starting", self.began_at, step=Message("start_of_historian"))
        self._was_whole = self._was_whole or self.evaluator.is_whole
        if not self._was_whole:
            return Fault.of("starting", self.began_at, step=Message("first_evaluation"))
        return None
