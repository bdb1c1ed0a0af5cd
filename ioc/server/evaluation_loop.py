"""The pulse: what commits changed becomes KPI values, at once on the websocket, and each second on Kafka and disk."""

import logging
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from ioc.api.live.hub import Hub
from ioc.clock import Clock
from ioc.evaluation.changes import Changes
from ioc.evaluation.evaluator import Evaluator
from ioc.fault_register import FaultRegister
from ioc.model.kpi import KpiValue
from ioc.model.ledger import Ledger
from ioc.model.source import SourceState
from ioc.periodic_thread import PeriodicThread
from ioc.server.trim_memory import give_back
from ioc.store.commit_tick import Commit

LOG = logging.getLogger(__name__)
IDLE_S = 1.0
SPACING_S = 0.15
LEDGER_EVERY_S = 3.0
GIVE_BACK_EVERY_S = 30.0
LONGEST_PAUSE_S = 1.0
PIECE_S = 0.05
KEPT_EVERY_S = 60.0
MAX_BACK_OFF_S = 2.0
_SHARE_OF_CORE = 0.25
_SAVED_AT_MOST_S = 1.0


@dataclass(frozen=True)
class EvaluationOutputs:
    """Where values go: the hub, and `publish` (KPI ids whose values changed) for Kafka; `evaluated` is called after
    each evaluation and returns at once."""

    hub: Hub
    publish: Callable[[set[str]], None]
    sources: Callable[[], Sequence[SourceState]]
    ledger: Callable[[], Ledger]
    evaluated: Callable[[], None] = lambda: None


class EvaluationLoop:
    """A thread that evaluates soon after a commit, and what time alone changes in pieces between.

    Evaluations of what was committed keep a distance of SPACING_S, and a longer one when they are costly, so that over
    some seconds all takes at most a quarter of a core: one dear evaluation, as at the turn of a minute, makes
    nobody wait, many do. On a busy machine they wait no longer for that. Pieces take about PIECE_S, and those that
    nobody waits for leave as much to others after each. `take` may be called from any thread.
    """

    def __init__(
        self, evaluator: Evaluator, outlets: EvaluationOutputs, clock: Clock, faults: FaultRegister | None = None
    ) -> None:
        self._evaluator = evaluator
        self._outlets = outlets
        self._clock = clock
        self._commits: list[Commit] = []
        self._lock = threading.Lock()
        self._is_resumed = False
        self._is_asked = False
        self._replaced = False
        self._saved_s = _SAVED_AT_MOST_S
        self._ended_s = time.monotonic()
        self._spaced_until_s = 0.0
        self._thread = PeriodicThread(
            "evaluation",
            self._step,
            IDLE_S,
            faults,
            max_back_off_s=MAX_BACK_OFF_S,
            recovered=lambda: evaluator.is_whole,  # after a failure all is computed again, piece by piece
        )
        self._slow_at = 0.0
        self._ledger_at = 0.0
        self._given_back_at = 0.0
        self._kept_at = 0.0
        self._changed: set[str] = set()

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._thread.stop(5)
        if not self._thread.is_alive:
            self._evaluator.keep()

    def take(self, commit: Commit) -> None:
        with self._lock:
            self._commits.append(commit)
        self._thread.wake()

    def replace_definitions(self) -> None:
        """After the evaluator took another catalogue: every client gets the whole state anew."""
        self._replaced = self._is_asked = True
        self._thread.wake()

    def _step(self) -> float:
        """Evaluate what is due; return the seconds to wait, which a commit ends."""
        self._resume()
        spaced_s = self._spaced_until_s - time.monotonic()
        if not self._evaluator.is_due(self._clock.now()):
            if spaced_s > 0:
                self._thread.rest(min(spaced_s, IDLE_S))
                return 0.0
            if not self._commits and not self._is_asked:
                return IDLE_S
        began_s, used_s = time.monotonic(), time.thread_time()
        first = not self._evaluator.is_whole  # that computes everything, and comes once
        try:
            taken = self._beat(with_commits=began_s >= self._spaced_until_s)
        except Exception:
            self._replaced = True  # what was computed and not published yet is published once all is computed
            raise
        before_s, self._ended_s = self._ended_s, time.monotonic()
        self._saved_s = min(_SAVED_AT_MOST_S, self._saved_s + (self._ended_s - before_s) * _SHARE_OF_CORE)
        took_s = time.thread_time() - used_s
        if not first:
            self._saved_s -= took_s
        if taken:
            pause_s = min(LONGEST_PAUSE_S, -self._saved_s / _SHARE_OF_CORE)
            self._spaced_until_s = max(began_s + SPACING_S, self._ended_s + pause_s)
        if not first and not self._evaluator.is_touched:
            self._thread.rest(min(took_s, PIECE_S))
        return 0.0

    def _resume(self) -> None:
        """Show the values of before the start, once."""
        if self._is_resumed:
            return
        self._is_resumed = True
        try:
            if values := self._evaluator.resume(self._clock.now()):
                self._outlets.hub.publish(kpis=values)
        except Exception:  # they are computed anew in any case
            LOG.exception("the values of before the start are not shown")

    def _beat(self, *, with_commits: bool) -> bool:
        """Pieces of about PIECE_S in all. Returns whether commits were among what was evaluated."""
        commits: list[Commit] = []
        self._is_asked = False
        if with_commits:
            with self._lock:
                commits, self._commits = self._commits, []
        until = time.thread_time() + PIECE_S
        values = self._evaluator.step(Changes.of(commits), self._clock.now())
        while time.thread_time() < until and self._evaluator.is_due(self._clock.now()):
            values += self._evaluator.step(Changes(), self._clock.now())
        self._outlets.evaluated()
        replaced = self._replaced and self._evaluator.is_whole
        if replaced:
            self._replaced = False
            values = self._evaluator.values()
        self._changed |= {value.id for value in values}
        self._tell(values, replaced)
        return bool(commits)

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
        if self._evaluator.is_at(self._clock.now()):
            self._evaluator.record(self._clock.now())
        if self._slow_at - self._kept_at >= KEPT_EVERY_S:
            self._kept_at = self._slow_at
            self._evaluator.keep()
        if self._slow_at - self._given_back_at >= GIVE_BACK_EVERY_S:
            self._given_back_at = self._slow_at
            give_back()
