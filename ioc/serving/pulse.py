"""The pulse: what commits changed becomes KPI values, at once on the websocket, and each second on Kafka and disk."""

import logging
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from ioc.api.hub import Hub
from ioc.clock import Clock
from ioc.errors import StoreUnavailable
from ioc.evaluation.changes import Changes
from ioc.evaluation.evaluator import Evaluator
from ioc.model.kpi import KpiValue
from ioc.model.ledger import Ledger
from ioc.model.source import SourceState
from ioc.serving.memory import give_back
from ioc.store.tick import Commit

LOG = logging.getLogger(__name__)
IDLE_S = 1.0
SPACING_S = 0.15
LEDGER_EVERY_S = 3.0
GIVE_BACK_EVERY_S = 30.0
LONGEST_PAUSE_S = 1.0
_SHARE_OF_CORE = 0.25
_SAVED_AT_MOST_S = 1.0


@dataclass(frozen=True)
class Outlets:
    """Where values go: the hub, and `publish` (KPI ids whose values changed) for Kafka; `evaluated` is called after
    each evaluation and returns at once."""

    hub: Hub
    publish: Callable[[set[str]], None]
    sources: Callable[[], Sequence[SourceState]]
    ledger: Callable[[], Ledger]
    evaluated: Callable[[], None] = lambda: None


class Pulse:
    """A thread that evaluates soon after a commit, and at least once a second since time alone changes values.

    Evaluations keep a distance of SPACING_S, and a longer one when they are costly, so that over some seconds they take
    at most a quarter of a core: one dear evaluation, as at the turn of a minute, makes nobody wait, many do. On a busy
    machine they wait no longer for that. `take` may be called from any thread.
    """

    def __init__(self, evaluator: Evaluator, outlets: Outlets, clock: Clock) -> None:
        self._evaluator = evaluator
        self._outlets = outlets
        self._clock = clock
        self._commits: list[Commit] = []
        self._lock = threading.Lock()
        self._woken = threading.Event()
        self._stopping = False
        self._replaced = False
        self._thread = threading.Thread(target=self._run, name="pulse", daemon=True)
        self._slow_at = 0.0
        self._ledger_at = 0.0
        self._given_back_at = 0.0
        self._changed: set[str] = set()
        self.error = ""

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stopping = True
        self._woken.set()
        if self._thread.is_alive():
            self._thread.join(5)

    def take(self, commit: Commit) -> None:
        with self._lock:
            self._commits.append(commit)
        self._woken.set()

    def replace_definitions(self) -> None:
        """After the evaluator took another catalogue: every client gets the whole state anew."""
        self._replaced = True
        self._woken.set()

    def _run(self) -> None:
        saved_s, ended, first = _SAVED_AT_MOST_S, time.monotonic(), True
        while not self._stopping:
            self._woken.wait(IDLE_S)
            self._woken.clear()
            began, used = time.monotonic(), time.thread_time()
            try:
                self._beat()
                self.error = ""
            except StoreUnavailable as fault:
                self.error = str(fault)
                time.sleep(IDLE_S)
            except Exception as fault:  # the wall must not freeze for good over one bad value
                LOG.exception("evaluation failed")
                self.error = f"Evaluation failed: {fault!r}"
                time.sleep(IDLE_S)
            before, ended = ended, time.monotonic()
            saved_s = min(_SAVED_AT_MOST_S, saved_s + (ended - before) * _SHARE_OF_CORE)
            if not first:  # that one computes everything, and comes once
                saved_s -= time.thread_time() - used
            first = False
            time.sleep(max(0.0, SPACING_S - (ended - began), min(LONGEST_PAUSE_S, -saved_s / _SHARE_OF_CORE)))

    def _beat(self) -> None:
        with self._lock:
            commits, self._commits = self._commits, []
        replaced, self._replaced = self._replaced, False
        values = self._evaluator.evaluate(Changes.of(commits), self._clock.now())
        self._changed |= {value.id for value in values}
        self._outlets.evaluated()
        if replaced:
            values = self._evaluator.values()
        self._tell(values, replaced)

    def _tell(self, values: Sequence[KpiValue], replaced: bool) -> None:
        """Values at once; sources, ledger, Kafka and the record of values once a second."""
        outlets = self._outlets
        if time.monotonic() - self._slow_at < IDLE_S:
            if values or replaced:
                outlets.hub.publish(kpis=values, replace_kpis=replaced)
            return
        self._slow_at = time.monotonic()
        ledger = None
        if self._slow_at - self._ledger_at >= LEDGER_EVERY_S:  # its audit reads whole columns
            self._ledger_at = self._slow_at
            ledger = outlets.ledger()
        outlets.hub.publish(kpis=values, replace_kpis=replaced, sources=outlets.sources(), ledger=ledger)
        outlets.publish(self._changed)
        self._changed = set()
        self._evaluator.record(self._clock.now())
        if self._slow_at - self._given_back_at >= GIVE_BACK_EVERY_S:
            self._given_back_at = self._slow_at
            give_back()
