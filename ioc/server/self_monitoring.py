"""Measure the centre itself (sources, ledger, log, disk, clock, alerts), for its rules and as readings."""

import shutil
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np

from ioc.alert_service.service import AlertService
from ioc.alerts.audit import audit
from ioc.alerts.flood import find_floods
from ioc.alerts.inputs import DataState, Values
from ioc.alerts.schedules import on_duty
from ioc.clock import to_ms
from ioc.model.alert import ConditionState, Handling
from ioc.model.ledger import Ledger
from ioc.model.source import SourceCondition, SourceState

_WINDOW = timedelta(minutes=10)
_SLOW_S = 10.0
_DAY = timedelta(days=1)
_DAY_MS = 86_400_000
_AUDIT_FIGURES = (
    "alerts.per_operator_10m",
    "alerts.per_operator_day",
    "alerts.flood_share",
    "alerts.chattering",
    "alerts.top_ten_share",
    "alerts.share_critical",
    "alerts.share_high",
    "alerts.share_lower",
    "alerts.acknowledged_after_s",
)


class SelfMonitoring:
    """The centre's own figures. One thread calls `values`, another `figures`.

    The ledger is read every ten seconds, because its audit reads whole columns.
    """

    def __init__(
        self,
        province: str,
        data_dir: Path,
        sources: Callable[[], Sequence[SourceState]],
        ledger: Callable[[], Ledger],
        service: AlertService,
    ) -> None:
        self._units = (province,)
        self._data_dir = data_dir
        self._sources = sources
        self._ledger = ledger
        self._service = service
        self._slow_s = -_SLOW_S
        self._slow: dict[str, float] = {}
        self._found: dict[str, float] = {}
        self._audited: dict[str, float] = dict.fromkeys(_AUDIT_FIGURES, float("nan"))
        self._rejected: deque[tuple[datetime, int]] = deque()
        self._applied = -1
        self._moved_s = time.monotonic()
        self._clocks: deque[tuple[float, float]] = deque()

    def values(self, now: datetime) -> Mapping[str, Values]:
        """Return the figures of sector `centre` by KPI id, for rules. Raises StoreUnavailable."""
        states = self._sources()
        bad = (SourceCondition.UNAVAILABLE, SourceCondition.FAILING, SourceCondition.REFUSING)
        found = {
            "centre.sources_silent": float(sum(state.condition in bad for state in states)),
            "centre.sources_late": float(sum(state.condition is SourceCondition.LATE for state in states)),
            "centre.clock_off_s": self._clock_off(now, states),
        }
        if time.monotonic() - self._slow_s >= _SLOW_S:
            self._slow = self._slow_figures(now)
            self._slow_s = time.monotonic()
        self._found = found | self._slow | self._alert_figures()
        return {figure: self._column(value) for figure, value in (self._found | self._audited).items()}

    def figures(self, now: datetime) -> Mapping[str, float]:
        """Return the known figures, as rules saw them last, with a new audit of the last 24 hours.

        Raises StoreUnavailable.
        """
        self._audited = _audited(self._service, now)
        return {figure: value for figure, value in (self._found | self._audited).items() if value == value}

    def _column(self, value: float) -> Values:
        state = np.array([DataState.LIVE if value == value else DataState.NO_DATA], np.int8)
        return Values(self._units, np.array([value]), np.ones(1, np.int64), state)

    def _slow_figures(self, now: datetime) -> dict[str, float]:
        ledger = self._ledger()
        rejected = sum(sum(source.rejected.values()) for source in ledger.sources)
        self._rejected.append((now, rejected))
        while now - self._rejected[0][0] > _WINDOW:
            self._rejected.popleft()
        lag = sum(max(one.end_offset - one.next_offset, 0) for one in ledger.partitions)
        applied = sum(one.next_offset for one in ledger.partitions)
        if applied != self._applied or lag == 0:
            self._applied, self._moved_s = applied, time.monotonic()
        disk = shutil.disk_usage(self._data_dir)
        return {
            "centre.rejected_10m": float(max(rejected - self._rejected[0][1], 0)),
            "centre.ledger_faults": float(len(ledger.faults)),
            "centre.lag": float(lag),
            "centre.stalled_s": time.monotonic() - self._moved_s,
            "centre.disk_free": 100 * disk.free / disk.total,
            **self._recent_alert_figures(now),
        }

    def _recent_alert_figures(self, now: datetime) -> dict[str, float]:
        store = self._service.store
        fired = self._service.recent_firings(now)
        found = find_floods(fired, to_ms(now))
        since = (now - _DAY).replace(tzinfo=None)
        dead = store.select("SELECT count(*) AS n FROM delivery_states WHERE state = 'dead' AND last_at >= ?", [since])
        return {
            "alerts.new_10m": float(sum(at_ms > to_ms(now - _WINDOW) for at_ms in fired)),
            "alerts.flood": float(bool(found) and found[-1].until_ms is None),
            "alerts.undelivered": float(dead[0]["n"]),
        }

    def _alert_figures(self) -> dict[str, float]:
        state = self._service.state
        fired = [one for one in state.alerts.values() if one.condition is not ConditionState.PENDING]
        old_ms = state.engine.now_ms - _DAY_MS
        return {
            "alerts.firing": float(len(fired)),
            "alerts.unacknowledged": float(
                sum(one.handling is Handling.UNACKNOWLEDGED and not one.is_quiet for one in fired)
            ),
            "alerts.stale": float(sum(one.since_ms < old_ms for one in fired)),
        }

    def _clock_off(self, now: datetime, states: Sequence[SourceState]) -> float:
        """Return how far (s) the clock jumped in ten minutes, or lies behind what a connector reported."""
        wall, steady = time.time(), time.monotonic()
        self._clocks.append((wall, steady))
        while steady - self._clocks[0][1] > _WINDOW.total_seconds():
            self._clocks.popleft()
        first_wall, first_steady = self._clocks[0]
        jumped = abs((wall - first_wall) - (steady - first_steady))
        ahead = max(((state.reported_at - now).total_seconds() for state in states), default=0.0)
        return max(jumped, ahead, 0.0)


