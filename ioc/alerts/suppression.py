"""Build the alerts that people see: condition, handling, and every reason why one is quiet."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np

from ioc.alerts.active_hours import IsWorkingDay, is_active
from ioc.alerts.conditions import SlotResults
from ioc.alerts.handling import HandlingState, active_shelvings, handling_of
from ioc.alerts.inhibition import Inhibitor
from ioc.alerts.inputs import DataState, Flags
from ioc.alerts.labels import LabelTable, slot_labels
from ioc.alerts.rule_arrays import RuleArrays
from ioc.alerts.silences import Silence
from ioc.alerts.states import CONDITIONS, PENDING, EngineState
from ioc.model.alert import Alert, Suppression, SuppressionReason, alert_id
from ioc.model.routing import Inhibition

_DATA = {state.value: state.name.lower() for state in DataState}


@dataclass(frozen=True, slots=True)
class SuppressionIndex:
    """Masks of what can keep alerts quiet; make a new one when the rules, a silence or an inhibition changes."""

    arrays: RuleArrays
    table: LabelTable
    silences: tuple[tuple[Silence, Flags], ...]
    inhibitions: tuple[Inhibition, ...]
    inhibitor: Inhibitor
    rule_labels: tuple[Mapping[str, str], ...]

    @classmethod
    def of(
        cls, arrays: RuleArrays, silences: Sequence[Silence], inhibitions: Sequence[Inhibition]
    ) -> "SuppressionIndex":
        """Evaluate the matchers of silences and inhibitions on all slots."""
        table = LabelTable.of_slots(arrays)
        return cls(
            arrays,
            table,
            tuple((silence, table.matching(silence.matchers)) for silence in silences),
            tuple(inhibitions),
            Inhibitor.of(table, inhibitions),
            tuple(slot_labels(rule, "") for rule in arrays.rules),
        )


def build_alerts(
    suppression: SuppressionIndex,
    state: EngineState,
    results: SlotResults | None,
    handling_state: HandlingState,
    is_working_day: IsWorkingDay,
) -> tuple[Alert, ...]:
    """Return every alert (pending, firing, recovering), in the order of the slots, with the values of `results`."""
    arrays, active = suppression.arrays, state.active
    if not len(active):
        return ()
    reasons, shelvings = _reasons(suppression, state, is_working_day), active_shelvings(handling_state, state.now_ms)
    indices = (arrays.slot_rule, arrays.slot_unit)
    times = (state.condition, state.onset_ms, state.fired_ms)
    values = [float("nan")] * len(active) if results is None else results.value[active].tolist()
    data = [""] * len(active) if results is None else [_DATA[code] for code in results.data[active].tolist()]
    columns = [active.tolist(), *(column[active].tolist() for column in (*indices, *times)), values, data]
    found = []
    for slot, number, unit_index, condition, onset, fired, value, freshness in zip(*columns, strict=True):
        rule, unit = arrays.blocks[number].rule, arrays.units[unit_index]
        name = alert_id(rule.id, unit, onset)
        handling, handled = handling_of(handling_state, shelvings, name, rule.id, unit)
        # By position: thousands are made in a storm, and keywords double their cost.
        found.append(
            Alert(
                name,
                rule.id,
                unit,
                CONDITIONS[condition],
                rule.severity,
                {**suppression.rule_labels[number], "unit": unit},
                onset,
                fired,
                value if value == value else None,
                freshness,
                handling,
                handled,
                tuple(reasons.get(slot, ())),
            )
        )
    return tuple(found)


def silences_in_use(listed: Iterable[Alert]) -> frozenset[str]:
    """Return the ids of the silences that keep one of the alerts quiet (for `end_resolved`)."""
    return frozenset(
        reason.of for alert in listed for reason in alert.suppression if reason.kind is Suppression.SILENCED_BY
    )


def _reasons(
    suppression: SuppressionIndex, state: EngineState, is_working_day: IsWorkingDay
) -> dict[int, list[SuppressionReason]]:
    arrays, active = suppression.arrays, state.active
    reasons: dict[int, list[SuppressionReason]] = {}
    for silence, mask in suppression.silences:
        if silence.holds_at(state.now_ms):
            reason = SuppressionReason(Suppression.SILENCED_BY, silence.id, f"{silence.by}: {silence.why}")
            for slot in active[mask[active]].tolist():
                reasons.setdefault(slot, []).append(reason)
    fired = active[state.condition[active] != PENDING]
    for one in suppression.inhibitor.inhibited(fired, active):
        rule, unit = arrays.rule_of(one.by), arrays.unit_of(one.by)
        by = alert_id(rule.id, unit, int(state.onset_ms[one.by]))
        text = f"{rule.name['en']} holds ({one.inhibition})."
        reasons.setdefault(one.index, []).append(SuppressionReason(Suppression.INHIBITED_BY, by, text))
    local = datetime.fromtimestamp(state.now_ms / 1000, UTC).astimezone(arrays.zone)
    for number in np.unique(arrays.slot_rule[active]).tolist():
        block = arrays.blocks[number]
        if not is_active(block.rule.active, local, is_working_day):
            reason = SuppressionReason(Suppression.OUTSIDE_HOURS, block.rule.id, "The rule's hours are over.")
            for slot in active[(active >= block.start) & (active < block.end)].tolist():
                reasons.setdefault(slot, []).append(reason)
    return reasons
