"""Processes that are forked from one that has imported everything already.

Imports take one to two seconds of a core, which everybody who waits for a dead process would wait for; forked
processes also share the imported pages. The parent runs no thread, so a fork is safe.
"""

import os
import signal
import sys
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from ioc.supervisor.child_processes import WatchedProcess, die_with_parent, set_process_title

_MAX_LOG_BYTES = 5_000_000
_CHECK_EVERY_S = 0.02


@dataclass
class ForkedProcess(WatchedProcess):
    """A forked process that runs `work` and ends when it returns; lists of processes show `name`.

    It prints to `log`, or where its parent prints (None).
    """

    name: str
    work: Callable[[], None]
    log: Path | None
    pid: int | None = None

    @property
    def is_started(self) -> bool:
        """Whether it was started, and its end was not noticed yet."""
        return self.pid is not None

    def terminate(self) -> None:
        """Send SIGTERM."""
        if self.pid is not None:
            os.kill(self.pid, signal.SIGTERM)

    def stop(self, deadline: float) -> None:
        """Wait for the end after `terminate`; send SIGKILL at `deadline` (monotonic seconds)."""
        while self.pid is not None and self._exit_code() is None:
            if time.monotonic() > deadline:
                os.kill(self.pid, signal.SIGKILL)
            time.sleep(_CHECK_EVERY_S)

    def _exit_code(self) -> int | None:
        assert self.pid is not None
        pid, status = os.waitpid(self.pid, os.WNOHANG)
        if pid == 0:
            return None
        self.pid = None
        return os.waitstatus_to_exitcode(status)

    def _spawn(self) -> None:
        parent = os.getpid()
        sys.stdout.flush()
        sys.stderr.flush()
        self.pid = os.fork()
        if self.pid == 0:
            self._run_child(parent)

    def _run_child(self, parent: int) -> None:
        code = 1
        try:
            die_with_parent()
            if os.getppid() != parent:
                os._exit(0)
            os.setsid()
            set_process_title(self.name)
            for number in (signal.SIGTERM, signal.SIGINT):
                signal.signal(number, signal.SIG_DFL)
            self._redirect()
            self.work()
            code = 0
        except SystemExit as end:
            code = end.code if isinstance(end.code, int) else int(end.code is not None)
            if isinstance(end.code, str):
                print(end.code, file=sys.stderr)
        except BaseException:  # noqa: BLE001 the process ends here in any case, and prints why
            traceback.print_exc()
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(code)

    def _redirect(self) -> None:
        """Read from nothing, and print to the log, which starts empty when it has become too long."""
        nothing = os.open(os.devnull, os.O_RDONLY)
        os.dup2(nothing, 0)
        if self.log is None:
            return
        self.log.parent.mkdir(parents=True, exist_ok=True)
        is_long = self.log.exists() and self.log.stat().st_size > _MAX_LOG_BYTES
        mode = os.O_TRUNC if is_long else os.O_APPEND
        log = os.open(self.log, os.O_WRONLY | os.O_CREAT | mode, 0o644)
        for target in (1, 2):
            os.dup2(log, target)
        sys.stdout = sys.stderr = os.fdopen(1, "w", buffering=1, closefd=False)
