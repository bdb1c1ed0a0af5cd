"""Run alert ticks: soon after each evaluation, at most one per second, in a thread of their own."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

import numpy as np

from ioc.alert_service.external_intake import end_overdue
from ioc.alert_service.kpi_history import KpiHistory
from ioc.alert_service.service import AlertChange, AlertService
from ioc.alerts.inputs import Codes, DataState, Inputs, Values
from ioc.api.live.hub import Hub
from ioc.api.schemas.alerts import AlertShape, alert_shape
from ioc.clock import Clock, to_ms
from ioc.evaluation.published_values import PublishedKpi
from ioc.fault_register import FaultRegister
from ioc.model.alert import Alert, ConditionState
from ioc.periodic_thread import PeriodicThread
from ioc.store.alerting import Notification

SPACING_S = 1.0
_SHARE_OF_CORE = 0.25


@dataclass(frozen=True)
class AlertInputs:
    """What a tick reads: published KPIs by id, the centre's own figures at a time, and the past of KPIs."""

    published: Callable[[], Mapping[str, PublishedKpi]]
    own_figures: Callable[[datetime], Mapping[str, Values]]
    past: KpiHistory


@dataclass(frozen=True)
class AlertOutputs:
    """Where changes go.

    `publish` receives changed alerts by id for Kafka (None: over), `send` new notifications.
    """

    hub: Hub
    publish: Callable[[Mapping[str, AlertShape | None]], None]
    send: Callable[[list[Notification]], None]


class AlertLoop:
    """The thread of alert ticks. It shows changed alerts on the hub and passes them on to Kafka."""

    def __init__(
        self,
        service: AlertService,
        inputs: AlertInputs,
        outputs: AlertOutputs,
        clock: Clock,
        faults: FaultRegister | None = None,
    ) -> None:
        self._service = service
        self._inputs = inputs
        self._outputs = outputs
        self._clock = clock
        self._shown: dict[str, Alert] = {}
        self._unpublished: dict[str, AlertShape | None] = {}
        self._thread = PeriodicThread("alerting", self._step, SPACING_S, faults)
        service.on_change = self._changed
        self._show(service.state.alerts)

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def stop(self) -> None:
        """Stop after the running tick, at the latest after 5 s."""
        self._thread.stop(5)

    def wake(self) -> None:
        """Run the next tick now; to be called after an evaluation, from any thread."""
        self._thread.wake()

    def tick(self) -> AlertChange | None:
        """Run one tick on what is published now; return None when nothing is.

        Raises StoreUnavailable; then nothing has changed.
        """
        inputs, past = self._inputs, self._inputs.past
        needs, catalog = self._service.in_force.needs, self._service.in_force.catalog
        past.refresh(catalog, needs, self._clock.now())
        published, now = inputs.published(), self._clock.now()
        if not published:
            return None
        kpis = {
            kpi: Values(entry.units, entry.column.value, entry.column.samples, states_of(entry))
            for kpi in needs.kpis
            if (entry := published.get(kpi)) is not None
        }
        kpis |= inputs.own_figures(now)
        change = self._service.tick(Inputs(to_ms(now), kpis, past.earlier, past.usual))
        end_overdue(self._service)
        return change

    def _step(self) -> float:
        began_s = time.monotonic()
        self.tick()
        self._outputs.publish(self._take_unpublished())
        took_s = time.monotonic() - began_s
        self._thread.rest(max(SPACING_S - took_s, took_s * (1 / _SHARE_OF_CORE - 1)))
        return SPACING_S

    def _changed(self, change: AlertChange) -> None:
        self._show(change.after)
        if change.notifications:
            self._outputs.send(list(change.notifications))

    def _show(self, alerts: Mapping[str, Alert]) -> None:
        """Publish alerts that fired and look different from when they were last shown; a new value alone does not."""
        fired = {name: one for name, one in alerts.items() if one.condition is not ConditionState.PENDING}
        changed: dict[str, AlertShape | None] = {
            name: alert_shape(self._service, one) for name, one in fired.items() if _differs(self._shown.get(name), one)
        }
        changed |= dict.fromkeys(self._shown.keys() - fired.keys())
        self._shown = fired
        if changed:
            self._outputs.hub.publish(alerts=changed)
            self._unpublished |= changed

    def _take_unpublished(self) -> dict[str, AlertShape | None]:
        """Return what Kafka has not received yet.

        Kafka is called without the lock: a broker that is away makes its callers wait.
        """
        with self._service.lock:
            unpublished, self._unpublished = self._unpublished, {}
        return unpublished


def states_of(entry: PublishedKpi) -> Codes:
    """Return the states of a KPI, with UNREPORTED where there have never been any data."""
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
