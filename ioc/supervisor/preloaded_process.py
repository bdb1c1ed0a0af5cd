"""Processes forked from one that has imported everything already.

Imports cost one to two seconds of a core, which whoever waits for a dead process would wait for; and forked processes
share the imported pages. The parent runs no thread, so a fork is safe.
"""

import os
import signal
import sys
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from ioc.supervisor.child_processes import Restart, be_called, die_with_parent

_LOG_BYTES = 5_000_000
_LOOK_EVERY_S = 0.02


@dataclass
class Forked:
    """One process; what it prints goes to `log`, or where its parent prints. `work` runs in it, and its return ends it.
    The system's lists of processes show it by `name`."""

    name: str
    work: Callable[[], None]
    log: Path | None
    restart: Restart = field(default_factory=Restart)
    pid: int | None = None
    deaths: int = 0
    started_at: float = 0.0
    due_at: float = 0.0

    def tend(self, now: float) -> int | None:
        """Start it again if it died and its wait is over; the exit code at the moment its death is noticed."""
        if self.pid is None:
            if now >= self.due_at:
                self._start(now)
            return None
        code = self._exit_code()
        if code is not None:
            lived_s = now - self.started_at
            self.due_at = now + self.restart.delay_s(self.deaths, lived_s)
            self.deaths = 0 if lived_s >= self.restart.settled_after_s else self.deaths + 1
        return code

    def terminate(self) -> None:
        if self.pid is not None:
            os.kill(self.pid, signal.SIGTERM)

    def stop(self, deadline: float) -> None:
        """Wait for its end after `terminate`; SIGKILL at `deadline` (monotonic)."""
        while self.pid is not None and self._exit_code() is None:
            if time.monotonic() > deadline:
                os.kill(self.pid, signal.SIGKILL)
            time.sleep(_LOOK_EVERY_S)

    def _exit_code(self) -> int | None:
        """Negative for a signal; None while it runs. Forgets an ended process."""
        assert self.pid is not None
        pid, status = os.waitpid(self.pid, os.WNOHANG)
        if pid == 0:
            return None
        self.pid = None
        return os.waitstatus_to_exitcode(status)

    def _start(self, now: float) -> None:
        self.started_at = now
        parent = os.getpid()
        sys.stdout.flush()
        sys.stderr.flush()
        self.pid = os.fork()
        if self.pid == 0:
            self._live(parent)

    def _live(self, parent: int) -> None:
        code = 1
        try:
            die_with_parent()
            if os.getppid() != parent:
                os._exit(0)
            os.setsid()
            be_called(self.name)
            for number in (signal.SIGTERM, signal.SIGINT):
                signal.signal(number, signal.SIG_DFL)
            self._redirect()
            self.work()
            code = 0
        except SystemExit as end:
            code = end.code if isinstance(end.code, int) else int(end.code is not None)
            if isinstance(end.code, str):
                print(end.code, file=sys.stderr)
        except BaseException:  # noqa: BLE001 the process ends here, whatever it is, and says why
            traceback.print_exc()
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(code)

    def _redirect(self) -> None:
        nothing = os.open(os.devnull, os.O_RDONLY)
        os.dup2(nothing, 0)
        if self.log is None:
            return
        self.log.parent.mkdir(parents=True, exist_ok=True)
        fresh = self.log.exists() and self.log.stat().st_size > _LOG_BYTES
        mode = os.O_TRUNC if fresh else os.O_APPEND
        log = os.open(self.log, os.O_WRONLY | os.O_CREAT | mode, 0o644)
        for target in (1, 2):
            os.dup2(log, target)
        sys.stdout = sys.stderr = os.fdopen(1, "w", buffering=1, closefd=False)
