"""The desk: every change of what stands, by a tick or by a person, is written in one transaction before it holds."""

import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from pathlib import Path
from threading import RLock
from time import perf_counter
from typing import Any
from zoneinfo import ZoneInfo

from ioc.alert_service.alert_state import (
    SILENCE,
    Standing,
    changes_of_book,
    engine_state,
    outbox_state,
    read_kept,
    record,
)
from ioc.alert_service.notification_text import Wording
from ioc.alert_service.rule_store import Rulebook
from ioc.alerts.engine import carry_over, restore, tick
from ioc.alerts.handling import settle
from ioc.alerts.inputs import Inputs, Needs
from ioc.alerts.notifications import plan as plan_deliveries
from ioc.alerts.rule_arrays import Plan
from ioc.alerts.silences import Silence, end_resolved
from ioc.alerts.suppression import Watch
from ioc.catalog.catalog import Catalog
from ioc.catalog.channels import Channel, load_channels
from ioc.catalog.last_good import read_last_good, read_last_good_file
from ioc.catalog.routing import Alerting, load_routing
from ioc.catalog.rules import Rules, load_rules
from ioc.catalog.toml_table import CatalogInvalid, DefinitionFault
from ioc.clock import Clock, to_ms
from ioc.model.alert import Alert, Transition
from ioc.store.alerting import ENGINE, OUTBOX, ActRow, AlertStore, Letter, Opened, Writing


@dataclass(frozen=True)
class Place:
    """Where the desk stands: the province's definitions (`overlay`), the file of channels, its zone, its console;
    `kept` is the folder for last good versions of these files, None to keep none."""

    overlay: Path | None
    channels: Path
    zone: ZoneInfo
    link: str
    kept: Path | None = None


@dataclass(frozen=True)
class InForce:
    """Definitions that hold now; `needs` is what a tick must be told for them. `faults` are those of the files that
    gave way to their last good version."""

    catalog: Catalog
    rules: Rules
    alerting: Alerting
    channels: Mapping[str, Channel]
    needs: Needs
    wording: Wording
    faults: tuple[DefinitionFault, ...] = ()


@dataclass(frozen=True)
class Ticks:
    """How many there were, how long they took in all, and the last one."""

    count: int = 0
    seconds: float = 0.0
    last_s: float = 0.0

    def after(self, took_s: float) -> "Ticks":
        return Ticks(self.count + 1, self.seconds + took_s, took_s)


@dataclass(frozen=True)
class Change:
    """What moved: alerts before and after by id, transitions, deliveries to be sent."""

    before: Mapping[str, Alert]
    after: Mapping[str, Alert]
    transitions: Sequence[Transition]
    letters: Sequence[Letter]


