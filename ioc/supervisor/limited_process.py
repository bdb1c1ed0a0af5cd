"""Run generator functions in a child process with limits of memory and processor time.

For work on untrusted input: what exceeds the limits, or breaks the process, is an exception here and harms nothing
else. One call runs at a time. The process starts at the first call and serves later ones too, so calls do not pay for
a start. Values and exceptions travel as pickles over a pipe.
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
from ioc.messages import Message

_CLOCK_PER_PROCESSOR_S = 10.0
"""How many times longer a call may take on the clock than on the processor: the machine or the disk may be busy."""
_ADDRESSES_BYTES = 1 << 30
"""Address space beyond the limit of memory, for mapped programs and files, which use no memory of their own."""

_KEPT = frozenset({"PATH", "LANG", "LC_ALL", "TZ"})
"""Environment variables for the child; others may hold secrets that it does not need."""


@dataclass(frozen=True)
class ProcessLimits:
    """Limits of memory for the whole process, and of processor time between two yielded values."""

    memory_bytes: int
    processor_s: float


class LimitExceeded(IocError):
    """The function exceeded its memory or time, or its process ended; the process is gone.

    `was_killed`: from outside, such as by the system when memory is short; another try may succeed.
    """

    def __init__(self, message: Message, *, was_killed: bool = False) -> None:
        super().__init__(message)
        self.was_killed = was_killed


class LimitedProcess:
    """One child process. `stream` is for one thread at a time, `end` for any."""

    def __init__(self, limits: ProcessLimits) -> None:
        self._limits = limits
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._pipe: Connection | None = None
        self._read_from: Connection | None = None

    @property
    def pid(self) -> int | None:
        """Process id, None while there is no process."""
        return self._process.pid if self._process is not None else None

    def stream(self, function: Callable[..., Iterator[Any]], *arguments: Any) -> Iterator[Any]:
        """Yield what `function`, defined at the top of a module, yields for the arguments.

        Raises what the function raises, and LimitExceeded, also when `end` is called meanwhile.
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
            if ended:  # the function itself raised it
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
        """Kill the process, if there is one, and return its exit code; the next call starts another."""
        with self._lock:
            process, self._process = self._process, None
            pipe, self._pipe = self._pipe, None
            is_read = pipe is self._read_from  # then the reading thread closes it
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
                arguments = (str(theirs.fileno()), str(self._limits.memory_bytes), str(self._limits.processor_s))
                with theirs:
                    self._process = subprocess.Popen(
                        [sys.executable, "-m", "ioc.supervisor.limited_process", *arguments],
                        stdin=subprocess.DEVNULL,
                        stdout=subprocess.DEVNULL,
                        pass_fds=[theirs.fileno()],
                        start_new_session=True,
                        env={
                            name: value
                            for name, value in os.environ.items()
                            if name in _KEPT or name.startswith("PYTHON")
                        },
                    )
                self._pipe = ours
            return self._pipe

    def _death(self) -> LimitExceeded:
        """Return the error that says why the process is gone."""
        process = self._process
        if process is None:
            return LimitExceeded(Message("reading_interrupted"), was_killed=True)
        with suppress(subprocess.TimeoutExpired):
            process.wait(5)
        code = process.returncode
        if code == -signal.SIGXCPU:
            return LimitExceeded(self._too_slow())
        if code == -signal.SIGABRT:  # Rust aborts when it gets no memory
            return LimitExceeded(self._too_large())
        how = signal.Signals(-code).name if code and code < 0 else f"exit code {code}"
        return LimitExceeded(Message("reading_killed", how=how), was_killed=code == -signal.SIGKILL)

    def _too_slow(self) -> Message:
        return Message("reading_slow", seconds=self._limits.processor_s)

    def _too_large(self) -> Message:
        return Message("reading_large", limit=self._limits.memory_bytes >> 20)


def main() -> None:
    """Serve calls until the other end of the pipe is closed."""
    handle, memory_bytes, processor_s = int(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3])
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    os.nice(5)
    with suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text("900")
    for number, limit in (
        (resource.RLIMIT_DATA, memory_bytes),
        (resource.RLIMIT_AS, memory_bytes + _ADDRESSES_BYTES),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_CORE, 0),
    ):
        with suppress(OSError, ValueError):  # a lower outer limit stays in force
            resource.setrlimit(number, (limit, limit))
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
    except Exception as fault:  # noqa: BLE001  it is raised in the parent
        pipe.send(("failed", _portable(fault)))


def _allow(processor_s: float) -> None:
    """Allow the process this much processor time from now on."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    limit_s = math.ceil(used.ru_utime + used.ru_stime + processor_s)
    resource.setrlimit(resource.RLIMIT_CPU, (limit_s, resource.getrlimit(resource.RLIMIT_CPU)[1]))


def _portable(fault: Exception) -> Exception:
    """Return the exception, or its text where it cannot be pickled."""
    try:
        pickle.loads(pickle.dumps(fault))
    except Exception:  # noqa: BLE001  a class of exceptions may raise anything there
        return RuntimeError(repr(fault))
    return fault


if __name__ == "__main__":
    main()
