"""Advance the state of every slot's alert by one tick, on arrays.

    normal, no_data, error --fires--> pending --held_for--> firing --clears--> recovering --keep_firing_for--> normal
                              pending --clears, or data are unknown--> normal, no_data, error
                                                    firing <--fires-- recovering

Between the two limits a state does not change. `firing` and `recovering` outlast unknown data: Prometheus, the
reference, ends an alert whose series is gone, whereas this centre has separate rules for missing data.
"""

from dataclasses import dataclass

import numpy as np

from ioc.alerts.conditions import SlotResults
from ioc.alerts.inputs import Codes, DataState, Flags, Indices, Times
from ioc.alerts.rule_arrays import RuleArrays
from ioc.model.alert import ConditionState, TransitionKind

CONDITIONS = tuple(ConditionState)
NORMAL, PENDING, FIRING, RECOVERING, NO_DATA, ERROR = range(6)


@dataclass(frozen=True, slots=True, eq=False)
class EngineState:
    """The state of every slot after the tick at `now_ms`: arrays with one entry per slot.

    `condition` indexes CONDITIONS. `onset_ms` is when the limit was passed, `fired_ms` when the alert fired,
    `cleared_ms` when it cleared; 0 when that has not happened.
    """

    now_ms: int
    condition: Codes
    onset_ms: Times
    fired_ms: Times
    cleared_ms: Times
    acknowledged: Flags

    @classmethod
    def fresh(cls, arrays: RuleArrays) -> "EngineState":
        """Return the state before the first tick."""
        size = len(arrays.slot_rule)
        onset, fired, cleared = (np.zeros(size, np.int64) for _ in range(3))
        return cls(0, np.zeros(size, np.int8), onset, fired, cleared, np.zeros(size, np.bool_))

    @property
    def active(self) -> Indices:
        """Indices of the slots with an alert: pending, firing or recovering."""
        return np.flatnonzero((self.condition >= PENDING) & (self.condition <= RECOVERING))


SlotTransitions = tuple[tuple[TransitionKind, Indices], ...]
"""Slots that made each kind of transition at a tick."""


def advance(
    arrays: RuleArrays, state: EngineState, results: SlotResults, now_ms: int
) -> tuple[EngineState, SlotTransitions]:
    """Return the state after a tick; a slot that passes several states at once makes only the last transition."""
    decision = results.decision
    condition = state.condition.copy()
    onset, fired, cleared = state.onset_ms.copy(), state.fired_ms.copy(), state.cleared_ms.copy()
    acknowledged = state.acknowledged.copy()
    was_active = (condition >= PENDING) & (condition <= RECOVERING)
    unknown = np.where(results.data == DataState.ERROR, np.int8(ERROR), np.int8(NO_DATA))
    idle = np.where(decision.known, np.int8(NORMAL), unknown)
    np.copyto(condition, idle, where=~was_active)

    here = np.flatnonzero(was_active | decision.fires)
    before, rules = state.condition[here], arrays.slot_rule[here]
    fires, clears, known = decision.fires[here], decision.clears[here], decision.known[here]

    begins = ~was_active[here] & fires
    pending = before == PENDING
    cancelled = pending & (clears | ~known)
    pending = (pending & ~cancelled) | begins
    onset[here[begins]] = now_ms
    ripe = pending & (now_ms - onset[here] >= arrays.held_ms[rules])
    pending &= ~ripe

    lets_go = (before == FIRING) & clears
    again = (before == RECOVERING) & fires
    recovering = ((before == RECOVERING) & ~again) | lets_go
    cleared[here[lets_go]] = now_ms
    cleared[here[again]] = 0
    ends = recovering & known & ~fires & (now_ms - cleared[here] >= arrays.keep_ms[rules])
    ends &= ~arrays.latching[rules] | acknowledged[here]
    recovering &= ~ends

    condition[here[pending]] = PENDING
    condition[here[ripe | again]] = FIRING
    condition[here[recovering]] = RECOVERING
    fired[here[ripe]] = now_ms
    over = here[cancelled | ends]
    condition[over] = idle[over]
    for gone in (onset, fired, cleared):
        gone[over] = 0
    acknowledged[over] = False
    moved = (
        (TransitionKind.CANCELLED, here[cancelled]),
        (TransitionKind.RESOLVED, here[ends]),
        (TransitionKind.RECOVERING, here[recovering & lets_go]),
        (TransitionKind.PENDING, here[begins & pending]),
        (TransitionKind.FIRING, here[ripe]),
        (TransitionKind.FIRING_AGAIN, here[again]),
    )
    return EngineState(now_ms, condition, onset, fired, cleared, acknowledged), moved
