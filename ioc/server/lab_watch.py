"""Watch whether the lab answers. The centre works without it, but analysts and reports wait."""

from pathlib import Path

from ioc.clock import Clock
from ioc.errors import IocError
from ioc.fault_register import FaultRegister
from ioc.lab_socket import lab_answers
from ioc.messages import Message
from ioc.model.fault import Fault
from ioc.periodic_thread import PeriodicThread, StepPolicy

EVERY_S = 2.0
ANSWERS_WITHIN_S = 3.0


class LabAway(IocError):
    """The lab does not answer on its socket."""

    fault_code = "lab_away"


class LabWatch:
    """Ask the lab every 2 s. Its fault is a notice, since `/readyz` does not depend on the lab."""

    def __init__(self, lab_socket: Path, log: Path, clock: Clock) -> None:
        self._socket = lab_socket
        self._log = log
        self._register = FaultRegister(clock)
        policy = StepPolicy(max_back_off_s=EVERY_S)
        self._thread = PeriodicThread("lab", self.look, EVERY_S, self._register, policy=policy)

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def stop(self) -> None:
        """Stop after the running check, at the latest after 5 s."""
        self._thread.stop(5)

    def notices(self) -> tuple[Fault, ...]:
        """Return `lab_away` while the lab does not answer."""
        return self._register.current()

    def look(self) -> None:
        """Raise LabAway unless the lab answers."""
        if not lab_answers(self._socket, ANSWERS_WITHIN_S):
            raise LabAway(Message("lab_away", log=str(self._log)))
