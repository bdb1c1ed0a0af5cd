"""Run the blocking work of routes in worker threads, so that the event loop stays free."""

from collections.abc import Callable
from typing import TypeVar

from anyio import CapacityLimiter, to_thread

Result = TypeVar("Result")
MAX_THREADS = 8


class WorkerThreads:
    """At most MAX_THREADS functions run at a time; others wait in a queue."""

    def __init__(self) -> None:
        self._limiter = CapacityLimiter(MAX_THREADS)

    async def run(self, function: Callable[[], Result]) -> Result:
        """Return the result of `function`. A client that disconnects ends the request at once; the thread goes on."""
        return await to_thread.run_sync(function, abandon_on_cancel=True, limiter=self._limiter)
