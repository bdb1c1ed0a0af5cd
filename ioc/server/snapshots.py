"""Take snapshots of the store for readers: every few minutes, and on request."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from pathlib import Path

from ioc.clock import Clock
from ioc.fault_register import FaultRegister
from ioc.model.source import SourceState
from ioc.periodic_thread import PeriodicThread, StepPolicy
from ioc.store import Store
from ioc.store.snapshot import Snapshot, current, take
from ioc.wire.source_states import encode_state

EVERY_S = 300.0
FIRST_AFTER_S = 20.0
NEXT_AFTER_START_S = 90.0
"""Where there is a snapshot already: the next one waits until the start is over."""
_AGAIN_AFTER_S = 5.0
"""Doubles up to _MAX_AGAIN_AFTER_S: a lack of descriptors or disk space may be over soon."""
_MAX_AGAIN_AFTER_S = 60.0
_STUCK_AFTER_S = 600.0


class Snapshots:
    """A thread that takes snapshots. While none can be taken, which is a fault, the last good one stays in use."""

    def __init__(
        self,
        store: Store,
        directory: Path,
        states: Callable[[], Sequence[SourceState]],
        clock: Clock,
        faults: FaultRegister | None = None,
    ) -> None:
        self._store = store
        self._directory = directory
        self._states = states
        self._clock = clock
        self._one_at_a_time = threading.Lock()
        self._thread = PeriodicThread(
            "snapshots",
            self._step,
            EVERY_S,
            faults,
            policy=StepPolicy(_AGAIN_AFTER_S, _MAX_AGAIN_AFTER_S, stuck_after_s=_STUCK_AFTER_S),
        )

    def start(self) -> None:
        """Start the thread; the first snapshot follows when the start is over."""
        present = current(self._directory)
        wait_s = FIRST_AFTER_S
        if present is not None:
            wait_s = max(NEXT_AFTER_START_S, EVERY_S - (self._clock.now() - present.taken_at).total_seconds())
        self._thread.start(after_s=wait_s)

    def stop(self) -> None:
        """Return when the running snapshot is finished."""
        self._thread.stop()

    def take(self) -> Snapshot:
        """Take a snapshot and put it in use; waits for a running one first. Raises SnapshotFailed."""
        with self._one_at_a_time:
            states = b"[" + b",".join(encode_state(state) for state in self._states()) + b"]"
            return take(self._store, self._directory, self._clock.now(), sources=states)

    def _step(self) -> None:
        self.take()
