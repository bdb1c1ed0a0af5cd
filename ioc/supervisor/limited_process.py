"""Run generator functions in a child process with limits of memory and processor time.

For work on input that cannot be trusted: what bursts the limits, or breaks the process, is an exception here and harms
nobody else. One call at a time; the process is started at the first call and serves later ones, so that a call costs
no start. Values and exceptions travel as pickles over a pipe.
"""

from __future__ import annotations

import math
import os
import pickle
import resource
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from importlib import import_module
from multiprocessing.connection import Connection, Pipe
from pathlib import Path
from typing import Any

from ioc.errors import IocError

_CLOCK_PER_PROCESSOR_S = 10.0
"""How much longer a call may take by the clock than by the processor: the machine may be busy, or the disk slow."""
_ADDRESSES_BYTES = 1 << 30
"""Address space beyond the limit of memory: programs and files that are mapped, which take no memory of their own."""

_KEPT = frozenset({"PATH", "LANG", "LC_ALL", "TZ"})
"""Variables passed to the child; the others may hold secrets that it does not need."""


@dataclass(frozen=True)
class Limits:
    """`memory_bytes` of the whole process, `processor_s` between two values that the function yields."""

    memory_bytes: int
    processor_s: float


class LimitExceeded(IocError):
    """The function took more memory or time than it may, or its process ended; the process is gone.

    `was_killed`: from outside, as by the system when memory is short; another try may do.
    """

    def __init__(self, message: str, *, was_killed: bool = False) -> None:
        super().__init__(message)
        self.was_killed = was_killed


class LimitedProcess:
    """One child process. `stream` is for one thread at a time, `end` for any."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._pipe: Connection | None = None
        self._read_from: Connection | None = None

    @property
    def pid(self) -> int | None:
        return self._process.pid if self._process is not None else None

    def stream(self, function: Callable[..., Iterator[Any]], *arguments: Any) -> Iterator[Any]:
        """Yield what `function`, the name of which a module has at its top, yields for the arguments.

        Raises what it raises, LimitExceeded, and LimitExceeded also when `end` is called meanwhile.
        """
        pipe = self._started()
        self._read_from, ended = pipe, False
        try:
            pipe.send((function.__module__, function.__qualname__, arguments))
            while True:
                if not pipe.poll(self._limits.processor_s * _CLOCK_PER_PROCESSOR_S):
                    raise LimitExceeded(self._too_slow())
                kind, value = pipe.recv()
                if kind == "value":
                    yield value
                    continue
                ended = kind != "memory"
                if kind == "done":
                    return
                raise LimitExceeded(self._too_large()) if kind == "memory" else value
        except (EOFError, OSError) as fault:
            if ended:  # it is the function's own
                raise
            raise self._death() from fault
        finally:
            if self._read_from is pipe:
                self._read_from = None
            if not ended:
                if self._pipe is pipe:
                    self.end()
                pipe.close()

    def end(self) -> int | None:
        """Kill the process, if there is one; the next call starts another. Returns the exit code."""
        with self._lock:
            process, self._process = self._process, None
            pipe, self._pipe = self._pipe, None
            is_read = pipe is self._read_from  # then the thread that reads closes it
        if process is None:
            return None
        process.kill()
        code = process.wait()
        if pipe is not None and not is_read:
            pipe.close()
        return code

    def __del__(self) -> None:
        self.end()

    def _started(self) -> Connection:
        if self._process is not None and self._process.poll() is not None:
            self.end()
        with self._lock:
            if self._pipe is None:
                ours, theirs = Pipe()
                words = (str(theirs.fileno()), str(self._limits.memory_bytes), str(self._limits.processor_s))
                with theirs:
                    self._process = subprocess.Popen(
                        [sys.executable, "-m", "ioc.supervisor.limited_process", *words],
                        stdin=subprocess.DEVNULL,
                        stdout=subprocess.DEVNULL,
                        pass_fds=[theirs.fileno()],
                        start_new_session=True,
                        env={name: word for name, word in os.environ.items() if name in _KEPT or name[:6] == "PYTHON"},
                    )
                self._pipe = ours
            return self._pipe

    def _death(self) -> LimitExceeded:
        """Say why the process is gone."""
        process = self._process
        if process is None:
            return LimitExceeded("Its reading was broken off.", was_killed=True)
        with suppress(subprocess.TimeoutExpired):
            process.wait(5)
        code = process.returncode
        if code == -signal.SIGXCPU:
            return LimitExceeded(self._too_slow())
        if code == -signal.SIGABRT:  # what Rust does when it gets no memory
            return LimitExceeded(self._too_large())
        how = signal.Signals(-code).name if code and code < 0 else f"exit code {code}"
        return LimitExceeded(f"It ended the process that read it ({how}).", was_killed=code == -signal.SIGKILL)

    def _too_slow(self) -> str:
        return f"It needs more than {self._limits.processor_s:g} s of processor time at once."

    def _too_large(self) -> str:
        return f"It needs more than {self._limits.memory_bytes >> 20} MB of memory."


def main() -> None:
    """Serve calls until the other end of the pipe is gone."""
    handle, memory_bytes, processor_s = int(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3])
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    os.nice(5)
    with suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text("900")
    for number, most in (
        (resource.RLIMIT_DATA, memory_bytes),
        (resource.RLIMIT_AS, memory_bytes + _ADDRESSES_BYTES),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_CORE, 0),
    ):
        with suppress(OSError, ValueError):  # an outer limit that is lower holds
            resource.setrlimit(number, (most, most))
    pipe = Connection(handle)
    with suppress(EOFError, BrokenPipeError, ConnectionResetError):
        while True:
            module, name, arguments = pipe.recv()
            _answer(pipe, getattr(import_module(module), name), arguments, processor_s)


def _answer(pipe: Connection, function: Callable[..., Iterator[Any]], arguments: Any, processor_s: float) -> None:
    try:
        _allow(processor_s)
        for value in function(*arguments):
            pipe.send(("value", value))
            _allow(processor_s)
        pipe.send(("done", None))
    except MemoryError:
        pipe.send(("memory", None))
    except (BrokenPipeError, ConnectionResetError):
        raise
    except Exception as fault:  # noqa: BLE001  it is raised at the other end
        pipe.send(("failed", _portable(fault)))


def _allow(processor_s: float) -> None:
    """Let the process compute so much from now on."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    most = math.ceil(used.ru_utime + used.ru_stime + processor_s)
    resource.setrlimit(resource.RLIMIT_CPU, (most, resource.getrlimit(resource.RLIMIT_CPU)[1]))


def _portable(fault: Exception) -> Exception:
    """Return the exception, or its text where it does not survive the way."""
    try:
        pickle.loads(pickle.dumps(fault))
    except Exception:  # noqa: BLE001  whatever a class of exceptions does there
        return RuntimeError(repr(fault))
    return fault


if __name__ == "__main__":
    main()
