"""Give the lab a small share of processor and disk while the centre needs them, and all of it otherwise.

Linux divides processor time first between sessions (autogroup), and uses niceness only within one. Each part of the
centre has its own session, so the weight of the lab's session covers everything the lab starts. Where the kernel does
not group by session (containers), niceness has the same effect.
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
    """Call `step_back` in the main thread after `after_s` seconds, so that a start has its full share until then.

    Must be called in the main thread; uses SIGALRM.
    """
    signal.signal(signal.SIGALRM, lambda _number, _frame: step_back(niceness))
    signal.setitimer(signal.ITIMER_REAL, after_s)


def step_back(niceness: int) -> None:
    """Lower the priority of this process, its children and, if it owns one, its session.

    `niceness` is added to each; at 10 both weigh a tenth.
    """
    os.nice(niceness)
    for pid in _descendants(os.getpid()):
        with suppress(OSError):  # it has just ended
            os.setpriority(os.PRIO_PROCESS, pid, min(os.getpriority(os.PRIO_PROCESS, pid) + niceness, 19))
    if os.getsid(0) == os.getpid():  # otherwise the session holds processes of others
        _weigh_session(niceness)


def _descendants(pid: int) -> Iterator[int]:
    for listed in Path(f"/proc/{pid}/task").glob("*/children"):
        with suppress(OSError):
            for child in map(int, listed.read_text().split()):
                yield child
                yield from _descendants(child)


def read_last() -> None:
    """Use the disk only when no other process wants it, where the disk's scheduler supports that."""
    if platform.machine() in _IOPRIO_SET:
        _LIBC.syscall(_IOPRIO_SET[platform.machine()], _OF_A_PROCESS, 0, _IDLE_CLASS)


def _weigh_session(niceness: int) -> None:
    for _ in range(_TRIES):
        try:
            Path("/proc/self/autogroup").write_text(str(niceness))
        except BlockingIOError:  # the kernel accepts ten such changes a second from users
            time.sleep(_BETWEEN_TRIES_S)
        except OSError:
            return
        else:
            return
