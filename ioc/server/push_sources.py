"""Run the push sources in a thread with its own event loop, so that they never wait for the API's."""

import asyncio
from contextlib import suppress

from connectors.runner import Runner
from ioc.fault_register import FaultRegister
from ioc.periodic_thread import PeriodicThread, StepPolicy

STUCK_AFTER_S = 15.0
"""While the broker is away a round waits some seconds per source; that is reported as a fault of its own."""
MAX_BACK_OFF_S = 2.0
_STOP_WITHIN_S = 8.0


class PushSources:
    """Run the push sources until stopped; what is buffered is then delivered or on disk.

    A runner that fails is started again with a new event loop, and delivers what the previous one left on disk.
    """

    def __init__(self, runner: Runner, faults: FaultRegister | None = None) -> None:
        self._runner = runner
        self._running: tuple[asyncio.AbstractEventLoop, asyncio.Task[None]] | None = None
        self._thread = PeriodicThread(
            "push-sources",
            self._work,
            0.0,
            faults,
            policy=StepPolicy(max_back_off_s=MAX_BACK_OFF_S, stuck_after_s=STUCK_AFTER_S),
        )

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def stop(self) -> None:
        """Cancel the runner; return when it has ended, at the latest after some seconds."""
        self._thread.stop(0)
        if (running := self._running) is not None:
            loop, task = running
            with suppress(RuntimeError):  # the loop has just been closed
                loop.call_soon_threadsafe(task.cancel)
        self._thread.stop(_STOP_WITHIN_S)

    def _work(self) -> None:
        with suppress(asyncio.CancelledError):  # `stop` cancels it
            asyncio.run(self._run())

    async def _run(self) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._running = asyncio.get_running_loop(), task
        try:
            if not self._thread.is_stopping:
                await self._runner.run(self._on_round)
        finally:
            self._running = None

    def _on_round(self, failure: Exception | None) -> None:
        if failure is None:
            self._thread.succeeded()
        else:
            self._thread.failed(failure)
