"""Run a command that ends when its starter ends, however that ends: `python bound.py STARTER_PID COMMAND ...`.

A process of its own instead of `preexec_fn`, which may deadlock in a starter with threads. Linux only; elsewhere the
command merely runs.
"""

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1


def main(starter_pid: int, command: list[str]) -> None:
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != starter_pid:  # it ended before the line above
            sys.exit(1)
    os.execv(command[0], command)


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2:])
