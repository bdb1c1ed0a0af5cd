"""Publish the values of closed periods and record what changes them, in a thread of its own."""

import time

import duckdb

from ioc.clock import Clock
from ioc.errors import StoreUnavailable
from ioc.evaluation.restater import Restater
from ioc.fault_register import FaultRegister
from ioc.messages import Message
from ioc.periodic_thread import PeriodicThread

IDLE_S = 1.0
_SHARE_OF_CORE = 0.2


class RestatementLoop:
    """Work in small pieces with pauses between them, using at most a fifth of a core."""

    def __init__(self, restater: Restater, clock: Clock, faults: FaultRegister | None = None) -> None:
        self._restater = restater
        self._clock = clock
        self._thread = PeriodicThread("restating", self._step, IDLE_S, faults)

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def stop(self) -> None:
        """Return when the running piece is done; the rest is done after the next start."""
        self._thread.stop()

    def _step(self) -> float:
        began_s = time.monotonic()
        try:
            more = self._restater.step(self._clock.now())
        except StoreUnavailable:
            self._restater.put_off()
            raise
        except duckdb.Error as failure:
            # The store was opened again during this piece; the next one uses a new cursor.
            raise StoreUnavailable(Message("restatements_failed", reason=str(failure).splitlines()[0])) from failure
        except Exception:
            self._restater.give_up()  # one KPI that cannot be computed must not stop the others
            raise
        took_s = time.monotonic() - began_s
        return took_s * (1 / _SHARE_OF_CORE - 1) if more else IDLE_S
