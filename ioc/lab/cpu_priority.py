"""Giving way: the lab has a small share of processor and disk while the centre wants them, else all there is.

Linux weighs processes first by their sessions (autogroup), and by niceness only within one. Every part of the centre
has a session of its own, so the lab's as a whole is made to weigh little; all that the lab starts stays in it and
shares that weight, however many processes compute. Where sessions are not weighed (containers), niceness says the same.
"""

import ctypes
import os
import platform
import signal
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

_LIBC = ctypes.CDLL(None, use_errno=True)
_IOPRIO_SET = {"x86_64": 251, "aarch64": 30}
_OF_A_PROCESS, _IDLE_CLASS = 1, 3 << 13
_TRIES, _BETWEEN_TRIES_S = 12, 0.02


def step_back_later(niceness: int, after_s: float) -> None:
    """Call `step_back` in the main thread after some seconds: a start that is waited for has its full share until then.

    Must be called in the main thread; takes SIGALRM."""
    signal.signal(signal.SIGALRM, lambda _number, _frame: step_back(niceness))
    signal.setitimer(signal.ITIMER_REAL, after_s)


def step_back(niceness: int) -> None:
    """Add niceness to this process and those it has started, and set it for the session if this process has its own:
    at 10 both weigh a tenth."""
    os.nice(niceness)
    for pid in _descendants(os.getpid()):
        with suppress(OSError):  # it has just ended
            os.setpriority(os.PRIO_PROCESS, pid, min(os.getpriority(os.PRIO_PROCESS, pid) + niceness, 19))
    if os.getsid(0) == os.getpid():  # else others than the lab's are in it
        _weigh_session(niceness)


def _descendants(pid: int) -> Iterator[int]:
    for listed in Path(f"/proc/{pid}/task").glob("*/children"):
        with suppress(OSError):
            for child in map(int, listed.read_text().split()):
                yield child
                yield from _descendants(child)


def read_last() -> None:
    """Read and write when nobody else wants the disk, as far as its scheduler knows such an order."""
    if platform.machine() in _IOPRIO_SET:
        _LIBC.syscall(_IOPRIO_SET[platform.machine()], _OF_A_PROCESS, 0, _IDLE_CLASS)


def _weigh_session(niceness: int) -> None:
    for _ in range(_TRIES):
        try:
            Path("/proc/self/autogroup").write_text(str(niceness))
        except BlockingIOError:  # the kernel takes ten such changes a second from users
            time.sleep(_BETWEEN_TRIES_S)
        except OSError:
            return
        else:
            return
