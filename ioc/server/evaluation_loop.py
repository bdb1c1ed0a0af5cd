"""Evaluate KPIs after each commit and as time passes; publish values at once, and each second to Kafka and disk."""

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
from ioc.periodic_thread import PeriodicThread, StepPolicy
from ioc.server.trim_memory import TRIM_EVERY_S, trim
from ioc.store.commit_tick import Commit

LOG = logging.getLogger(__name__)
IDLE_S = 1.0
SPACING_S = 0.15
LEDGER_EVERY_S = 3.0

MAX_PAUSE_S = 1.0
PIECE_S = 0.05
KEPT_EVERY_S = 60.0
MAX_BACK_OFF_S = 2.0
_SHARE_OF_CORE = 0.25
_MAX_SAVED_S = 1.0


@dataclass(frozen=True)
class EvaluationOutputs:
    """Where values go, and what is published beside them.

    `publish` receives the ids of KPIs whose values changed, for Kafka. `evaluated` is called after each evaluation and
    must return at once.
    """

    hub: Hub
    publish: Callable[[set[str]], None]
    sources: Callable[[], Sequence[SourceState]]
    ledger: Callable[[], Ledger]
    evaluated: Callable[[], None] = lambda: None


class EvaluationLoop:
    """A thread that evaluates soon after a commit, and in between, in pieces, what only time changes.

    Evaluations of commits are at least SPACING_S apart, and further when they are costly, so that over some seconds
    they use at most a quarter of a core: a single costly evaluation, such as at the turn of a minute, delays nobody,
    many do. The limit counts processor time, so a busy machine does not lengthen it. Pieces take about PIECE_S, and
    those that nobody waits for are followed by a pause of the same length. `add_commit` may be called from any thread.
    """

    def __init__(
        self, evaluator: Evaluator, outputs: EvaluationOutputs, clock: Clock, faults: FaultRegister | None = None
    ) -> None:
        self._evaluator = evaluator
        self._outputs = outputs
        self._clock = clock
        self._commits: list[Commit] = []
        self._lock = threading.Lock()
        self._is_resumed = False
        self._is_requested = False
        self._replaced = False
        self._saved_s = _MAX_SAVED_S
        self._ended_s = time.monotonic()
        self._spaced_until_s = 0.0
        self._thread = PeriodicThread(
            "evaluation",
            self._step,
            IDLE_S,
            faults,
            policy=StepPolicy(max_back_off_s=MAX_BACK_OFF_S),
            recovered=lambda: evaluator.is_whole,  # after a failure everything is computed again, piece by piece
        )
        self._published_at_s = 0.0
        self._ledger_at_s = 0.0
        self._trimmed_at_s = 0.0
        self._kept_at_s = 0.0
        self._changed: set[str] = set()

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def stop(self) -> None:
        """Stop after the running evaluation, at the latest after 5 s, and keep the values for the next start."""
        self._thread.stop(5)
        if not self._thread.is_alive:
            self._evaluator.keep()

    def add_commit(self, commit: Commit) -> None:
        """Evaluate what a commit changed, soon."""
        with self._lock:
            self._commits.append(commit)
        self._thread.wake()

    def replace_definitions(self) -> None:
        """Send every client the whole state again; to be called after the evaluator has loaded another catalogue."""
        self._replaced = self._is_requested = True
        self._thread.wake()

    def _step(self) -> float:
        """Evaluate what is due; return the seconds to wait, unless a commit comes."""
        self._resume()
        spaced_s = self._spaced_until_s - time.monotonic()
        if not self._evaluator.is_due(self._clock.now()):
            if spaced_s > 0:
                self._thread.rest(min(spaced_s, IDLE_S))
                return 0.0
            if not self._commits and not self._is_requested:
                return IDLE_S
        began_s, used_s = time.monotonic(), time.thread_time()
        first = not self._evaluator.is_whole  # computes everything, once
        try:
            had_commits = self._evaluate(with_commits=began_s >= self._spaced_until_s)
        except Exception:
            self._replaced = True  # values that were not published yet are published once everything is computed
            raise
        before_s, self._ended_s = self._ended_s, time.monotonic()
        self._saved_s = min(_MAX_SAVED_S, self._saved_s + (self._ended_s - before_s) * _SHARE_OF_CORE)
        took_s = time.thread_time() - used_s
        if not first:
            self._saved_s -= took_s
        if had_commits:
            pause_s = min(MAX_PAUSE_S, -self._saved_s / _SHARE_OF_CORE)
            self._spaced_until_s = max(began_s + SPACING_S, self._ended_s + pause_s)
        if not first and not self._evaluator.has_pending:
            self._thread.rest(min(took_s, PIECE_S))
        return 0.0

    def _resume(self) -> None:
        """Show the values from before the start, once."""
        if self._is_resumed:
            return
        self._is_resumed = True
        try:
            if values := self._evaluator.resume(self._clock.now()):
                self._outputs.hub.publish(kpis=values)
        except Exception:  # they are computed again in any case
            LOG.exception("the values from before the start are not shown")

    def _evaluate(self, *, with_commits: bool) -> bool:
        """Evaluate for about PIECE_S; return whether commits were part of it."""
        commits: list[Commit] = []
        self._is_requested = False
        if with_commits:
            with self._lock:
                commits, self._commits = self._commits, []
        until = time.thread_time() + PIECE_S
        values = self._evaluator.step(Changes.of(commits), self._clock.now())
        while time.thread_time() < until and self._evaluator.is_due(self._clock.now()):
            values += self._evaluator.step(Changes(), self._clock.now())
        self._outputs.evaluated()
        replaced = self._replaced and self._evaluator.is_whole
        if replaced:
            self._replaced = False
            values = self._evaluator.values()
        self._changed |= {value.id for value in values}
        self._publish(values, replaced)
        return bool(commits)

    def _publish(self, values: Sequence[KpiValue], replaced: bool) -> None:
        """Publish values at once; sources, ledger, Kafka and the record of values once a second."""
        outputs, now_s = self._outputs, time.monotonic()
        if now_s - self._published_at_s < IDLE_S:
            if values or replaced:
                outputs.hub.publish(kpis=values, replace_kpis=replaced)
            return
        self._published_at_s = now_s
        ledger = None
        if now_s - self._ledger_at_s >= LEDGER_EVERY_S:  # the ledger's audit reads whole columns
            self._ledger_at_s = now_s
            ledger = outputs.ledger()
        outputs.hub.publish(kpis=values, replace_kpis=replaced, sources=outputs.sources(), ledger=ledger)
        outputs.publish(self._changed)
        self._changed = set()
        if self._evaluator.is_at(self._clock.now()):
            self._evaluator.record(self._clock.now())
        if now_s - self._kept_at_s >= KEPT_EVERY_S:
            self._kept_at_s = now_s
            self._evaluator.keep()
        if now_s - self._trimmed_at_s >= TRIM_EVERY_S:
            self._trimmed_at_s = now_s
            trim()
