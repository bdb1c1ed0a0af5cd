"""Giving way: the lab has a small share of processor and disk while the centre wants them, else all there is.

Linux weighs processes first by their sessions (autogroup), and by niceness only within one. Every part of the centre
has a session of its own, so the lab's as a whole is made to weigh little; all that the lab starts stays in it and
shares that weight, however many processes compute. Where sessions are not weighed (containers), niceness says the same.
"""

import ctypes
import os
import platform
import time
from pathlib import Path

_LIBC = ctypes.CDLL(None, use_errno=True)
_IOPRIO_SET = {"x86_64": 251, "aarch64": 30}
_OF_A_PROCESS, _IDLE_CLASS = 1, 3 << 13
_TRIES, _BETWEEN_TRIES_S = 12, 0.02


def step_back(niceness: int) -> None:
    """Add niceness, and set it for the session if this process has its own: at 10 both weigh a tenth."""
    os.nice(niceness)
    if os.getsid(0) == os.getpid():  # else others than the lab's are in it
        _weigh_session(niceness)


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
