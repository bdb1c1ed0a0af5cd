"""The lab's handle on one confined process: start on demand, send questions, kill."""

from __future__ import annotations

import asyncio
import shutil
import sys
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any

import orjson

from ioc.errors import IocError
from ioc.lab.processor_time import processor_s, within
from ioc.lab.sandbox.worker import WorkerSettings
from ioc.messages import Message
from ioc.supervisor.child_processes import die_with_parent

_STARTS_WITHIN_S = 30.0
_LINE_BYTES = 4 << 20


class SandboxEnded(IocError):
    """The process was killed or crashed."""


class Sandbox:
    """A confined process that handles one question at a time.

    `missing` are the confinement layers that this system lacks.
    """

    def __init__(self, settings: WorkerSettings) -> None:
        self.settings = settings
        self.missing: list[str] = []
        self._process: asyncio.subprocess.Process | None = None

    @property
    def is_running(self) -> bool:
        return self._process is not None and self._process.returncode is None

    def processor_s(self) -> float | None:
        """Return the processor seconds it has used; None when there is no process."""
        return processor_s(self.pid)

    @property
    def pid(self) -> int | None:
        return self._process.pid if self._process is not None and self.is_running else None

    async def ask(
        self, question: Mapping[str, Any], on_progress: Callable[[float], None] | None = None
    ) -> dict[str, Any]:
        """Send a question and return `{"done": …}` or `{"failed": …}` from the worker.

        `on_progress` receives shares from 0 to 1. A caller that stops waiting must end the process, which would
        still answer. Raises SandboxEnded.
        """
        await self.ready()
        process = self._process
        assert process is not None
        assert process.stdin is not None
        try:
            process.stdin.write(orjson.dumps(question) + b"\n")
            await process.stdin.drain()
            while True:
                answer = await self._line(process)
                if "progress" not in answer:
                    return answer
                if on_progress is not None:
                    on_progress(float(answer["progress"]))
        except (BrokenPipeError, ConnectionResetError, ValueError) as fault:
            await self.end()
            raise SandboxEnded(Message("query_process_broke")) from fault

    async def ready(self) -> None:
        """Start the process if needed and wait until it is ready.

        Raises SandboxEnded.
        """
        if not self.is_running:
            await self._start()

    async def end(self) -> None:
        """Kill the process, if any, and clear its folder."""
        process, self._process = self._process, None
        if process is not None:
            with suppress(ProcessLookupError):
                process.kill()
            await process.wait()
            shutil.rmtree(self.settings.work, ignore_errors=True)

    async def _start(self) -> None:
        shutil.rmtree(self.settings.work, ignore_errors=True)
        self.settings.work.mkdir(parents=True, mode=0o700)
        self._process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "ioc.lab.sandbox.worker",
            self.settings.to_json(),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            env={"MALLOC_ARENA_MAX": "2", "OMP_NUM_THREADS": "1"},
            limit=_LINE_BYTES,
            preexec_fn=die_with_parent,
        )
        try:
            first = await within(_STARTS_WITHIN_S, self.processor_s, self._line(self._process))
            self.missing = first["ready"]
        except (TimeoutError, KeyError, ValueError, BrokenPipeError) as fault:
            await self.end()
            raise SandboxEnded(Message("query_process_start")) from fault

    async def _line(self, process: asyncio.subprocess.Process) -> dict[str, Any]:
        assert process.stdout is not None
        line = await process.stdout.readline()
        if not line:
            raise BrokenPipeError
        answer: dict[str, Any] = orjson.loads(line)
        return answer
