"""The asyncio sibling of `PeriodicThread`: run a step again and again in the running loop, and say when it fails."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress

from ioc.fault_register import FaultRegister
from ioc.periodic_thread import FIRST_BACK_OFF_S, MAX_BACK_OFF_S, SETTLE_S, StepFailures

AsyncStep = Callable[[], Awaitable[float | None]]


class PeriodicTask:
    """Await `step` every `pace_s` seconds until `close`. A step returns the seconds until its next call, or None for
    `pace_s`; one that raises is logged, reported in `faults` under `name` and tried again after a back-off."""

    def __init__(
        self,
        name: str,
        step: AsyncStep,
        pace_s: float,
        faults: FaultRegister | None = None,
        *,
        first_back_off_s: float = FIRST_BACK_OFF_S,
        max_back_off_s: float = MAX_BACK_OFF_S,
        settle_s: float = SETTLE_S,
    ) -> None:
        self._name = name
        self._step = step
        self._pace_s = pace_s
        self._failures = StepFailures(name, faults or FaultRegister(), first_back_off_s, max_back_off_s, settle_s)
        self._task: asyncio.Task[None] | None = None

    def start(self, after_s: float = 0.0) -> None:
        """Begin in the running loop; the first step comes after `after_s`."""
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
