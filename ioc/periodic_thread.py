"""Run a step periodically in a background thread, and report when it fails, hangs or is gone."""

from __future__ import annotations

import logging
import os
import sys
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from time import monotonic

from ioc.errors import IocError
from ioc.fault_register import FaultRegister
from ioc.messages import Message
from ioc.model.fault import Fault

LOG = logging.getLogger(__name__)
THREAD_LOST_EXIT_CODE = 70

Step = Callable[[], float | None]


@dataclass(frozen=True)
class StepPolicy:
    """What happens when a step fails or hangs.

    The back-off doubles from `first_back_off_s` up to `max_back_off_s`. A fault stays `settle_s` after the last
    failure, so that a step that fails every other time does not flap. A step that has not moved for `stuck_after_s` is
    reported (None: never).
    """

    first_back_off_s: float = 0.5
    max_back_off_s: float = 5.0
    settle_s: float = 3.0
    stuck_after_s: float | None = 30.0


DEFAULT_POLICY = StepPolicy()


class StepFailures:
    """The failures of one repeated step: logged when they are new, shown in `faults` under `name` while they last."""

    def __init__(self, name: str, faults: FaultRegister, policy: StepPolicy) -> None:
        self._name = name
        self._faults = faults
        self._policy = policy
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
        policy = self._policy
        return float(min(policy.max_back_off_s, policy.first_back_off_s * 2 ** min(self._count - 1, 10)))

    def end(self) -> None:
        """Clear the fault, because the step has succeeded."""
        self._count = 0
        self._logged = ""
        self._faults.clear(self._name, self._policy.settle_s)


class PeriodicThread:
    """Call `step` every `pace_s` seconds in a daemon thread until `stop`.

    A step returns the seconds until its next call, or None for `pace_s`; 0 means at once. A step that raises is logged,
    reported in `faults` under `name`, and tried again after a back-off. The fault is cleared when a step has returned,
    `recovered` is true and the last failure is long enough ago. A step that hangs is reported too. A step that never
    returns calls `succeeded` while it works.

    When the thread itself ends (SystemExit, MemoryError while handling a failure, …), its process ends with
    THREAD_LOST_EXIT_CODE, so that the supervisor restarts it.
    """

    def __init__(
        self,
        name: str,
        step: Step,
        pace_s: float,
        faults: FaultRegister | None = None,
        *,
        policy: StepPolicy = DEFAULT_POLICY,
        recovered: Callable[[], bool] = lambda: True,
    ) -> None:
        self.name = name
        self.faults = faults or FaultRegister()
        self._step = step
        self._pace_s = pace_s
        self._stuck_after_s = policy.stuck_after_s
        self._recovered = recovered
        self._failures = StepFailures(name, self.faults, policy)
        self._moved_s = 0.0
        self._in_step = False
        self._woken = threading.Event()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._first_after_s = 0.0
        self._is_started = False
        self.faults.add_check(self._check)

    def start(self, after_s: float = 0.0) -> None:
        """Start the thread; its first step follows after `after_s`. Raises RuntimeError without a free thread."""
        self._first_after_s = after_s
        self._is_started = True
        self._moved_s = monotonic()
        self._thread.start()

    def wake(self) -> None:
        """Run the next step at once, except during the back-off after a failure; from any thread."""
        self._woken.set()

    def stop(self, timeout_s: float | None = None) -> None:
        """Stop after the running step; return when it has ended, at the latest after `timeout_s`."""
        self._stopping.set()
        self._woken.set()
        self.faults.remove_check(self._check)
        if self._thread.is_alive() and self._thread is not threading.current_thread():
            self._thread.join(timeout_s)

    @property
    def is_stopping(self) -> bool:
        """Whether `stop` was called."""
        return self._stopping.is_set()

    @property
    def is_alive(self) -> bool:
        """Whether the thread runs."""
        return self._thread.is_alive()

    @property
    def error(self) -> str:
        """Sentence of the present failure; empty when the last step succeeded."""
        fault = self.faults.of(self.name)
        return fault.detail if fault else ""

    def rest(self, seconds: float) -> bool:
        """Pause within a step; return whether `stop` was called."""
        self._moved_s = monotonic()
        return self._stopping.wait(max(seconds, 0.0))

    def failed(self, failure: Exception) -> None:
        """Report a failure in a step that never returns and continues."""
        self._moved_s = monotonic()
        self._failures.add(failure)

    def succeeded(self) -> None:
        """Report that a step that never returns works (again)."""
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
    """Return the message of a failure, or one line without a full stop at its end."""
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
