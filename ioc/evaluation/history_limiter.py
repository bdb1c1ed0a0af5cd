"""Limit histories: few are computed at once, and none for longer than somebody waits for it."""

from collections.abc import Iterator
from contextlib import contextmanager
from threading import BoundedSemaphore, Event, Thread
from time import monotonic

import duckdb

from ioc.errors import StoreUnavailable
from ioc.messages import Message

MAX_CONCURRENT = 2
MAX_DURATION_S = 30.0
_CHECK_EVERY_S = 0.1


class HistoryStopped(StoreUnavailable):
    """A history took too long, or nobody waits for it any more."""


class HistoryLimiter:
    """Runs MAX_CONCURRENT histories at once, the others wait; safe for several threads."""

    def __init__(self, max_duration_s: float = MAX_DURATION_S) -> None:
        self._free = BoundedSemaphore(MAX_CONCURRENT)
        self._max_duration_s = max_duration_s

    @contextmanager
    def run(self, gone: Event) -> Iterator["HistoryRun"]:
        """Wait for a free place, at most the maximum duration. Raises HistoryStopped."""
        until = monotonic() + self._max_duration_s
        while not self._free.acquire(timeout=_CHECK_EVERY_S):
            if gone.is_set() or monotonic() > until:
                raise HistoryStopped(Message("history_busy"))
        try:
            yield HistoryRun(gone, self._max_duration_s)
        finally:
            self._free.release()


class HistoryRun:
    """The time limit of one history."""

    def __init__(self, gone: Event, max_duration_s: float) -> None:
        self._gone = gone
        self._max_duration_s = max_duration_s
        self._done = Event()
        self._stopped = False

    @contextmanager
    def interrupting(self, cursor: duckdb.DuckDBPyConnection) -> Iterator[None]:
        """Interrupt the block's query when the time is over or `gone` is set. Raises HistoryStopped."""
        watch = Thread(target=self._watch, args=(cursor,), name="history-watch", daemon=True)
        watch.start()
        try:
            yield
        except (duckdb.Error, StoreUnavailable) as fault:
            if not self._stopped:
                raise
            raise HistoryStopped(Message("history_too_slow", seconds=self._max_duration_s)) from fault
        finally:
            self._done.set()
            watch.join()

    def _watch(self, cursor: duckdb.DuckDBPyConnection) -> None:
        until = monotonic() + self._max_duration_s
        while not self._done.wait(_CHECK_EVERY_S):
            if self._gone.is_set() or monotonic() > until:
                self._stopped = True
                cursor.interrupt()  # again and again: between two queries it is lost
