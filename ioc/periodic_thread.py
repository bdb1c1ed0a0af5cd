"""The one loop under every background thread: run a step again and again, say when it fails, never vanish silently."""

from __future__ import annotations

import logging
import os
import sys
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from time import monotonic

from ioc.errors import IocError
from ioc.fault_register import FaultRegister
from ioc.messages import Message
from ioc.model.fault import Fault

LOG = logging.getLogger(__name__)
THREAD_LOST_EXIT_CODE = 70
FIRST_BACK_OFF_S = 0.5
MAX_BACK_OFF_S = 5.0
STUCK_AFTER_S = 30.0
SETTLE_S = 3.0
"""How long a fault stays after the last failure, so that a step that fails every other time does not flap."""

Step = Callable[[], float | None]


class StepFailures:
    """The failures of one repeated step: logged when they are new, shown in `faults` under `name` as long as they last.

    The back-off doubles from `first_back_off_s` up to `max_back_off_s`; a fault stays `settle_s` after the last one.
    """

    def __init__(
        self, name: str, faults: FaultRegister, first_back_off_s: float, max_back_off_s: float, settle_s: float
    ) -> None:
        self._name = name
        self._faults = faults
        self._first_back_off_s = first_back_off_s
        self._max_back_off_s = max_back_off_s
        self._settle_s = settle_s
        self._count = 0
        self._logged = ""

    def add(self, failure: Exception) -> float:
        """Report a failure; return the seconds to wait before the next try."""
        self._count += 1
        reason = reason_of(failure)
        self._faults.set(self._name, fault_message(self._name, failure))
        if reason != self._logged:
            self._logged = reason
            known = isinstance(failure, IocError)
            LOG.warning("%s: %s", self._name, reason, exc_info=None if known else failure)
        return float(min(self._max_back_off_s, self._first_back_off_s * 2 ** min(self._count - 1, 10)))

    def end(self) -> None:
        """The step has succeeded."""
        self._count = 0
        self._logged = ""
        self._faults.clear(self._name, self._settle_s)


class PeriodicThread:
    """Call `step` every `pace_s` seconds in a daemon thread until `stop`.

    A step returns the seconds until its next call, or None for `pace_s`; 0 means at once. A step that raises is logged,
    reported in `faults` under `name` and retried after a back-off that doubles from `first_back_off_s` up to
    `max_back_off_s`; the fault is cleared when a step has returned, `recovered` holds and the last failure is
    `settle_s` ago.
    A step that has not moved for `stuck_after_s` (None: no limit) is reported too. A step that goes on for ever calls
    `succeeded` as long as it works.
    When the thread itself ends (SystemExit, MemoryError while handling a failure…) its process ends with
    THREAD_LOST_EXIT_CODE, so that the supervisor starts it again.
    """

    def __init__(
        self,
        name: str,
        step: Step,
        pace_s: float,
        faults: FaultRegister | None = None,
        *,
        stuck_after_s: float | None = STUCK_AFTER_S,
        first_back_off_s: float = FIRST_BACK_OFF_S,
        max_back_off_s: float = MAX_BACK_OFF_S,
        settle_s: float = SETTLE_S,
        recovered: Callable[[], bool] = lambda: True,
    ) -> None:
        self.name = name
        self.faults = faults or FaultRegister()
        self._step = step
        self._pace_s = pace_s
        self._stuck_after_s = stuck_after_s
        self._recovered = recovered
        self._failures = StepFailures(name, self.faults, first_back_off_s, max_back_off_s, settle_s)
        self._moved_s = 0.0
        self._in_step = False
        self._woken = threading.Event()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._first_after_s = 0.0
        self._is_started = False
        self.faults.add_check(self._check)

    def start(self, after_s: float = 0.0) -> None:
        """Start the thread; its first step comes after `after_s`. Raises RuntimeError when the system has none left."""
        self._first_after_s = after_s
        self._is_started = True
        self._moved_s = monotonic()
        self._thread.start()

    def wake(self) -> None:
        """Run the next step at once, except during the back-off after a failure; from any thread."""
        self._woken.set()

    def stop(self, timeout_s: float | None = None) -> None:
        """End after the running step; return when it has, at the latest after `timeout_s`."""
        self._stopping.set()
        self._woken.set()
        self.faults.remove_check(self._check)
        if self._thread.is_alive() and self._thread is not threading.current_thread():
            self._thread.join(timeout_s)

    @property
    def is_stopping(self) -> bool:
        return self._stopping.is_set()

    @property
    def is_alive(self) -> bool:
        return self._thread.is_alive()

    @property
    def error(self) -> str:
        """The sentence of the present failure; empty when the last step succeeded."""
        fault = self.faults.of(self.name)
        return fault.detail if fault else ""

    def rest(self, seconds: float) -> bool:
        """Pause within a step; return whether the thread is to stop."""
        self._moved_s = monotonic()
        return self._stopping.wait(max(seconds, 0.0))

    def failed(self, failure: Exception) -> None:
        """For a step that goes on for ever: something failed, and it goes on."""
        self._moved_s = monotonic()
        self._failures.add(failure)

    def succeeded(self) -> None:
        """For a step that goes on for ever: it works (again)."""
        self._moved_s = monotonic()
        if self._recovered():
            self._failures.end()

    def _run(self) -> None:
        with _process_ends_with_it(self.name):
            self._woken.wait(self._first_after_s)
            while not self._stopping.is_set():
                self._woken.clear()
                self._moved_s, self._in_step = monotonic(), True
                try:
                    pause_s = self._step()
                except Exception as failure:  # noqa: BLE001 - whatever fails is reported and tried again
                    self._in_step = False
                    self._stopping.wait(self._failures.add(failure))
                    continue
                self._in_step = False
                self.succeeded()
                self._woken.wait(self._pace_s if pause_s is None else pause_s)

    def _check(self, now: datetime) -> Iterable[Fault]:
        if not self._is_started or self._stopping.is_set():
            return
        if not self._thread.is_alive():
            yield Fault.of("thread_stopped", now, thread=self.name)
        elif self._in_step and self._stuck_after_s is not None:
            still_s = monotonic() - self._moved_s
            if still_s > self._stuck_after_s:
                since = now - timedelta(seconds=still_s)
                yield Fault.of("thread_stuck", since, thread=self.name, seconds=round(still_s))


def fault_message(thread: str, failure: Exception) -> Message:
    """Return the message under which a failure is reported: its own where that is a fault of the centre already."""
    code = failure.fault_code if isinstance(failure, IocError) else "thread_failed"
    if isinstance(failure, IocError) and isinstance(failure.message, Message) and failure.code == code:
        return failure.message
    return Message(code, thread=thread, reason=reason_of(failure))


def reason_of(failure: Exception) -> str:
    """Return a failure in words: its message, else one line without a full stop at its end."""
    if isinstance(failure, IocError) and isinstance(failure.message, Message):
        return failure.message
    text = str(failure) if isinstance(failure, IocError) else repr(failure)
    return (text.strip().splitlines() or [type(failure).__name__])[0].rstrip(".")


@contextmanager
def _process_ends_with_it(name: str) -> Iterator[None]:
    try:
        yield
    except BaseException as failure:  # noqa: BLE001 - the process ends here
        try:
            LOG.critical("thread %s is lost, its process ends: %r", name, failure, exc_info=failure)
            sys.stderr.flush()
        finally:
            os._exit(THREAD_LOST_EXIT_CODE)
