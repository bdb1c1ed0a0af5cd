"""One tick of every rule; saving, restoring and changing the rules without losing or repeating a transition.

A shell writes `Tick.transitions` and `save(plan, tick.state)` in one transaction, and only then tells anybody. After a
crash it restores what was written: a tick that was not written is computed anew, one that was written is not.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np

from ioc.alerts.conditions import Verdict, verdict
from ioc.alerts.inputs import Inputs
from ioc.alerts.rule_arrays import Plan
from ioc.alerts.states import CONDITIONS, PENDING, State, step
from ioc.model.alert import ConditionState, Transition, TransitionKind, alert_id
from ioc.model.rule import Severity


@dataclass(frozen=True, slots=True)
class Tick:
    """`transitions` in the order of kinds (ends before beginnings), then of slots. `verdict` is None for a tick that
    was not after the state's own."""

    state: State
    transitions: tuple[Transition, ...]
    verdict: Verdict | None


@dataclass(frozen=True, slots=True)
class SavedAlert:
    """One slot that has an alert, as it is written down; all others are computed anew. `onset_ms`, `fired_ms` and
    `cleared_ms` as in State."""

    rule: str
    unit: str
    condition: ConditionState
    onset_ms: int
    fired_ms: int
    cleared_ms: int
    acknowledged: bool
    severity: Severity
    rule_version: str

    @property
    def id(self) -> str:
        return alert_id(self.rule, self.unit, self.onset_ms)


@dataclass(frozen=True, slots=True)
class Saved:
    """The whole state; `now_ms` is its tick."""

    now_ms: int
    alerts: tuple[SavedAlert, ...]


def tick(plan: Plan, state: State, inputs: Inputs) -> Tick:
    """A tick that is not later than the state's changes nothing, so that one told twice counts once."""
    if inputs.now_ms <= state.now_ms:
        return Tick(state, (), None)
    said = verdict(plan, inputs)
    after, moved = step(plan, state, said, inputs.now_ms)
    transitions: list[Transition] = []
    for kind, slots in moved:
        onsets = (state if kind in (TransitionKind.CANCELLED, TransitionKind.RESOLVED) else after).onset_ms[slots]
        rules, units, values = plan.slot_rule[slots], plan.slot_unit[slots], said.value[slots]
        rows = zip(rules.tolist(), units.tolist(), onsets.tolist(), values.tolist(), strict=True)
        for number, unit, onset, value in rows:
            rule = plan.blocks[number].rule
            known = value if value == value else None
            transitions.append(
                Transition.of(kind, inputs.now_ms, rule.id, plan.units[unit], onset, rule.severity, known, rule.version)
            )
    return Tick(after, tuple(transitions), said)


def acknowledge(plan: Plan, state: State, alerts: Iterable[str], acknowledged: bool = True) -> State:
    """With these alerts (ids) marked as acknowledged, or no longer so; a latching one may then end. An id that is no
    alert now is passed over."""
    wanted = set(alerts)
    flags = state.acknowledged.copy()
    for slot in state.active.tolist():
        if alert_id(plan.rule_of(slot).id, plan.unit_of(slot), int(state.onset_ms[slot])) in wanted:
            flags[slot] = acknowledged
    return replace(state, acknowledged=flags)


def save(plan: Plan, state: State) -> Saved:
    """What must outlast a crash."""
    alerts = []
    for slot in state.active.tolist():
        rule = plan.rule_of(slot)
        alerts.append(
            SavedAlert(
                rule.id,
                plan.unit_of(slot),
                CONDITIONS[state.condition[slot]],
                int(state.onset_ms[slot]),
                int(state.fired_ms[slot]),
                int(state.cleared_ms[slot]),
                bool(state.acknowledged[slot]),
                rule.severity,
                rule.version,
            )
        )
    return Saved(state.now_ms, tuple(alerts))


def restore(plan: Plan, saved: Saved) -> tuple[State, tuple[Transition, ...]]:
    """The state under a plan, the same or another. Alerts whose rule no longer speaks of their unit end, by transitions
    at the saved tick that say so; all others go on, by the rule as it now is."""
    state = State.fresh(plan)
    ended: list[Transition] = []
    for alert in saved.alerts:
        slot = plan.slots.get((alert.rule, alert.unit))
        if slot is None:
            ended.append(_ended(alert, saved.now_ms))
            continue
        state.condition[slot] = CONDITIONS.index(alert.condition)
        state.onset_ms[slot], state.fired_ms[slot] = alert.onset_ms, alert.fired_ms
        state.cleared_ms[slot], state.acknowledged[slot] = alert.cleared_ms, alert.acknowledged
    return replace(state, now_ms=saved.now_ms), tuple(ended)


def carry_over(before: Plan, state: State, after: Plan) -> tuple[State, tuple[Transition, ...]]:
    """The state under changed rules; as `restore`."""
    return restore(after, save(before, state))


def counts(state: State) -> dict[ConditionState, int]:
    """How many slots are in each condition."""
    found = np.bincount(state.condition, minlength=len(CONDITIONS)).tolist()
    return dict(zip(CONDITIONS, found, strict=True))


def _ended(alert: SavedAlert, at_ms: int) -> Transition:
    pending = alert.condition == CONDITIONS[PENDING]
    kind = TransitionKind.CANCELLED if pending else TransitionKind.RESOLVED
    return Transition.of(
        kind,
        at_ms,
        alert.rule,
        alert.unit,
        alert.onset_ms,
        alert.severity,
        None,
        alert.rule_version,
        "The rule was taken out, or no longer speaks of this unit.",
    )
