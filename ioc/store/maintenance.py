"""The store's maintenance: a thread that rolls up, compacts, archives and expires in small steps."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from time import monotonic

import duckdb

from ioc.clock import Clock, SystemClock, to_ms
from ioc.fault_register import FaultRegister
from ioc.periodic_thread import PeriodicThread
from ioc.store.archive import unlink_dropped
from ioc.store.archive_verifier import ArchiveVerifier
from ioc.store.compaction import CompactionQueue, FragmentedTimes, compact, compact_positions
from ioc.store.retention import expire, oldest_minute, retain_step, today
from ioc.store.roll_up import MAX_ROWS, recent_rows, roll_up
from ioc.store.store import Store, transaction, unavailable

ROLL_UP_ROWS = 100_000
ROLL_UP_AFTER = timedelta(seconds=60)
POSITIONS_EVERY = timedelta(seconds=60)
RETAIN_EVERY = timedelta(hours=1)
_PAUSE_S = 1.0
# Between two steps when there is more to do: the disk and the log belong to the historian first.
_BETWEEN_S = 0.2

Job = Callable[[duckdb.DuckDBPyConnection, datetime], bool]


class Maintenance:
    """`step` does one small piece of work; the thread calls it again and again.

    After a failure the kind of work that failed comes first, so that its fault ends only when it has succeeded.
    """

    def __init__(self, store: Store, *, clock: Clock | None = None, faults: FaultRegister | None = None) -> None:
        self._store = store
        self._clock = clock or SystemClock()
        self._queue = CompactionQueue()
        self._fragmented = FragmentedTimes()
        begin = self._clock.now()
        self._rolled_at = begin
        self._positions_at = begin
        self._retained_at = begin - RETAIN_EVERY
        self._retaining = False
        self._swept = False
        faults = faults or FaultRegister()
        self._verifier = ArchiveVerifier(store, faults)
        self._order: tuple[Job, ...] = (
            self._unlink_dropped,
            self._roll_up,
            self._compact,
            self._retain,
            self._verify,
        )
        self._jobs = list(self._order)
        self._thread = PeriodicThread("store-maintenance", self._paced_step, _PAUSE_S, faults)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Stop after the current step."""
        self._thread.stop()

    def step(self) -> bool:
        """Do what is most due; return True when there may be more at once. Raises StoreUnavailable."""
        now = self._clock.now()
        with self._store.cursor() as cursor:
            for job in self._jobs:
                try:
                    if job(cursor, now):
                        return True
                except Exception as failure:
                    self._jobs = [job, *(other for other in self._jobs if other != job)]
                    if isinstance(failure, duckdb.Error | OSError):
                        raise unavailable(self._store.path, failure) from failure
                    raise
        self._jobs.sort(key=self._order.index)
        return False

    def _paced_step(self) -> float:
        began_s = monotonic()
        more = self.step()
        return max(_BETWEEN_S, monotonic() - began_s) if more else _PAUSE_S

    def _unlink_dropped(self, cursor: duckdb.DuckDBPyConnection, _now: datetime) -> bool:
        if not self._swept:
            unlink_dropped(self._store, cursor)
            self._swept = True
        return False

    def _verify(self, cursor: duckdb.DuckDBPyConnection, now: datetime) -> bool:
        self._verifier.step(cursor, now)
        return False

    def _roll_up(self, cursor: duckdb.DuckDBPyConnection, now: datetime) -> bool:
        waiting = recent_rows(cursor)
        if not waiting or (waiting < ROLL_UP_ROWS and now - self._rolled_at < ROLL_UP_AFTER):
            return False
        hours = self._store.zone_hours
        with transaction(cursor, self._store.path):
            touched = roll_up(cursor, hours, oldest_minute(now, hours))
        self._queue.note(touched)
        self._rolled_at = now
        return waiting > MAX_ROWS

    def _compact(self, cursor: duckdb.DuckDBPyConnection, now: datetime) -> bool:
        minute = to_ms(now) // 60_000
        running = {"minute": minute, "hour": minute // 60, "day": today(now, self._store.zone_hours)}
        self._queue.forget_single(running)
        if (bucket := self._queue.due(running)) is not None:
            with transaction(cursor, self._store.path):
                left = compact(cursor, bucket)
            self._queue.done(bucket, left, running)
            return True
        if now - self._positions_at >= POSITIONS_EVERY:
            with transaction(cursor, self._store.path):
                compact_positions(cursor)
            self._positions_at = now
        if not self._fragmented.is_done:
            self._queue.add(self._fragmented.step(cursor))
            return True
        return False

    def _retain(self, cursor: duckdb.DuckDBPyConnection, now: datetime) -> bool:
        if not self._retaining and now - self._retained_at < RETAIN_EVERY:
            return False
        self._retaining = retain_step(self._store, cursor, now)
        if not self._retaining:
            expire(self._store, cursor, now)
            self._retained_at = now
        return self._retaining
