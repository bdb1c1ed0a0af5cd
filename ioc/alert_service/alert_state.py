"""Everything about alerts at one moment, and its stored form.

The store keeps JSON made of the dataclasses `Saved`, `Outbox`, `Silence`, `Shelving`, `Acknowledgement` and
`ExternalAlert`: renaming one of their fields, or a kind below, would make a data directory unreadable.
"""

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import orjson

from ioc.alert_service.external_alert import ExternalAlert
from ioc.alerts.active_hours import IsWorkingDay
from ioc.alerts.conditions import SlotResults
from ioc.alerts.engine import Saved, save
from ioc.alerts.grouping import Outbox
from ioc.alerts.handling import Acknowledgement, HandlingState, Shelving, active_shelvings, handling_of
from ioc.alerts.inhibition import apply_inhibitions
from ioc.alerts.labels import LabelTable
from ioc.alerts.records import from_record, to_json
from ioc.alerts.rule_arrays import RuleArrays
from ioc.alerts.silences import Silence
from ioc.alerts.states import EngineState
from ioc.alerts.suppression import SuppressionIndex, build_alerts, silences_in_use
from ioc.model.alert import Alert, ConditionState, Suppression, SuppressionReason
from ioc.model.matcher import MatcherInvalid
from ioc.store.alerting import ENGINE, OUTBOX, AlertStore

LOG = logging.getLogger(__name__)
SILENCE, SHELVING, ACKNOWLEDGEMENT = "silence", "aside", "acknowledgement"
EXTERNAL, ENDED_EXTERNAL = "incoming", "incoming_ended"


@dataclass(frozen=True)
class AlertState:
    """Alerts, and all they depend on, at one moment; never changed in place.

    `external` are the alerts of other systems by id. `ended_external` are those that have ended, as long as a
    notification may still mention them or when a person closed them. `silences_in_use` are the ids of the silences
    that keep an alert quiet. `alerts` by id, this centre's own and those of other systems.
    """

    arrays: RuleArrays
    suppression: SuppressionIndex
    engine: EngineState
    results: SlotResults | None = None
    handling: HandlingState = field(default_factory=HandlingState)
    silences: tuple[Silence, ...] = ()
    outbox: Outbox = field(default_factory=Outbox)
    external: Mapping[str, ExternalAlert] = field(default_factory=dict)
    ended_external: Mapping[str, ExternalAlert] = field(default_factory=dict)
    alerts: Mapping[str, Alert] = field(default_factory=dict)
    silences_in_use: frozenset[str] = frozenset()

    @classmethod
    def initial(cls, arrays: RuleArrays) -> "AlertState":
        """Return the state before the first tick."""
        return cls(arrays, SuppressionIndex.of(arrays, (), ()), EngineState.fresh(arrays))

    def with_alerts(self, is_working_day: IsWorkingDay) -> "AlertState":
        """Return a copy with `alerts` and `silences_in_use` derived from the other fields."""
        own = build_alerts(self.suppression, self.engine, self.results, self.handling, is_working_day)
        alerts = {
            alert.id: alert for alert in apply_inhibitions(own, _external_alerts(self), self.suppression.inhibitions)
        }
        return replace(self, alerts=alerts, silences_in_use=silences_in_use(alerts.values()))

    def without_unneeded(self) -> "AlertState":
        """Return a copy without the ended alerts of other systems that nothing refers to any more."""
        if not self.ended_external:
            return self
        members = {name for group in self.outbox.groups.values() for name in group.members}
        kept = {name: alert for name, alert in self.ended_external.items() if alert.is_closed or name in members}
        return replace(self, ended_external=kept) if len(kept) < len(self.ended_external) else self


