"""Run a step periodically in an asyncio loop, and report its failures; `PeriodicThread` does it in a thread."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress

from ioc.fault_register import FaultRegister
from ioc.periodic_thread import DEFAULT_POLICY, StepFailures, StepPolicy

AsyncStep = Callable[[], Awaitable[float | None]]


class PeriodicTask:
    """Await `step` every `pace_s` seconds until `close`.

    A step returns the seconds until its next call, or None for `pace_s`. One that raises is logged, reported in
    `faults` under `name` and tried again after a back-off.
    """

    def __init__(
        self,
        name: str,
        step: AsyncStep,
        pace_s: float,
        faults: FaultRegister | None = None,
        *,
        policy: StepPolicy = DEFAULT_POLICY,
    ) -> None:
        self._name = name
        self._step = step
        self._pace_s = pace_s
        self._failures = StepFailures(name, faults or FaultRegister(), policy)
        self._task: asyncio.Task[None] | None = None

    def start(self, after_s: float = 0.0) -> None:
        """Start in the running loop; the first step follows after `after_s`."""
        self._task = asyncio.create_task(self._run(after_s), name=self._name)

    async def close(self) -> None:
        """Cancel the running step and wait for its end."""
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task

    async def _run(self, after_s: float) -> None:
        await asyncio.sleep(after_s)
        while True:
            try:
                pause_s = await self._step()
            except Exception as failure:  # noqa: BLE001 - whatever fails is reported and tried again
                await asyncio.sleep(self._failures.add(failure))
                continue
            self._failures.end()
            await asyncio.sleep(self._pace_s if pause_s is None else pause_s)
