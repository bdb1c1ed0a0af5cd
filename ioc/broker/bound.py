"""Run a command that is killed when its starter ends, in whatever way: `python bound.py STARTER_PID COMMAND ...`.

It is a program of its own instead of a `preexec_fn`, which may deadlock in a starter with threads. On systems other
than Linux the command only runs.
"""

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1


def main(starter_pid: int, command: list[str]) -> None:
    """Bind this process to its starter and replace it by the command."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != starter_pid:  # the starter ended before the line above
            sys.exit(1)
    os.execv(command[0], command)


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2:])
