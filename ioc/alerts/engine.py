"""Evaluate every rule once per tick; save, restore and change rules without losing or repeating a transition.

The caller writes `TickResult.transitions` and `save(arrays, result.state)` in one transaction before it notifies
anybody, and restores them after a crash: a tick that was not written is computed again, one that was written is not.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np

from ioc.alerts.conditions import SlotResults, evaluate_rules
from ioc.alerts.inputs import Inputs
from ioc.alerts.rule_arrays import RuleArrays
from ioc.alerts.states import CONDITIONS, PENDING, EngineState, advance
from ioc.model.alert import ConditionState, Transition, TransitionKind, alert_id
from ioc.model.rule import Severity


@dataclass(frozen=True, slots=True)
class TickResult:
    """The state after a tick and the transitions that led to it.

    `transitions` are in the order of kinds (ends before beginnings), then of slots. `results` is None for a tick that
    was not later than the state's own.
    """

    state: EngineState
    transitions: tuple[Transition, ...]
    results: SlotResults | None


@dataclass(frozen=True, slots=True)
class SavedAlert:
    """One slot that has an alert, as the store keeps it; all other slots are computed again.

    Times as in EngineState. Stored as JSON by field name.
    """

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
        """The alert's id."""
        return alert_id(self.rule, self.unit, self.onset_ms)


@dataclass(frozen=True, slots=True)
class Saved:
    """The whole state after the tick at `now_ms`, as the store keeps it."""

    now_ms: int
    alerts: tuple[SavedAlert, ...]


def tick(arrays: RuleArrays, state: EngineState, inputs: Inputs) -> TickResult:
    """Evaluate all rules; a tick that is not later than the state's changes nothing, so a repeated one counts once."""
    if inputs.now_ms <= state.now_ms:
        return TickResult(state, (), None)
    results = evaluate_rules(arrays, inputs)
    after, moved = advance(arrays, state, results, inputs.now_ms)
    transitions: list[Transition] = []
    for kind, slots in moved:
        onsets = (state if kind in (TransitionKind.CANCELLED, TransitionKind.RESOLVED) else after).onset_ms[slots]
        rules, units, values = arrays.slot_rule[slots], arrays.slot_unit[slots], results.value[slots]
        rows = zip(rules.tolist(), units.tolist(), onsets.tolist(), values.tolist(), strict=True)
        for number, unit, onset, value in rows:
            rule = arrays.blocks[number].rule
            known = value if value == value else None
            transitions.append(
                Transition.of(
                    kind, inputs.now_ms, rule.id, arrays.units[unit], onset, rule.severity, known, rule.version
                )
            )
    return TickResult(after, tuple(transitions), results)


def acknowledge(
    arrays: RuleArrays, state: EngineState, alerts: Iterable[str], acknowledged: bool = True
) -> EngineState:
    """Mark these alerts (ids) as acknowledged, or no longer so; a latching alert may then end.

    Ids of alerts that do not exist now are ignored.
    """
    wanted = set(alerts)
    flags = state.acknowledged.copy()
    for slot in state.active.tolist():
        if alert_id(arrays.rule_of(slot).id, arrays.unit_of(slot), int(state.onset_ms[slot])) in wanted:
            flags[slot] = acknowledged
    return replace(state, acknowledged=flags)


def save(arrays: RuleArrays, state: EngineState) -> Saved:
    """Return what must outlast a crash."""
    alerts = []
    for slot in state.active.tolist():
        rule = arrays.rule_of(slot)
        alerts.append(
            SavedAlert(
                rule.id,
                arrays.unit_of(slot),
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


def restore(arrays: RuleArrays, saved: Saved) -> tuple[EngineState, tuple[Transition, ...]]:
    """Return the saved state for these rules, which may differ from those it was saved under.

    Alerts whose rule no longer covers their unit end by transitions at the saved tick; all others continue by the
    present rule.
    """
    state = EngineState.fresh(arrays)
    ended: list[Transition] = []
    for alert in saved.alerts:
        slot = arrays.slots.get((alert.rule, alert.unit))
        if slot is None:
            ended.append(_ended(alert, saved.now_ms))
            continue
        state.condition[slot] = CONDITIONS.index(alert.condition)
        state.onset_ms[slot], state.fired_ms[slot] = alert.onset_ms, alert.fired_ms
        state.cleared_ms[slot], state.acknowledged[slot] = alert.cleared_ms, alert.acknowledged
    return replace(state, now_ms=saved.now_ms), tuple(ended)


def carry_over(before: RuleArrays, state: EngineState, after: RuleArrays) -> tuple[EngineState, tuple[Transition, ...]]:
    """Return the state under changed rules, as `restore` does."""
    return restore(after, save(before, state))


def counts(state: EngineState) -> dict[ConditionState, int]:
    """Count the slots in each condition."""
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
        "The rule was removed, or no longer covers this unit.",
    )
