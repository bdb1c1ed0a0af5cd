"""Blocking work of handlers, in threads of its own, so that neither the event loop nor other answers wait for it."""

from collections.abc import Callable
from typing import TypeVar

from anyio import CapacityLimiter, to_thread

Answer = TypeVar("Answer")
MAX_THREADS = 8


class WorkerThreads:
    """At most MAX_THREADS run; the others wait their turn. A client that goes away frees its request at once."""

    def __init__(self) -> None:
        self._limiter = CapacityLimiter(MAX_THREADS)

    async def run(self, work: Callable[[], Answer]) -> Answer:
        return await to_thread.run_sync(work, abandon_on_cancel=True, limiter=self._limiter)
