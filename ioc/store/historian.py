"""The historian: a thread that writes the agents' outputs to the store, exactly once."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from ioc.clock import Clock, SystemClock
from ioc.errors import BrokerUnavailable, NotStorable, StoreUnavailable
from ioc.fault_register import FaultRegister
from ioc.model.fault import Fault
from ioc.model.ledger import LogView
from ioc.periodic_thread import PeriodicThread, StepPolicy, reason_of
from ioc.store.commit_tick import Commit
from ioc.store.historian_session import HistorianSession, LogRefused, TopicsMissing
from ioc.store.kafka_log import Log
from ioc.store.ledger import faults_of_view
from ioc.store.store import Store

LOG = logging.getLogger(__name__)
RETRY_S = 0.5
STUCK_AFTER_S = 10.0


class HistorianCondition(StrEnum):
    """The condition of the historian.

    `not_writing`: the store refuses (disk full); `refused`: the topics are not those the store has read from.
    """

    STARTING = "starting"
    LIVE = "live"
    BROKER_AWAY = "broker_away"
    TOPICS_MISSING = "topics_missing"
    NOT_WRITING = "not_writing"
    REFUSED = "refused"
    FAILED = "failed"
    STOPPED = "stopped"


@dataclass(frozen=True)
class HistorianState:
    """The condition since `since`; `error` is one sentence, empty when all is well."""

    condition: HistorianCondition
    error: str
    since: datetime


_CONDITIONS: dict[type[Exception], HistorianCondition] = {
    BrokerUnavailable: HistorianCondition.BROKER_AWAY,
    TopicsMissing: HistorianCondition.TOPICS_MISSING,
    LogRefused: HistorianCondition.REFUSED,
    StoreUnavailable: HistorianCondition.NOT_WRITING,
}


class Historian:
    """Reads the outputs and writes ticks until stopped; resumes by itself after any failure.

    `on_commit` is called in the historian's thread after each commit that changed data, and must return at once.
    """

    def __init__(
        self,
        store: Store,
        bootstrap: str,
        security: Mapping[str, str],
        on_commit: Callable[[Commit], None],
        *,
        clock: Clock | None = None,
        faults: FaultRegister | None = None,
    ) -> None:
        self._store = store
        self._bootstrap = bootstrap
        self._security = security
        self._on_commit = on_commit
        self._clock = clock or SystemClock()
        self._thread = PeriodicThread(
            "historian", self._work, 0.0, faults, policy=StepPolicy(max_back_off_s=RETRY_S, stuck_after_s=STUCK_AFTER_S)
        )
        self._state = HistorianState(HistorianCondition.STARTING, "", self._clock.now())
        self._view = LogView(self._clock.now())
        if faults is not None:
            faults.add_check(lambda _now: self.faults())

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Stop, after the last tick is written or given up; what was read and not written is read again later."""
        self._thread.stop()
        self._become(HistorianCondition.STOPPED, "")

    def state(self) -> HistorianState:
        return self._state

    def log_view(self) -> LogView:
        """Return the input topics as last seen, at most about a second ago while live."""
        return self._view

    def faults(self) -> Iterable[Fault]:
        """Return faults of single partitions and writers, as long as the log can be read."""
        return faults_of_view(self._view) if self._state.condition is HistorianCondition.LIVE else ()

    def _work(self) -> None:
        """Read and write until stopped. A failure ends the session; the next one begins from what is stored."""
        try:
            self._follow()
        except Exception as failure:
            self._become(_CONDITIONS.get(type(failure), HistorianCondition.FAILED), reason_of(failure) + ".")
            if isinstance(failure, StoreUnavailable):
                self._reopen()
            raise

    def _follow(self) -> None:
        log = Log(self._bootstrap, self._security)
        one_by_one = False
        try:
            while not self._thread.is_stopping:
                session = HistorianSession(
                    self._store, log, self._on_commit, self._see, self._clock, one_by_one=one_by_one
                )
                try:
                    self._work_through(session)
                except NotStorable as fault:
                    if session.is_one_by_one:
                        raise
                    LOG.warning("what was read is written again one by one: %s", fault)
                    one_by_one = True
                finally:
                    session.close()
        finally:
            log.close()

    def _work_through(self, session: HistorianSession) -> None:
        while not self._thread.is_stopping:
            session.turn()
            self._become(HistorianCondition.LIVE, "")
            self._thread.succeeded()
        session.commit()

    def _reopen(self) -> None:
        """Open the file again: after a failed write DuckDB accepts nothing more until then."""
        try:
            self._store.reopen()
        except StoreUnavailable as fault:
            self._become(HistorianCondition.NOT_WRITING, str(fault))

    def _see(self, view: LogView) -> None:
        self._view = view

    def _become(self, condition: HistorianCondition, error: str) -> None:
        if (condition, error) != (self._state.condition, self._state.error):
            self._state = HistorianState(condition, error, self._clock.now())
