"""Run long computations (KPI histories, forecasts, reports) in a separate trusted process."""

import asyncio
import os
import pickle
import struct
import sys
from collections.abc import Callable
from contextlib import suppress
from typing import Any, BinaryIO, ParamSpec, TypeVar

from ioc.errors import IocError
from ioc.lab.processor_time import processor_s, within
from ioc.messages import Message
from ioc.supervisor.child_processes import die_with_parent
from ioc.supervisor.no_pandas import keep_pandas_out

IDLE_S = 300.0
NEXT_WITHIN_S = 3.0
MAX_WAITING = 20
LONGEST_S = 120.0
MAX_REPORT_S = 900.0
_LENGTH = struct.Struct("<Q")
_PROGRESS = None
"""In place of the success flag: marks a message that only reports progress."""
_answers: BinaryIO | None = None
"""In the child process: the stream for answers."""

Result = TypeVar("Result")
Params = ParamSpec("Params")


class LabBusy(IocError):
    """Too many computations are already queued."""


class ComputationFailed(IocError):
    """A computation failed unexpectedly, took too long, or its process died; the text says which."""


class JobProcess:
    """Run functions in a child process, one at a time, in the order of submission.

    The process starts with the first call. It ends after `idle_s` without calls, or at once when it only did
    scheduled work.
    """

    def __init__(self, *, idle_s: float = IDLE_S, longest_s: float = LONGEST_S) -> None:
        self._idle_s = idle_s
        self._longest_s = longest_s
        self._turn = asyncio.Lock()
        self._waiting = 0
        self._process: asyncio.subprocess.Process | None = None
        self._rest: asyncio.TimerHandle | None = None
        self._keeps_process = False

    async def run(self, function: Callable[Params, Result], *arguments: Params.args, **named: Params.kwargs) -> Result:
        """Run a function in the child process and return its result.

        The function and its arguments must be picklable. IocError, ValueError and LookupError are raised here
        unchanged. Raises LabBusy, ComputationFailed.
        """
        return await self._queue(pickle.dumps((function, arguments, named)), keeps_process=True)  # type: ignore[no-any-return]

    async def run_scheduled(
        self, function: Callable[Params, Result], *arguments: Params.args, **named: Params.kwargs
    ) -> Result:
        """Run a function that nobody waits for; the process and its memory are released afterwards."""
        return await self._queue(pickle.dumps((function, arguments, named)), keeps_process=False)  # type: ignore[no-any-return]

    async def run_job(
        self,
        on_progress: Callable[[float], None],
        function: Callable[Params, Result],
        *arguments: Params.args,
        **named: Params.kwargs,
    ) -> Result:
        """Run a function as `run_scheduled` does and report its progress.

        `on_progress` receives the shares, from 0 to 1, that the function passes to `report_progress`.
        """
        work = pickle.dumps((function, arguments, named))
        return await self._queue(work, keeps_process=False, on_progress=on_progress)  # type: ignore[no-any-return]

    async def close(self) -> None:
        """End the child process."""
        if self._rest is not None:
            self._rest.cancel()
            self._rest = None
        process, self._process = self._process, None
        if process is not None:
            with suppress(ProcessLookupError):
                process.kill()
            await process.wait()

    async def _queue(
        self, work: bytes, *, keeps_process: bool, on_progress: Callable[[float], None] | None = None
    ) -> Any:
        if self._waiting >= MAX_WAITING:
            raise LabBusy(Message("computations_queued", count=self._waiting))
        self._waiting += 1
        try:
            async with self._turn:
                return await self._compute(work, keeps_process=keeps_process, on_progress=on_progress)
        finally:
            self._waiting -= 1

    async def _compute(self, work: bytes, *, keeps_process: bool, on_progress: Callable[[float], None] | None) -> Any:
        if self._rest is not None:
            self._rest.cancel()
        self._keeps_process = keeps_process or (self._keeps_process and self._process is not None)
        try:
            good, answer = await within(self._longest_s, self._processor_s, self._exchange(work, on_progress))
        except TimeoutError as fault:
            await self.close()
            raise ComputationFailed(Message("computation_limit", fault=fault.args[0])) from None
        except (asyncio.IncompleteReadError, BrokenPipeError, ConnectionResetError):
            await self.close()
            raise ComputationFailed(Message("computation_ended")) from None
        except BaseException:  # the caller is gone: a late answer must not be read as the answer to the next call
            await self.close()
            raise
        rest_s = self._idle_s if self._keeps_process else NEXT_WITHIN_S
        self._rest = asyncio.get_running_loop().call_later(rest_s, self._end_idle)
        if good:
            return answer
        raise answer

    async def _exchange(self, work: bytes, on_progress: Callable[[float], None] | None) -> tuple[bool, Any]:
        if self._process is None or self._process.returncode is not None:
            self._process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-m",
                "ioc.lab.job_process",
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                preexec_fn=die_with_parent,
            )
        process = self._process
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(_LENGTH.pack(len(work)) + work)
        await process.stdin.drain()
        while True:
            (size,) = _LENGTH.unpack(await process.stdout.readexactly(_LENGTH.size))
            kind, answer = pickle.loads(await process.stdout.readexactly(size))
            if kind is not _PROGRESS:
                return kind, answer
            if on_progress is not None:
                on_progress(answer)

    def _processor_s(self) -> float | None:
        return processor_s(self._process.pid) if self._process is not None else 0.0

    def _end_idle(self) -> None:
        self._ending = asyncio.ensure_future(self.close())


def report_progress(share: float) -> None:
    """Report the progress of the running function, from 0 to 1, to the caller of `run_job`."""
    if _answers is not None:
        _write(_answers, pickle.dumps((_PROGRESS, share)))


def _write(answers: BinaryIO, answer: bytes) -> None:
    answers.write(_LENGTH.pack(len(answer)) + answer)
    answers.flush()


def _answer(work: bytes) -> bytes:
    try:
        function, arguments, named = pickle.loads(work)
        return pickle.dumps((True, function(*arguments, **named)))
    except (IocError, ValueError, LookupError) as fault:
        with suppress(Exception):
            return pickle.dumps((False, pickle.loads(pickle.dumps(fault))))
        return pickle.dumps((False, ComputationFailed(Message.of(str(fault)))))
    except Exception as fault:  # noqa: BLE001 - any failure must reach the caller
        return pickle.dumps((False, ComputationFailed(Message("computation_failed", reason=repr(fault)))))


def main() -> None:
    """Serve calls until standard input ends. Prints of the functions go to the lab's log."""
    global _answers
    keep_pandas_out()
    os.nice(10)
    with os.fdopen(os.dup(0), "rb") as asked, os.fdopen(os.dup(1), "wb") as answers:
        os.dup2(2, 1)
        _answers = answers
        while head := asked.read(_LENGTH.size):
            _write(answers, _answer(asked.read(_LENGTH.unpack(head)[0])))


if __name__ == "__main__":
    # Import under the module's own name, so that exceptions have the classes that the lab knows.
    from ioc.lab.job_process import main as run

    run()
