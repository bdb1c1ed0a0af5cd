"""Snapshots of the store for readers: every few minutes and when one is asked for, in a thread of its own."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Sequence
from pathlib import Path

import duckdb

from ioc.clock import Clock
from ioc.errors import StoreUnavailable
from ioc.model.source import SourceState
from ioc.store import Store
from ioc.store.snapshot import Snapshot, SnapshotFailed, current, take
from ioc.wire.source_states import encode_state

EVERY_S = 300.0
FIRST_AFTER_S = 20.0
NEXT_AFTER_START_S = 90.0
"""Of a centre that has one already: its publication waits until the start is over."""
_AGAIN_AFTER_S = 60.0

log = logging.getLogger("ioc.serving")


class Snapshots:
    """`error` is one sentence while no new one can be taken; the last good one stays in use."""

    def __init__(
        self, store: Store, directory: Path, states: Callable[[], Sequence[SourceState]], clock: Clock
    ) -> None:
        self._store = store
        self._directory = directory
        self._states = states
        self._clock = clock
        self._turn = threading.Lock()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="snapshots", daemon=True)
        self.error = ""

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Returns when the one that is being taken is done."""
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join()

    def take(self) -> Snapshot:
        """A new one, in use when this returns; who asks while one is being taken waits for it and takes another.
        Raises SnapshotFailed."""
        with self._turn:
            try:
                states = b"[" + b",".join(encode_state(state) for state in self._states()) + b"]"
                taken = take(self._store, self._directory, self._clock.now(), sources=states)
            except SnapshotFailed as fault:
                self.error = str(fault)
                raise
            self.error = ""
            return taken

    def _run(self) -> None:
        present = current(self._directory)
        wait_s = FIRST_AFTER_S
        if present is not None:
            wait_s = max(NEXT_AFTER_START_S, EVERY_S - (self._clock.now() - present.taken_at).total_seconds())
        while not self._stopping.wait(wait_s):
            try:
                self.take()
                wait_s = EVERY_S
            except (SnapshotFailed, StoreUnavailable, duckdb.Error, OSError) as fault:
                log.warning("%s", fault)
                wait_s = _AGAIN_AFTER_S