def _audited(service: AlertService, now: datetime) -> dict[str, float]:
    """Audit the alerts of the last 24 hours (ISA-18.2, EEMUA 191); shares in per cent, NaN where nothing is known."""
    moved = service.store.transitions(now - _DAY, now)
    since = (now - _DAY).replace(tzinfo=None)
    rows = service.store.select(
        "SELECT alert, epoch_ms(min(done_at)) AS at_ms FROM alert_acts WHERE act = 'acknowledge' AND done_at >= ? "
        "GROUP BY alert",
        [since],
    )
    acknowledged_ms = {row["alert"]: int(row["at_ms"]) for row in rows}
    found = audit(moved, acknowledged_ms, _operators(service, now), to_ms(now - _DAY), to_ms(now))
    unknown = float("nan")
    median_s = found.answer.median_s
    return {
        "alerts.per_operator_10m": found.per_window,
        "alerts.per_operator_day": found.per_day,
        "alerts.flood_share": 100 * found.flood_share,
        "alerts.chattering": float(len(found.chattering)),
        "alerts.top_ten_share": 100 * sum(one.share for one in found.top) if found.alerts else unknown,
        "alerts.share_critical": 100 * found.mix.get("critical", unknown),
        "alerts.share_high": 100 * found.mix.get("high", unknown),
        "alerts.share_lower": 100 * found.mix.get("lower", unknown),
        "alerts.acknowledged_after_s": unknown if median_s is None else median_s,
    }


def _operators(service: AlertService, now: datetime) -> int:
    """Count the people on duty by any schedule; at least one."""
    local = now.astimezone(service.config.zone)
    schedules = service.in_force.alerting.routing.schedules.values()
    return max(len({person for schedule in schedules for person in on_duty(schedule, local)}), 1)
