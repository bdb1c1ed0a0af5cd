"""Whether the lab answers; the centre goes on without it, but analysts and reports wait."""

from pathlib import Path

from ioc.clock import Clock
from ioc.errors import IocError
from ioc.fault_register import FaultRegister
from ioc.lab_socket import lab_answers
from ioc.messages import Message
from ioc.model.fault import Fault
from ioc.periodic_thread import PeriodicThread

EVERY_S = 2.0
ANSWERS_WITHIN_S = 3.0


class LabAway(IocError):
    """Nobody answers on the lab's socket."""

    fault_code = "lab_away"


class LabWatch:
    """Ask the lab every 2 s. Its faults are notices: `/readyz` is not about the lab."""

    def __init__(self, lab_socket: Path, log: Path, clock: Clock) -> None:
        self._socket = lab_socket
        self._log = log
        self._register = FaultRegister(clock)
        self._thread = PeriodicThread("lab", self.look, EVERY_S, self._register, max_back_off_s=EVERY_S)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._thread.stop(5)

    def notices(self) -> tuple[Fault, ...]:
        """Return `lab_away` while the lab does not answer."""
        return self._register.current()

    def look(self) -> None:
        """Check that the lab answers; else raise LabAway."""
        if not lab_answers(self._socket, ANSWERS_WITHIN_S):
            raise LabAway(Message("lab_away", log=str(self._log)))