def _external_alerts(state: AlertState) -> list[Alert]:
    """Return the alerts of other systems, with the silences and handling that apply to them."""
    external, now_ms = list(state.external.values()), state.engine.now_ms
    if not external:
        return []
    table = LabelTable.of_rows([alert.labels for alert in external])
    shelvings = active_shelvings(state.handling, now_ms)
    active = [(silence, table.matching(silence.matchers)) for silence in state.silences if silence.holds_at(now_ms)]
    alerts = []
    for index, sent in enumerate(external):
        handling, handled = handling_of(state.handling, shelvings, sent.id, sent.rule, sent.unit)
        reasons = tuple(
            SuppressionReason(Suppression.SILENCED_BY, silence.id, f"{silence.by}: {silence.why}")
            for silence, mask in active
            if mask[index]
        )
        alerts.append(
            Alert(
                id=sent.id,
                rule=sent.rule,
                unit=sent.unit,
                condition=ConditionState.FIRING,
                severity=sent.severity,
                labels=sent.labels,
                onset_ms=sent.onset_ms,
                since_ms=sent.onset_ms,
                handling=handling,
                handled=handled,
                suppression=reasons,
                revision=sent.revision,
            )
        )
    return alerts


def engine_state(state: AlertState) -> bytes:
    """Return the engine's state as JSON."""
    return orjson.dumps(save(state.arrays, state.engine))


def outbox_state(outbox: Outbox) -> bytes:
    """Return the outbox as JSON."""
    return orjson.dumps(outbox)


def record(stored: Silence | Shelving | Acknowledgement | ExternalAlert) -> bytes:
    """Return the JSON under which the store keeps it."""
    return to_json(stored)


@dataclass(frozen=True)
class StoredState:
    """What the store keeps of an `AlertState`; the rest is derived."""

    saved: Saved
    outbox: Outbox
    handling: HandlingState
    silences: tuple[Silence, ...]
    external: Mapping[str, ExternalAlert]
    ended_external: Mapping[str, ExternalAlert]


def read_stored_state(store: AlertStore) -> StoredState:
    """Read the stored state. Raises StoreUnavailable."""
    engine, planned = store.state(ENGINE), store.state(OUTBOX)
    outbox = Outbox() if planned is None else from_record(Outbox, planned)
    members = [name for group in outbox.groups.values() for name in group.members]
    acknowledgements = [from_record(Acknowledgement, one) for one in store.records(ACKNOWLEDGEMENT).values()]
    return StoredState(
        Saved(0, ()) if engine is None else from_record(Saved, engine),
        outbox,
        HandlingState(
            {one.alert: one for one in acknowledgements},
            tuple(from_record(Shelving, one) for one in store.records(SHELVING).values()),
        ),
        tuple(filter(None, map(_silence, store.records(SILENCE).values()))),
        {name: from_record(ExternalAlert, one) for name, one in store.records(EXTERNAL).items()},
        {name: from_record(ExternalAlert, one) for name, one in store.ended_incoming(members).items()},
    )


def _silence(stored: Any) -> Silence | None:
    """Return None, with a warning, for a silence whose matchers are no longer valid: its alerts are loud again."""
    try:
        return from_record(Silence, stored)
    except MatcherInvalid as fault:
        LOG.warning("The silence %s is left out: %s", stored.get("id"), fault)
        return None


def handling_changes(before: HandlingState, after: HandlingState) -> dict[tuple[str, str], bytes | None]:
    """Return the records to write, by (kind, id); None deletes an acknowledgement that is gone."""
    if before is after:
        return {}
    changes: dict[tuple[str, str], bytes | None] = {}
    for alert in before.acknowledged.keys() - after.acknowledged.keys():
        changes[ACKNOWLEDGEMENT, alert] = None
    for alert, acknowledgement in after.acknowledged.items():
        if before.acknowledged.get(alert) != acknowledgement:
            changes[ACKNOWLEDGEMENT, alert] = record(acknowledgement)
    known = {shelving.id: shelving for shelving in before.shelvings}
    for shelving in after.shelvings:
        if known.get(shelving.id) != shelving:
            changes[SHELVING, shelving.id] = record(shelving)
    return changes
