"""Child processes: started apart from the terminal, restarted when they die, gone when their parent is gone."""

import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

_PR_SET_PDEATHSIG = 1
_LIBC = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None
_LOG_BYTES = 5_000_000


def die_with_parent() -> None:
    """Ask the kernel to SIGKILL this process when its parent ends (Linux only); for `preexec_fn`."""
    if _LIBC is not None:
        _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


class Flag:
    """As `threading.Event`, but safe to set from a signal handler while the same thread waits on it."""

    def __init__(self) -> None:
        self._is_set = False

    def set(self) -> None:
        self._is_set = True

    def is_set(self) -> bool:
        return self._is_set

    def wait(self, timeout_s: float) -> bool:
        """Up to `timeout_s`, looking each 50 ms; whether it is set."""
        until = time.monotonic() + timeout_s
        while not self._is_set and (left_s := until - time.monotonic()) > 0:
            time.sleep(min(0.05, left_s))
        return self._is_set


@dataclass(frozen=True)
class Restart:
    """How long to wait before a dead process starts again: doubling, and from the beginning after a long life."""

    first_s: float = 0.2
    longest_s: float = 10.0
    settled_after_s: float = 30.0

    def delay_s(self, deaths: int, lived_s: float) -> float:
        """`deaths` counts those in a row before this one."""
        if lived_s >= self.settled_after_s:
            return self.first_s
        return float(min(self.longest_s, self.first_s * 2**deaths))


@dataclass
class Child:
    """One command of the centre as a process; what it prints goes to `log`."""

    name: str
    command: Sequence[str]
    environment: Mapping[str, str]
    log: Path
    process: subprocess.Popen[bytes] | None = None
    deaths: int = 0
    started_at: float = 0.0
    due_at: float = 0.0
    restart: Restart = field(default_factory=Restart)

    def start(self) -> None:
        self.log.parent.mkdir(parents=True, exist_ok=True)
        mode = "wb" if self.log.exists() and self.log.stat().st_size > _LOG_BYTES else "ab"
        with self.log.open(mode) as log:
            self.process = subprocess.Popen(
                self.command,
                env={**os.environ, **self.environment},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                preexec_fn=die_with_parent,
            )
        self.started_at = time.monotonic()

    def tend(self, now: float) -> int | None:
        """Start it again if it died and its wait is over; returns the exit code at the moment its death is noticed."""
        if self.process is None:
            if now >= self.due_at:
                self.start()
            return None
        code = self.process.poll()
        if code is None:
            return None
        lived_s = now - self.started_at
        self.due_at = now + self.restart.delay_s(self.deaths, lived_s)
        self.deaths = 0 if lived_s >= self.restart.settled_after_s else self.deaths + 1
        self.process = None
        return code

    def stop(self, patience_s: float) -> None:
        """SIGTERM, then SIGKILL when it does not end in time."""
        if self.process is None:
            return
        self.process.terminate()
        try:
            self.process.wait(patience_s)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.process = None
