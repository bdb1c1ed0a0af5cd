"""Turns at the past: few histories are computed at once, none for longer than is waited for it."""

from collections.abc import Iterator
from contextlib import contextmanager
from threading import BoundedSemaphore, Event, Thread
from time import monotonic

import duckdb

from ioc.errors import StoreUnavailable
from ioc.messages import Message

AT_ONCE = 2
LONGEST_S = 30.0
_LOOKS_EVERY_S = 0.1


class HistoryStopped(StoreUnavailable):
    """A history took too long, or nobody waits for it any more."""


class Turns:
    """AT_ONCE histories run, the others wait; safe for several threads."""

    def __init__(self, longest_s: float = LONGEST_S) -> None:
        self._free = BoundedSemaphore(AT_ONCE)
        self._longest_s = longest_s

    @contextmanager
    def turn(self, gone: Event) -> Iterator["Turn"]:
        """A turn begins within the longest time, or never. Raises HistoryStopped."""
        until = monotonic() + self._longest_s
        while not self._free.acquire(timeout=_LOOKS_EVERY_S):
            if gone.is_set() or monotonic() > until:
                raise HistoryStopped(Message("history_busy"))
        try:
            yield Turn(gone, self._longest_s)
        finally:
            self._free.release()


class Turn:
    """The time of one history."""

    def __init__(self, gone: Event, longest_s: float) -> None:
        self._gone = gone
        self._longest_s = longest_s
        self._done = Event()
        self._stopped = False

    @contextmanager
    def of(self, cursor: duckdb.DuckDBPyConnection) -> Iterator[None]:
        """The block's query is broken off when the time is over or `gone` is set. Raises HistoryStopped."""
        watch = Thread(target=self._watch, args=(cursor,), name="history-watch", daemon=True)
        watch.start()
        try:
            yield
        except (duckdb.Error, StoreUnavailable) as fault:
            if not self._stopped:
                raise
            raise HistoryStopped(Message("history_too_slow", seconds=self._longest_s)) from fault
        finally:
            self._done.set()
            watch.join()

    def _watch(self, cursor: duckdb.DuckDBPyConnection) -> None:
        until = monotonic() + self._longest_s
        while not self._done.wait(_LOOKS_EVERY_S):
            if self._gone.is_set() or monotonic() > until:
                self._stopped = True
                cursor.interrupt()  # again and again: between two queries it is lost
