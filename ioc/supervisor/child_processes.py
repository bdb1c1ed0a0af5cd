"""Child processes that are watched and started again when they die, and that end with their parent."""

import ctypes
import os
import signal
import subprocess
import sys
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from math import inf
from types import FrameType
from typing import TypeVar

from setproctitle import setproctitle

_PR_SET_PDEATHSIG = 1
_PR_SET_NAME = 15
_LIBC = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None
_TEND_EVERY_S = 0.05


def die_with_parent() -> None:
    """Ask the kernel to SIGKILL this process when its parent ends (Linux only); for `preexec_fn`."""
    if _LIBC is not None:
        _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def set_process_title(name: str) -> None:
    """Show `name` as this process's command in lists of processes.

    `ps` shows it as if it had been started by `python -m NAME`; `ps -A` and `top` show the name alone (Linux only; the
    kernel keeps 15 characters).
    """
    setproctitle(f"{sys.executable} -m {name}")
    if _LIBC is not None:
        _LIBC.prctl(_PR_SET_NAME, name.encode())


class StopFlag:
    """A flag like `threading.Event` that a signal handler may set while the same thread waits for it."""

    def __init__(self) -> None:
        self._is_set = False

    @classmethod
    def on_signals(cls) -> "StopFlag":
        """Return a flag that SIGTERM and SIGINT set from now on."""
        flag = cls()

        def stop(_signal: int, _frame: FrameType | None) -> None:
            flag.set()

        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, stop)
        return flag

    def set(self) -> None:
        """Set the flag."""
        self._is_set = True

    def is_set(self) -> bool:
        """Return whether the flag is set."""
        return self._is_set

    def wait(self, timeout_s: float) -> bool:
        """Wait up to `timeout_s`, checking every 50 ms; return whether the flag is set."""
        until = time.monotonic() + timeout_s
        while not self._is_set and (left_s := until - time.monotonic()) > 0:
            time.sleep(min(0.05, left_s))
        return self._is_set


@dataclass(frozen=True)
class RestartPolicy:
    """How long to wait before a dead process starts again: doubling, and from the beginning after a long life."""

    first_s: float = 0.2
    max_s: float = 10.0
    settled_after_s: float = 30.0

    def delay_s(self, deaths: int, lived_s: float) -> float:
        """Return the wait after a life of `lived_s`; `deaths` counts those in a row before this one."""
        if lived_s >= self.settled_after_s:
            return self.first_s
        return float(min(self.max_s, self.first_s * 2**deaths))


@dataclass
class WatchedProcess(ABC):
    """A process that `tend` starts, and starts again when it has died; without `restart` it runs once.

    Times are monotonic seconds.
    """

    restart: RestartPolicy | None = field(default_factory=RestartPolicy, kw_only=True)
    deaths: int = field(default=0, kw_only=True)
    started_at: float = field(default=0.0, kw_only=True)
    due_at: float = field(default=0.0, kw_only=True)

    def start(self) -> None:
        """Start the process now."""
        self.started_at = time.monotonic()
        self._spawn()

    def tend(self, now: float) -> int | None:
        """Start the process when it is due; return the exit code when its death is noticed, else None."""
        if not self.is_started:
            if now >= self.due_at:
                self.start()
            return None
        code = self._exit_code()
        if code is None:
            return None
        if self.restart is None:
            self.due_at = inf
            return code
        lived_s = now - self.started_at
        self.due_at = now + self.restart.delay_s(self.deaths, lived_s)
        self.deaths = 0 if lived_s >= self.restart.settled_after_s else self.deaths + 1
        return code

    @property
    @abstractmethod
    def is_started(self) -> bool:
        """Whether it was started, and its end was not noticed yet."""

    @abstractmethod
    def terminate(self) -> None:
        """Send SIGTERM."""

    @abstractmethod
    def stop(self, deadline: float) -> None:
        """Wait for the end after `terminate`; send SIGKILL at `deadline` (monotonic seconds)."""

    @abstractmethod
    def _spawn(self) -> None:
        """Start the process."""

    @abstractmethod
    def _exit_code(self) -> int | None:
        """Return the exit code (negative for a signal) and forget the process; None while it runs."""


@dataclass
class CommandProcess(WatchedProcess):
    """A command that waits for a line on its standard input, which it gets once `let_begin` was called.

    It prints where this process does.
    """

    command: Sequence[str]
    environment: Mapping[str, str]
    process: subprocess.Popen[bytes] | None = None
    may_begin: bool = False

    @property
    def is_started(self) -> bool:
        """Whether it was started, and its end was not noticed yet."""
        return self.process is not None

    def let_begin(self) -> None:
        """Let it begin, in this life and all later ones."""
        self.may_begin = True
        self._send_line()

    def terminate(self) -> None:
        """Send SIGTERM."""
        if self.process is not None:
            self.process.terminate()

    def stop(self, deadline: float) -> None:
        """Wait for the end after `terminate`; send SIGKILL at `deadline` (monotonic seconds)."""
        if self.process is None:
            return
        try:
            self.process.wait(max(deadline - time.monotonic(), 0.0))
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self._forget()

    def _spawn(self) -> None:
        self.process = subprocess.Popen(
            self.command,
            env={**os.environ, **self.environment},
            stdin=subprocess.PIPE,
            start_new_session=True,
            preexec_fn=die_with_parent,
        )
        if self.may_begin:
            self._send_line()

    def _exit_code(self) -> int | None:
        code = None if self.process is None else self.process.poll()
        if code is not None:
            self._forget()
        return code

    def _send_line(self) -> None:
        if self.process is not None and self.process.stdin is not None:
            with suppress(BrokenPipeError):  # it has just died; the next one gets the line
                self.process.stdin.write(b"\n")
                self.process.stdin.flush()

    def _forget(self) -> None:
        if self.process is not None and self.process.stdin is not None:
            with suppress(BrokenPipeError):
                self.process.stdin.close()
        self.process = None


AnyProcess = TypeVar("AnyProcess", bound=WatchedProcess)


def keep_running(
    processes: Sequence[AnyProcess],
    ending: StopFlag,
    died: Callable[[AnyProcess, int], None],
    meanwhile: Callable[[], None] = lambda: None,
) -> None:
    """Start all processes, and start those again that die, until `ending` is set.

    `died` is called with a process and its exit code, `meanwhile` every 50 ms; both may raise.
    """
    while not ending.is_set():
        for process in processes:
            code = process.tend(time.monotonic())
            if code is not None:
                died(process, code)
        meanwhile()
        ending.wait(_TEND_EVERY_S)


def stop_all(processes: Sequence[WatchedProcess], patience_s: float) -> None:
    """Stop all processes at once; those that have not ended after `patience_s` are killed."""
    for process in processes:
        process.terminate()
    deadline = time.monotonic() + patience_s
    for process in processes:
        process.stop(deadline)