class Desk:
    """May be called from any thread; one change at a time (`lock`), one editor of definitions at a time (`editing`).
    `on_change` is called after each change, under the lock, and must return at once; `full_name` gives the name of the
    person behind an account."""

    def __init__(self, store: Opened, catalog: Catalog, place: Place, clock: Clock) -> None:
        """Raises StoreUnavailable, CatalogInvalid."""
        self.store = AlertStore(store)
        self.rulebook = Rulebook(self.store)
        self.place = place
        self.clock = clock
        self.lock = RLock()
        self.editing = RLock()
        self.on_change: Callable[[Change], None] = lambda _: None
        self.full_name: Callable[[str], str] = lambda account: account
        self.ticks = Ticks()
        self._decisions, self._calendar = catalog.decisions, catalog.decisions.calendar()
        self.in_force = self._last_good_definitions(catalog)
        kept = read_kept(self.store)
        plan = _plan(self.in_force, place.zone, clock.now())
        state, ended = restore(plan, kept.saved)
        watch = Watch.of(plan, kept.silences, self.in_force.alerting.inhibitions)
        standing = Standing(plan, watch, state, None, kept.book, kept.silences, kept.outbox, kept.incoming, kept.ended)
        self.standing = standing.settled().judged(self.is_working_day)
        if ended:
            self.commit(self.standing, ended)

    def reload(self, catalog: Catalog) -> None:
        """Take rules, routes and channels anew. Raises CatalogInvalid; those of before then stay."""
        with self.editing:
            self.put_in_force(self.definitions(catalog, self.rulebook.changed()))

    def put_in_force(self, found: InForce) -> None:
        """Alerts go on by the rules as they now are; those that no rule speaks of any more end."""
        plan = _plan(found, self.place.zone, self.clock.now())
        with self.lock:
            before = self.standing
            state, ended = carry_over(before.plan, before.state, plan)
            watch = Watch.of(plan, before.silences, found.alerting.inhibitions)
            self.in_force = found
            self.commit(replace(before, plan=plan, watch=watch, state=state, verdict=None), ended)

    def tick(self, inputs: Inputs) -> Change | None:
        """None for a tick that is not after the last one. Raises StoreUnavailable; then nothing has happened."""
        with self.lock:
            began_s = perf_counter()
            before = self.standing
            done = tick(before.plan, before.state, inputs)
            if done.verdict is None:
                return None
            after = replace(before, state=done.state, verdict=done.verdict)
            change = self.commit(after, done.transitions)
            self.ticks = self.ticks.after(perf_counter() - began_s)
            return change

    def commit(
        self,
        after: Standing,
        transitions: Sequence[Transition] = (),
        acts: Sequence[ActRow] = (),
        records: Mapping[tuple[str, str], bytes | None] | None = None,
    ) -> Change:
        """Write what changed, then let it hold. `after` needs no alerts yet. A silence that ends with its alerts ends
        here, whatever ended the last of them."""
        before = self.standing
        book = settle(after.book, transitions)
        after = replace(after, book=book).judged(self.is_working_day)
        over = end_resolved(after.silences, after.met, before.met, max(self.act_ms(), after.state.now_ms))
        after = self.with_silences(after, over)
        planned = plan_deliveries(
            self.in_force.alerting.routing,
            after.outbox,
            after.alerts.values(),
            transitions,
            after.state.now_ms,
            self.place.zone,
        )
        foreign = {**after.ended, **after.incoming}
        letters = [self.in_force.wording.letter(one, after.alerts, foreign) for one in planned.deliveries]
        after = replace(after, outbox=planned.outbox).settled()
        state = {}
        if transitions or (acts and after.state.acknowledged is not before.state.acknowledged):
            state[ENGINE] = engine_state(after)
        if planned.outbox != before.outbox:
            state[OUTBOX] = outbox_state(planned.outbox)
        known = {one.id: one for one in before.silences}
        changed = dict(records or {}) | changes_of_book(before.book, book)
        changed |= {(SILENCE, one.id): record(one) for one in after.silences if known.get(one.id) != one}
        writing = Writing(transitions, state, changed, acts, letters)
        self.store.write(writing, self.clock.now())
        self.standing = after
        change = Change(before.alerts, after.alerts, transitions, letters)
        self.on_change(change)
        return change

    def with_silences(self, standing: Standing, changed: Sequence[Silence]) -> Standing:
        """With these silences new, or in place of those of the same id."""
        if not changed:
            return standing
        silences = {one.id: one for one in standing.silences} | {one.id: one for one in changed}
        listed = tuple(silences.values())
        watch = Watch.of(standing.plan, listed, self.in_force.alerting.inhibitions)
        return replace(standing, silences=listed, watch=watch)

    def is_working_day(self, day: date) -> bool:
        calendar = self._calendar
        return calendar.is_working(day) if calendar.first <= day <= calendar.last else day.weekday() < 5

    def now(self) -> datetime:
        return self.clock.now()

    def act_ms(self) -> int:
        """The moment of an act: that of the last tick while ticks go on, so that it holds at once."""
        now_ms, last_ms = to_ms(self.clock.now()), self.standing.state.now_ms
        return last_ms if 0 <= now_ms - last_ms < 10_000 else now_ms

    def new_id(self) -> str:
        return secrets.token_hex(8)

    def named(self, alert_id: str) -> Alert | None:
        return self.standing.alerts.get(alert_id)

    def definitions(self, catalog: Catalog, changed: Mapping[str, Mapping[str, Any] | None]) -> InForce:
        """What would be in force with these rules changed. Raises CatalogInvalid."""
        channels = load_channels(self.place.channels)
        rules, alerting = _rules_and_routing(catalog, self.place.overlay, channels, changed)
        return self._in_force(catalog, rules, alerting, channels)

    def _last_good_definitions(self, catalog: Catalog) -> InForce:
        """As `definitions`, but a faulty file of the province gives way to its last good version."""
        changed = self.rulebook.changed()
        if self.place.kept is None:
            return self.definitions(catalog, changed)
        channels = read_last_good_file(load_channels, self.place.channels, self.place.kept / "channels")
        found = read_last_good(
            lambda folder: _rules_and_routing(catalog, folder, channels.value, changed),
            self.place.overlay,
            ("*.toml", "alerting/*.toml"),
            self.place.kept / "rules",
        )
        return self._in_force(catalog, *found.value, channels.value, (*channels.faults, *found.faults))

    def _in_force(
        self,
        catalog: Catalog,
        rules: Rules,
        alerting: Alerting,
        channels: Mapping[str, Channel],
        faults: tuple[DefinitionFault, ...] = (),
    ) -> InForce:
        if catalog.decisions != self._decisions:
            self._decisions, self._calendar = catalog.decisions, catalog.decisions.calendar()
        wording = Wording(catalog, rules, alerting, self.place.zone, self.place.link)
        return InForce(catalog, rules, alerting, channels, Needs.of(rules.rules.values()), wording, faults)


def _rules_and_routing(
    catalog: Catalog,
    overlay: Path | None,
    channels: Mapping[str, Channel],
    changed: Mapping[str, Mapping[str, Any] | None],
) -> tuple[Rules, Alerting]:
    """Read rules and routing. Raises CatalogInvalid with the faults of both."""
    faults: list[DefinitionFault] = []
    alerting = None
    try:
        alerting = load_routing(overlay, channels)
    except CatalogInvalid as invalid:
        faults += invalid.faults
    try:
        rules = load_rules(catalog, overlay, changed)
    except CatalogInvalid as invalid:
        raise CatalogInvalid([*faults, *invalid.faults]) from None
    if alerting is None:
        raise CatalogInvalid(faults)
    return rules, alerting


def _plan(found: InForce, zone: ZoneInfo, now: datetime) -> Plan:
    """Plan the rules for the units that exist at `now`: of a commune that was merged away nothing is missing."""
    today = now.astimezone(zone).date()
    units = {code: unit for code, unit in found.catalog.vocabulary.units.items() if unit.is_in_being(today)}
    targets = {kpi_id: kpi.targets for kpi_id, kpi in found.catalog.kpis.items()}
    return Plan.of(found.rules.rules.values(), units, targets, zone)
