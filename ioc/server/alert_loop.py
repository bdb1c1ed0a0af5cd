"""The thread that makes alerts live: a tick soon after each evaluation, at most one a second, apart from the pulse."""

import time
from collections.abc import Callable, Mapping
from datetime import datetime

import numpy as np

from ioc.alert_service.external_intake import end_overdue
from ioc.alert_service.kpi_history import KpiHistory
from ioc.alert_service.service import AlertChange, AlertService
from ioc.alerts.inputs import Codes, DataState, Inputs, Values
from ioc.api.live.hub import Hub
from ioc.api.schemas.alerts import AlertShape, alert_shape
from ioc.clock import Clock, to_ms
from ioc.evaluation.published_values import Published
from ioc.fault_register import FaultRegister
from ioc.model.alert import Alert, ConditionState
from ioc.periodic_thread import PeriodicThread
from ioc.store.alerting import Notification

SPACING_S = 1.0
_SHARE_OF_CORE = 0.25


class AlertLoop:
    """`published` gives the KPIs as they stand, `own` the centre's own figures; `send` takes new deliveries, `tell`
    alerts that changed (None: over) for Kafka."""

    def __init__(
        self,
        service: AlertService,
        past: KpiHistory,
        published: Callable[[], Mapping[str, Published]],
        own: Callable[[datetime], Mapping[str, Values]],
        hub: Hub,
        tell: Callable[[Mapping[str, AlertShape | None]], None],
        send: Callable[[list[Notification]], None],
        clock: Clock,
        faults: FaultRegister | None = None,
    ) -> None:
        self._service = service
        self._past = past
        self._published = published
        self._own = own
        self._hub = hub
        self._tell = tell
        self._send = send
        self._clock = clock
        self._shown: dict[str, Alert] = {}
        self._untold: dict[str, AlertShape | None] = {}
        self._thread = PeriodicThread("alerting", self._step, SPACING_S, faults)
        service.on_change = self._changed
        self._show(service.state.alerts)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._thread.stop(5)

    def wake(self) -> None:
        """After an evaluation; from any thread."""
        self._thread.wake()

    def tick(self) -> AlertChange | None:
        """One tick of what is published now. Raises StoreUnavailable; then nothing has happened."""
        needs, catalog = self._service.in_force.needs, self._service.in_force.catalog
        self._past.refresh(catalog, needs, self._clock.now())
        published, now = self._published(), self._clock.now()
        if not published:
            return None
        kpis = {
            kpi: Values(entry.units, entry.column.value, entry.column.samples, states_of(entry))
            for kpi in needs.kpis
            if (entry := published.get(kpi)) is not None
        }
        kpis |= self._own(now)
        change = self._service.tick(Inputs(to_ms(now), kpis, self._past.earlier, self._past.usual))
        end_overdue(self._service)
        return change

    def _step(self) -> float:
        began_s = time.monotonic()
        self.tick()
        self._tell(self._untold_now())
        took_s = time.monotonic() - began_s
        self._thread.rest(max(SPACING_S - took_s, took_s * (1 / _SHARE_OF_CORE - 1)))
        return SPACING_S

    def _changed(self, change: AlertChange) -> None:
        self._show(change.after)
        if change.notifications:
            self._send(list(change.notifications))

    def _show(self, alerts: Mapping[str, Alert]) -> None:
        """What fired and looks another way than it was last shown; a value alone is no change."""
        fired = {name: one for name, one in alerts.items() if one.condition is not ConditionState.PENDING}
        changed: dict[str, AlertShape | None] = {
            name: alert_shape(self._service, one) for name, one in fired.items() if _differs(self._shown.get(name), one)
        }
        changed |= dict.fromkeys(self._shown.keys() - fired.keys())
        self._shown = fired
        if changed:
            self._hub.publish(alerts=changed)
            self._untold |= changed

    def _untold_now(self) -> dict[str, AlertShape | None]:
        """What Kafka has not been told; apart from the lock, since a broker that is away lets its callers wait."""
        with self._service.lock:
            untold, self._untold = self._untold, {}
        return untold


def states_of(entry: Published) -> Codes:
    """Return the states of a KPI, UNREPORTED where there are no data because there never were any."""
    state = entry.column.state
    if entry.reported is None or entry.reported.all():
        return state
    never = (state == DataState.NO_DATA) & ~entry.reported
    return np.where(never, np.int8(DataState.UNREPORTED), state)


def _differs(shown: Alert | None, now: Alert) -> bool:
    if shown is None:
        return True
    return _visible(shown) != _visible(now)


def _visible(alert: Alert) -> tuple[object, ...]:
    return (
        alert.condition,
        alert.severity,
        alert.handling,
        alert.handled,
        alert.suppression,
        alert.data,
        alert.revision,
    )
