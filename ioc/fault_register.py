"""Collect the faults of a process's parts, for `/readyz`, the ledger and `ioc doctor`."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime
from threading import Lock
from time import monotonic

from ioc.clock import Clock, SystemClock
from ioc.messages import Message
from ioc.model.fault import Fault, Param

Check = Callable[[datetime], Iterable[Fault]]


class FaultRegister:
    """Hold at most one fault per part; thread-safe.

    A part reports when a step fails, and clears when that step has succeeded again, so that faults do not flap between
    two tries.
    """

    def __init__(self, clock: Clock | None = None) -> None:
        self._clock = clock or SystemClock()
        self._faults: dict[str, Fault] = {}
        self._reported_s: dict[str, float] = {}
        self._ends_s: dict[str, float] = {}
        self._checks: list[Check] = []
        self._lock = Lock()

    def report(self, part: str, code: str, **params: Param) -> None:
        """Set the fault of `part`. The same code again keeps its `since`. Raises KeyError for an unknown code."""
        self.set(part, Message(code, **params))

    def set(self, part: str, message: Message) -> None:
        """Set the fault of `part`. The same code again keeps its `since`."""
        with self._lock:
            before = self._faults.get(part)
            since = before.since if before is not None and before.code == message.code else self._clock.now()
            self._faults[part] = Fault(message, since)
            self._reported_s[part] = monotonic()
            self._ends_s.pop(part, None)

    def clear(self, part: str, settle_s: float = 0.0) -> None:
        """Remove the fault of `part`, but not before `settle_s` after its last report."""
        if part in self._faults:
            with self._lock:
                if part in self._faults:
                    self._ends_s.setdefault(part, self._reported_s[part] + settle_s)

    def add_check(self, check: Check) -> None:
        """Call `check` with the present time at each `current`; it must return at once and not raise."""
        with self._lock:
            self._checks.append(check)

    def remove_check(self, check: Check) -> None:
        """Stop calling `check`."""
        with self._lock:
            self._checks = [other for other in self._checks if other != check]

    def of(self, part: str) -> Fault | None:
        """Return the reported fault of `part`, None without one."""
        with self._lock:
            self._forget_ended()
            return self._faults.get(part)

    def current(self) -> tuple[Fault, ...]:
        """Return all faults, the oldest first."""
        now = self._clock.now()
        with self._lock:
            self._forget_ended()
            faults, checks = list(self._faults.values()), list(self._checks)
        for check in checks:
            faults += check(now)
        return tuple(sorted(faults, key=lambda fault: fault.since))

    def _forget_ended(self) -> None:
        for part in [part for part, end_s in self._ends_s.items() if monotonic() >= end_s]:
            del self._faults[part], self._reported_s[part], self._ends_s[part]
