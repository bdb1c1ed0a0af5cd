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
from ioc.supervisor.child_processes import die_with_parent
from ioc.supervisor.no_pandas import keep_pandas_out

IDLE_S = 300.0
NEXT_WITHIN_S = 3.0
MOST_WAITING = 20
LONGEST_S = 120.0
REPORTS_LONGEST_S = 900.0
_LENGTH = struct.Struct("<Q")
_PROGRESS = None
"""Stands for `good` in a message that only reports progress."""
_answers: BinaryIO | None = None
"""In the separate process: the stream for its answers."""

Result = TypeVar("Result")
Given = ParamSpec("Given")


class LabBusy(IocError):
    """Too much waits already; ask again shortly."""


class ReckoningFailed(IocError):
    """It ended in an error that nobody foresaw, took too long, or its process died; the text says which."""


class Beside:
    """Runs functions of modules, one at a time, in the order of asking. The process starts with the first of them and
    ends when none came for a while: for `idle_s` where people ask, at once where it only did what was scheduled."""

    def __init__(self, *, idle_s: float = IDLE_S, longest_s: float = LONGEST_S) -> None:
        self._idle_s = idle_s
        self._longest_s = longest_s
        self._turn = asyncio.Lock()
        self._waiting = 0
        self._process: asyncio.subprocess.Process | None = None
        self._rest: asyncio.TimerHandle | None = None
        self._is_asked = False

    async def run(self, function: Callable[Given, Result], *arguments: Given.args, **named: Given.kwargs) -> Result:
        """What the function returns. It and its arguments must be picklable. IocErrors, ValueErrors and LookupErrors of
        it are raised here as they are. Raises LabBusy, ReckoningFailed."""
        return await self._take_turn(pickle.dumps((function, arguments, named)), is_asked=True)  # type: ignore[no-any-return]

    async def run_scheduled(
        self, function: Callable[Given, Result], *arguments: Given.args, **named: Given.kwargs
    ) -> Result:
        """As `run`, for work that nobody waits for: what it takes of memory is given back when it is done."""
        return await self._take_turn(pickle.dumps((function, arguments, named)), is_asked=False)  # type: ignore[no-any-return]

    async def run_job(
        self,
        told: Callable[[float], None],
        function: Callable[Given, Result],
        *arguments: Given.args,
        **named: Given.kwargs,
    ) -> Result:
        """As `run_scheduled`; `told` receives the progress, from 0 to 1, that the function gives to `tell_progress`."""
        work = pickle.dumps((function, arguments, named))
        return await self._take_turn(work, is_asked=False, told=told)  # type: ignore[no-any-return]

    async def close(self) -> None:
        """End the process."""
        if self._rest is not None:
            self._rest.cancel()
            self._rest = None
        process, self._process = self._process, None
        if process is not None:
            with suppress(ProcessLookupError):
                process.kill()
            await process.wait()

    async def _take_turn(self, work: bytes, *, is_asked: bool, told: Callable[[float], None] | None = None) -> Any:
        if self._waiting >= MOST_WAITING:
            raise LabBusy(f"{self._waiting} reckonings wait already; ask again in a minute.")
        self._waiting += 1
        try:
            async with self._turn:
                return await self._reckon(work, is_asked=is_asked, told=told)
        finally:
            self._waiting -= 1

    async def _reckon(self, work: bytes, *, is_asked: bool, told: Callable[[float], None] | None) -> Any:
        if self._rest is not None:
            self._rest.cancel()
        self._is_asked = is_asked or (self._is_asked and self._process is not None)
        try:
            good, answer = await within(self._longest_s, self._processor_s, self._exchange(work, told))
        except TimeoutError as fault:
            await self.close()
            raise ReckoningFailed(f"The reckoning {fault}.") from None
        except (asyncio.IncompleteReadError, BrokenPipeError, ConnectionResetError):
            await self.close()
            raise ReckoningFailed("The process that reckons ended; ask again.") from None
        except BaseException:  # nobody waits any more: what it would still answer must not be taken for another's
            await self.close()
            raise
        rest_s = self._idle_s if self._is_asked else NEXT_WITHIN_S
        self._rest = asyncio.get_running_loop().call_later(rest_s, self._end_idle)
        if good:
            return answer
        raise answer

    async def _exchange(self, work: bytes, told: Callable[[float], None] | None) -> tuple[bool, Any]:
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
            if told is not None:
                told(answer)

    def _processor_s(self) -> float | None:
        return processor_s(self._process.pid) if self._process is not None else 0.0

    def _end_idle(self) -> None:
        self._ending = asyncio.ensure_future(self.close())


def tell_progress(share: float) -> None:
    """Report the progress of the function that runs here, from 0 to 1, to the caller of `run_job`."""
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
        return pickle.dumps((False, ReckoningFailed(str(fault))))
    except Exception as fault:  # noqa: BLE001 - whatever happens, who asked is told
        return pickle.dumps((False, ReckoningFailed(f"The reckoning failed: {fault!r}")))


def main() -> None:
    """Answer until there is nobody to ask; what functions print goes to the lab's log."""
    global _answers
    keep_pandas_out()
    os.nice(10)
    with os.fdopen(os.dup(0), "rb") as asked, os.fdopen(os.dup(1), "wb") as answers:
        os.dup2(2, 1)
        _answers = answers
        while head := asked.read(_LENGTH.size):
            _write(answers, _answer(asked.read(_LENGTH.unpack(head)[0])))


if __name__ == "__main__":
    # Under its own name, so that errors raised here are of the classes that the lab knows.
    from ioc.lab.job_process import main as run

    run()
