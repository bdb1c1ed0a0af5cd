"""Apply every change of alerts, by a tick or by a person: it takes effect once its transaction is written."""

import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from threading import RLock
from time import perf_counter

from ioc.alert_service.alert_state import (
    SILENCE,
    AlertState,
    engine_state,
    handling_changes,
    outbox_state,
    read_stored_state,
    record,
)
from ioc.alert_service.definitions import (
    AlertDefinitions,
    AlertServiceConfig,
    Changed,
    last_good_definitions,
    load_definitions,
    rule_arrays_of,
)
from ioc.alert_service.rule_store import RuleStore
from ioc.alerts.engine import carry_over, restore, tick
from ioc.alerts.flood import Flood, find_floods
from ioc.alerts.handling import end_with_alerts
from ioc.alerts.inputs import Inputs
from ioc.alerts.notification_plan import plan_deliveries
from ioc.alerts.silences import Silence, end_resolved
from ioc.alerts.suppression import SuppressionIndex
from ioc.catalog.catalog import Catalog
from ioc.clock import Clock, to_ms
from ioc.model.alert import Alert, Transition, TransitionKind
from ioc.store.alerting import ENGINE, OUTBOX, ActionRow, AlertStore, AlertWrite, Notification, StoreHandle

_FLOOD_HISTORY = timedelta(hours=1)
_TICKS_GO_ON_MS = 10_000


@dataclass(frozen=True)
class TickStatistics:
    """Number of ticks, their total duration, and that of the last one."""

    count: int = 0
    seconds: float = 0.0
    last_s: float = 0.0

    def after(self, took_s: float) -> "TickStatistics":
        """Return the statistics with one more tick."""
        return TickStatistics(self.count + 1, self.seconds + took_s, took_s)


@dataclass(frozen=True)
class AlertChange:
    """Result of a commit: alerts before and after by id, transitions, and notifications to send."""

    before: Mapping[str, Alert]
    after: Mapping[str, Alert]
    transitions: Sequence[Transition]
    notifications: Sequence[Notification]


