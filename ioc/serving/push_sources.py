"""The push sources' runner, in a thread with an event loop of its own, so that it never waits for the API's."""

import asyncio
import threading
from contextlib import suppress

from connectors.runner import Runner


class PushSources:
    """Keeps the runner of the push sources going until stopped; what is buffered is then delivered or on disk."""

    def __init__(self, runner: Runner) -> None:
        self._runner = runner
        self._loop = asyncio.new_event_loop()
        self._task: asyncio.Task[None] | None = None
        self._thread = threading.Thread(target=self._run, name="push-sources", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        if self._task is not None:
            self._loop.call_soon_threadsafe(self._task.cancel)
        if self._thread.is_alive():
            self._thread.join(8)

    def _run(self) -> None:
        self._task = self._loop.create_task(self._runner.run())
        with suppress(asyncio.CancelledError):
            self._loop.run_until_complete(self._task)
        self._loop.close()
