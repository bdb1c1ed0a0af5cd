"""Everything about alerts at one moment, and how it is written down and read again."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import orjson

from ioc.alert_service.external_alert import Incoming
from ioc.alerts.conditions import Verdict
from ioc.alerts.engine import Saved, save
from ioc.alerts.grouping import Outbox
from ioc.alerts.handling import Acknowledgement, Aside, Book, aloof_at, handling_of
from ioc.alerts.hours import IsWorkingDay
from ioc.alerts.inhibition import across
from ioc.alerts.labels import LabelTable
from ioc.alerts.records import from_record, to_record
from ioc.alerts.rule_arrays import Plan
from ioc.alerts.silences import Silence
from ioc.alerts.states import State
from ioc.alerts.suppression import Watch, alerts, silences_in_use
from ioc.model.alert import Alert, ConditionState, Reason, Suppression
from ioc.model.matcher import MatcherInvalid
from ioc.store.alerting import ENGINE, OUTBOX, AlertStore

LOG = logging.getLogger(__name__)
SILENCE, ASIDE, ACKNOWLEDGEMENT = "silence", "aside", "acknowledgement"
INCOMING, ENDED = "incoming", "incoming_ended"


@dataclass(frozen=True)
class Standing:
    """One moment; never changed in place. `incoming` by id; `ended` are those of other systems that have ended, as far
    as a message may still speak of them or a person closed them. `met` are the silences that keep an alert quiet."""

    plan: Plan
    watch: Watch
    state: State
    verdict: Verdict | None = None
    book: Book = field(default_factory=Book)
    silences: tuple[Silence, ...] = ()
    outbox: Outbox = field(default_factory=Outbox)
    incoming: Mapping[str, Incoming] = field(default_factory=dict)
    ended: Mapping[str, Incoming] = field(default_factory=dict)
    alerts: Mapping[str, Alert] = field(default_factory=dict)
    met: frozenset[str] = frozenset()

    @classmethod
    def at_rest(cls, plan: Plan) -> "Standing":
        """Nothing is known yet."""
        return cls(plan, Watch.of(plan, (), ()), State.fresh(plan))

    def judged(self, is_working_day: IsWorkingDay) -> "Standing":
        """Return a copy with these alerts; the silences that match one are derived again."""
        own = alerts(self.watch, self.state, self.verdict, self.book, is_working_day)
        found = {alert.id: alert for alert in across(own, _foreign(self), self.watch.inhibitions)}
        return replace(self, alerts=found, met=silences_in_use(found.values()))

    def settled(self) -> "Standing":
        """Without the ended alerts of other systems that nothing needs any more."""
        if not self.ended:
            return self
        named = {name for group in self.outbox.groups.values() for name in group.members}
        kept = {name: one for name, one in self.ended.items() if one.is_closed or name in named}
        return replace(self, ended=kept) if len(kept) < len(self.ended) else self


def _foreign(standing: Standing) -> list[Alert]:
    """Alerts of other systems: silences and handling hold for them, too."""
    listed, now_ms = list(standing.incoming.values()), standing.state.now_ms
    if not listed:
        return []
    table, aloof = LabelTable.of_rows([one.labels for one in listed]), aloof_at(standing.book, now_ms)
    holding = [(one, table.matching(one.matchers)) for one in standing.silences if one.holds_at(now_ms)]
    found = []
    for place, one in enumerate(listed):
        handling, handled = handling_of(standing.book, aloof, one.id, one.rule, one.unit)
        reasons = tuple(
            Reason(Suppression.SILENCED_BY, silence.id, f"{silence.by}: {silence.why}")
            for silence, mask in holding
            if mask[place]
        )
        found.append(
            Alert(
                id=one.id,
                rule=one.rule,
                unit=one.unit,
                condition=ConditionState.FIRING,
                severity=one.severity,
                labels=one.labels,
                onset_ms=one.onset_ms,
                since_ms=one.onset_ms,
                handling=handling,
                handled=handled,
                suppression=reasons,
                revision=one.revision,
            )
        )
    return found


def engine_state(standing: Standing) -> bytes:
    saved = save(standing.plan, standing.state)
    return orjson.dumps(saved)


def outbox_state(outbox: Outbox) -> bytes:
    return orjson.dumps(outbox)


def record(thing: object) -> bytes:
    """Of a silence, a thing put aside, an acknowledgement, an incoming alert."""
    return orjson.dumps(to_record(thing))


@dataclass(frozen=True)
class Kept:
    """What the store knows."""

    saved: Saved
    outbox: Outbox
    book: Book
    silences: tuple[Silence, ...]
    incoming: Mapping[str, Incoming]
    ended: Mapping[str, Incoming]


def read_kept(store: AlertStore) -> Kept:
    """Raises StoreUnavailable."""
    engine, planned = store.state(ENGINE), store.state(OUTBOX)
    outbox = Outbox() if planned is None else from_record(Outbox, planned)
    named = [name for group in outbox.groups.values() for name in group.members]
    held: Sequence[Acknowledgement] = [
        from_record(Acknowledgement, one) for one in store.records(ACKNOWLEDGEMENT).values()
    ]
    return Kept(
        Saved(0, ()) if engine is None else from_record(Saved, engine),
        outbox,
        Book({one.alert: one for one in held}, tuple(from_record(Aside, one) for one in store.records(ASIDE).values())),
        tuple(filter(None, map(_silence, store.records(SILENCE).values()))),
        {name: from_record(Incoming, one) for name, one in store.records(INCOMING).items()},
        {name: from_record(Incoming, one) for name, one in store.ended_incoming(named).items()},
    )


def _silence(kept: Any) -> Silence | None:
    """None, with a warning, for a silence whose matchers cannot be read any more: its alerts make noise again."""
    try:
        return from_record(Silence, kept)
    except MatcherInvalid as fault:
        LOG.warning("The silence %s is left out: %s", kept.get("id"), fault)
        return None


def changes_of_book(before: Book, after: Book) -> dict[tuple[str, str], bytes | None]:
    """What of it must be written, as records; acknowledgements that are gone are taken away."""
    if before is after:
        return {}
    changes: dict[tuple[str, str], bytes | None] = {}
    for alert in before.acknowledged.keys() - after.acknowledged.keys():
        changes[ACKNOWLEDGEMENT, alert] = None
    for alert, held in after.acknowledged.items():
        if before.acknowledged.get(alert) != held:
            changes[ACKNOWLEDGEMENT, alert] = record(held)
    known = {one.id: one for one in before.aside}
    for one in after.aside:
        if known.get(one.id) != one:
            changes[ASIDE, one.id] = record(one)
    return changes