class AlertService:
    """The one writer of alerts; may be called from any thread.

    `lock` allows one change at a time, `editing` one editor of definitions. `on_change` is called after each change,
    under the lock, and must return at once. `full_name` returns the name of the person behind an account.
    """

    def __init__(self, store: StoreHandle, catalog: Catalog, config: AlertServiceConfig, clock: Clock) -> None:
        """Restore the stored state. Raises StoreUnavailable, CatalogInvalid."""
        self.store = AlertStore(store)
        self.rule_store = RuleStore(self.store)
        self.config = config
        self.clock = clock
        self.lock = RLock()
        self.editing = RLock()
        self.on_change: Callable[[AlertChange], None] = lambda _: None
        self.full_name: Callable[[str], str] = lambda account: account
        self.ticks = TickStatistics()
        self._calendar = catalog.decisions.calendar()
        self.in_force = last_good_definitions(config, catalog, self.rule_store.changed())
        stored = read_stored_state(self.store)
        arrays = rule_arrays_of(self.in_force, config.zone, clock.now())
        engine, ended = restore(arrays, stored.saved)
        state = AlertState(
            arrays,
            SuppressionIndex.of(arrays, stored.silences, self.in_force.alerting.inhibitions),
            engine,
            handling=stored.handling,
            silences=stored.silences,
            outbox=stored.outbox,
            external=stored.external,
            ended_external=stored.ended_external,
        )
        self.state = state.without_unneeded().with_alerts(self.is_working_day)
        if ended:
            self.commit(self.state, ended)

    def reload(self, catalog: Catalog) -> None:
        """Read rules, routes and channels again. Raises CatalogInvalid; the previous ones then stay in force."""
        with self.editing:
            self.put_in_force(self.definitions(catalog, self.rule_store.changed()))

    def put_in_force(self, definitions: AlertDefinitions) -> None:
        """Continue alerts by the new rules, and end those whose rule or unit is gone. Raises StoreUnavailable."""
        arrays = rule_arrays_of(definitions, self.config.zone, self.clock.now())
        with self.lock:
            before = self.state
            if definitions.catalog.decisions != self.in_force.catalog.decisions:
                self._calendar = definitions.catalog.decisions.calendar()
            engine, ended = carry_over(before.arrays, before.engine, arrays)
            suppression = SuppressionIndex.of(arrays, before.silences, definitions.alerting.inhibitions)
            self.in_force = definitions
            after = replace(before, arrays=arrays, suppression=suppression, engine=engine, results=None)
            self.commit(after, ended)

    def tick(self, inputs: Inputs) -> AlertChange | None:
        """Evaluate all rules; return None for a tick that is not later than the last one.

        Raises StoreUnavailable; then nothing has changed.
        """
        with self.lock:
            began_s = perf_counter()
            before = self.state
            done = tick(before.arrays, before.engine, inputs)
            if done.results is None:
                return None
            after = replace(before, engine=done.state, results=done.results)
            change = self.commit(after, done.transitions)
            self.ticks = self.ticks.after(perf_counter() - began_s)
            return change

    def commit(
        self,
        after: AlertState,
        transitions: Sequence[Transition] = (),
        acts: Sequence[ActionRow] = (),
        records: Mapping[tuple[str, str], bytes | None] | None = None,
    ) -> AlertChange:
        """Write what changed in one transaction, then make `after` the present state. Raises StoreUnavailable.

        `after.alerts` is derived here. A silence or shelving that ends with its alerts ends here, whatever ended the
        last of them.
        """
        before = self.state
        handling = end_with_alerts(after.handling, transitions)
        after = replace(after, handling=handling).with_alerts(self.is_working_day)
        now_ms = max(self.act_ms(), after.engine.now_ms)
        ended = end_resolved(after.silences, after.silences_in_use, before.silences_in_use, now_ms)
        after = self.with_silences(after, ended)
        planned = plan_deliveries(
            self.in_force.alerting.routing,
            after.outbox,
            after.alerts.values(),
            transitions,
            after.engine.now_ms,
            self.config.zone,
        )
        external = {**after.ended_external, **after.external}
        writer = self.in_force.writer
        notifications = [writer.notification(one, after.alerts, external) for one in planned.deliveries]
        after = replace(after, outbox=planned.outbox).without_unneeded()
        written_state = {}
        if transitions or (acts and after.engine.acknowledged is not before.engine.acknowledged):
            written_state[ENGINE] = engine_state(after)
        if planned.outbox != before.outbox:
            written_state[OUTBOX] = outbox_state(planned.outbox)
        known = {silence.id: silence for silence in before.silences}
        changed = dict(records or {}) | handling_changes(before.handling, handling)
        changed |= {
            (SILENCE, silence.id): record(silence) for silence in after.silences if known.get(silence.id) != silence
        }
        writing = AlertWrite(transitions, written_state, changed, acts, notifications)
        self.store.write(writing, self.clock.now())
        self.state = after
        change = AlertChange(before.alerts, after.alerts, transitions, notifications)
        self.on_change(change)
        return change

    def with_silences(self, state: AlertState, changed: Sequence[Silence]) -> AlertState:
        """Return a copy with these silences added, or in place of those with the same id."""
        if not changed:
            return state
        by_id = {one.id: one for one in state.silences} | {one.id: one for one in changed}
        silences = tuple(by_id.values())
        suppression = SuppressionIndex.of(state.arrays, silences, self.in_force.alerting.inhibitions)
        return replace(state, silences=silences, suppression=suppression)

    def is_working_day(self, day: date) -> bool:
        """Return whether the province works on `day`; outside the calendar, on Monday to Friday."""
        calendar = self._calendar
        return calendar.is_working(day) if calendar.first <= day <= calendar.last else day.weekday() < 5

    def now(self) -> datetime:
        """Return the present time."""
        return self.clock.now()

    def act_ms(self) -> int:
        """Return the time of a person's action: that of the last tick while ticks go on, so that it applies at once."""
        now_ms, last_ms = to_ms(self.clock.now()), self.state.engine.now_ms
        return last_ms if 0 <= now_ms - last_ms < _TICKS_GO_ON_MS else now_ms

    def new_id(self) -> str:
        """Return a random id."""
        return secrets.token_hex(8)

    def alert(self, alert_id: str) -> Alert | None:
        """Return the alert with this id, None when there is none now."""
        return self.state.alerts.get(alert_id)

    def recent_firings(self, now: datetime) -> list[int]:
        """Return when alerts fired (ms) in the last hour, and those before that still fire. Raises StoreUnavailable."""
        moved = self.store.transitions(now - _FLOOD_HISTORY, now + timedelta(seconds=1))
        return [one.at_ms for one in moved if one.kind is TransitionKind.FIRING]

    def current_flood(self, now: datetime) -> Flood | None:
        """Return the flood that lasts, None while there is none. Raises StoreUnavailable."""
        floods = find_floods(self.recent_firings(now), to_ms(now))
        return floods[-1] if floods and floods[-1].until_ms is None else None

    def definitions(self, catalog: Catalog, changed: Changed) -> AlertDefinitions:
        """Return the definitions as they would be with these rules changed. Raises CatalogInvalid."""
        return load_definitions(self.config, catalog, changed)
