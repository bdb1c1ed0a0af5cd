"""The thread that publishes closed periods and puts on record what changes them."""

import logging
import threading
import time

import duckdb

from ioc.clock import Clock
from ioc.errors import StoreUnavailable
from ioc.evaluation.restating import Restater

LOG = logging.getLogger(__name__)
IDLE_S = 1.0
_SHARE_OF_CORE = 0.2


class Restating:
    """Works in small pieces, and rests between them so that it takes at most a fifth of a core. `error` is one
    sentence, or empty."""

    def __init__(self, restater: Restater, clock: Clock) -> None:
        self._restater = restater
        self._clock = clock
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="restating", daemon=True)
        self.error = ""

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Returns when the running piece is done; what is left is done after the next start."""
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join()

    def _run(self) -> None:
        while not self._stopping.is_set():
            began_s = time.monotonic()
            more = False
            try:
                more = self._restater.step(self._clock.now())
                self.error = ""
            except StoreUnavailable as fault:
                self.error = str(fault)
                self._restater.put_off()
            except duckdb.Error as fault:
                # The store was opened anew under this piece; the next one takes a new cursor.
                self.error = f"Restatements cannot be judged: {str(fault).splitlines()[0]}"
            except Exception as fault:  # one KPI that cannot be computed must not end the record of the others
                LOG.exception("restating failed")
                self.error = f"Restating failed: {fault!r}"
                self._restater.give_up()
            took_s = time.monotonic() - began_s
            self._stopping.wait(took_s * (1 / _SHARE_OF_CORE - 1) if more else IDLE_S)
