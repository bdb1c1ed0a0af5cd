"""Child processes: started apart from the terminal, restarted when they die, gone when their parent is gone."""

import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

from setproctitle import setproctitle

_PR_SET_PDEATHSIG = 1
_PR_SET_NAME = 15
_LIBC = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None


def die_with_parent() -> None:
    """Ask the kernel to SIGKILL this process when its parent ends (Linux only); for `preexec_fn`."""
    if _LIBC is not None:
        _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def be_called(name: str) -> None:
    """`name` as a command: lists of processes show it as if it had been started by `python -m NAME`, and `ps -A` and
    `top` by its name alone (Linux only; the kernel keeps 15 characters of it)."""
    setproctitle(f"{sys.executable} -m {name}")
    if _LIBC is not None:
        _LIBC.prctl(_PR_SET_NAME, name.encode())


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
    """A command as a process that waits for a line on its standard input, which it gets once `let_go` was called.

    It prints where this process does.
    """

    command: Sequence[str]
    environment: Mapping[str, str]
    process: subprocess.Popen[bytes] | None = None
    deaths: int = 0
    started_at: float = 0.0
    due_at: float = 0.0
    restart: Restart = field(default_factory=Restart)
    is_let_go: bool = False

    def start(self) -> None:
        self.process = subprocess.Popen(
            self.command,
            env={**os.environ, **self.environment},
            stdin=subprocess.PIPE,
            start_new_session=True,
            preexec_fn=die_with_parent,
        )
        self.started_at = time.monotonic()
        if self.is_let_go:
            self._tell()

    def let_go(self) -> None:
        """For this life of the process and all later ones."""
        self.is_let_go = True
        self._tell()

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
        self._forget()
        return code

    def terminate(self) -> None:
        """SIGTERM; `tend` starts it again."""
        if self.process is not None:
            self.process.terminate()

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
        self._forget()

    def _tell(self) -> None:
        if self.process is not None and self.process.stdin is not None:
            with suppress(BrokenPipeError):  # it has just died; the next one is told
                self.process.stdin.write(b"\n")
                self.process.stdin.flush()

    def _forget(self) -> None:
        if self.process is not None and self.process.stdin is not None:
            with suppress(BrokenPipeError):
                self.process.stdin.close()
        self.process = None
