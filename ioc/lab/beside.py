"""Reckoning beside the lab: a trusted process for what is long (KPI histories, forecasts, reports)."""

import asyncio
import os
import pickle
import struct
import sys
from collections.abc import Callable
from contextlib import suppress
from typing import Any, ParamSpec, TypeVar

from ioc.errors import IocError
from ioc.lab.processor_time import processor_s, within
from ioc.lean import keep_pandas_out
from ioc.processes import die_with_parent

IDLE_S = 300.0
NEXT_WITHIN_S = 3.0
MOST_WAITING = 20
LONGEST_S = 120.0
_LENGTH = struct.Struct("<Q")

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

    async def _take_turn(self, work: bytes, *, is_asked: bool) -> Any:
        if self._waiting >= MOST_WAITING:
            raise LabBusy(f"{self._waiting} reckonings wait already; ask again in a minute.")
        self._waiting += 1
        try:
            async with self._turn:
                return await self._reckon(work, is_asked=is_asked)
        finally:
            self._waiting -= 1

    async def _reckon(self, work: bytes, *, is_asked: bool) -> Any:
        if self._rest is not None:
            self._rest.cancel()
        self._is_asked = is_asked or (self._is_asked and self._process is not None)
        try:
            good, answer = pickle.loads(await within(self._longest_s, self._processor_s, self._exchange(work)))
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

    async def _exchange(self, work: bytes) -> bytes:
        if self._process is None or self._process.returncode is not None:
            self._process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-m",
                "ioc.lab.beside",
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                preexec_fn=die_with_parent,
            )
        process = self._process
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(_LENGTH.pack(len(work)) + work)
        await process.stdin.drain()
        (size,) = _LENGTH.unpack(await process.stdout.readexactly(_LENGTH.size))
        return await process.stdout.readexactly(size)

    def _processor_s(self) -> float | None:
        return processor_s(self._process.pid) if self._process is not None else 0.0

    def _end_idle(self) -> None:
        self._ending = asyncio.ensure_future(self.close())


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
    keep_pandas_out()
    os.nice(10)
    with os.fdopen(os.dup(0), "rb") as asked, os.fdopen(os.dup(1), "wb") as answers:
        os.dup2(2, 1)
        while head := asked.read(_LENGTH.size):
            answer = _answer(asked.read(_LENGTH.unpack(head)[0]))
            answers.write(_LENGTH.pack(len(answer)) + answer)
            answers.flush()


if __name__ == "__main__":
    # Under its own name, so that errors raised here are of the classes that the lab knows.
    from ioc.lab.beside import main as run

    run()
