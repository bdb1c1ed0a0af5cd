"""Alerts as they stand for people: condition, handling, and every reason for which one makes no noise."""

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
    """What keeps alerts quiet, ready for one plan; make it anew when the arrays, a silence or an inhibition changes."""

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
    watch: SuppressionIndex,
    state: EngineState,
    results: SlotResults | None,
    book: HandlingState,
    is_working_day: IsWorkingDay,
) -> tuple[Alert, ...]:
    """Every alert (pending, firing, recovering), in the order of the slots, with the values of the tick's results."""
    arrays, active = watch.arrays, state.active
    if not len(active):
        return ()
    reasons, shelved = _reasons(watch, state, is_working_day), active_shelvings(book, state.now_ms)
    places = (arrays.slot_rule, arrays.slot_unit)
    lives = (state.condition, state.onset_ms, state.fired_ms)
    values = [float("nan")] * len(active) if results is None else results.value[active].tolist()
    data = [""] * len(active) if results is None else [_DATA[code] for code in results.data[active].tolist()]
    columns = [active.tolist(), *(column[active].tolist() for column in (*places, *lives)), values, data]
    found = []
    for slot, number, place, condition, onset, fired, value, freshness in zip(*columns, strict=True):
        rule, unit = arrays.blocks[number].rule, arrays.units[place]
        name = alert_id(rule.id, unit, onset)
        handling, handled = handling_of(book, shelved, name, rule.id, unit)
        # By position: thousands are made in a storm, and keywords double their cost.
        found.append(
            Alert(
                name,
                rule.id,
                unit,
                CONDITIONS[condition],
                rule.severity,
                {**watch.rule_labels[number], "unit": unit},
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
    """Ids of the silences that keep one of the alerts quiet (for `end_resolved`)."""
    return frozenset(
        reason.of for alert in listed for reason in alert.suppression if reason.kind is Suppression.SILENCED_BY
    )


def _reasons(
    watch: SuppressionIndex, state: EngineState, is_working_day: IsWorkingDay
) -> dict[int, list[SuppressionReason]]:
    arrays, active = watch.arrays, state.active
    reasons: dict[int, list[SuppressionReason]] = {}
    for silence, mask in watch.silences:
        if silence.holds_at(state.now_ms):
            reason = SuppressionReason(Suppression.SILENCED_BY, silence.id, f"{silence.by}: {silence.why}")
            for slot in active[mask[active]].tolist():
                reasons.setdefault(slot, []).append(reason)
    fired = active[state.condition[active] != PENDING]
    for one in watch.inhibitor.inhibited(fired, active):
        rule, unit = arrays.rule_of(one.by), arrays.unit_of(one.by)
        by = alert_id(rule.id, unit, int(state.onset_ms[one.by]))
        text = f"{rule.name['en']} holds ({one.inhibition})."
        reasons.setdefault(one.place, []).append(SuppressionReason(Suppression.INHIBITED_BY, by, text))
    local = datetime.fromtimestamp(state.now_ms / 1000, UTC).astimezone(arrays.zone)
    for number in np.unique(arrays.slot_rule[active]).tolist():
        block = arrays.blocks[number]
        if not is_active(block.rule.active, local, is_working_day):
            reason = SuppressionReason(Suppression.OUTSIDE_HOURS, block.rule.id, "The rule's hours are over.")
            for slot in active[(active >= block.start) & (active < block.end)].tolist():
                reasons.setdefault(slot, []).append(reason)
    return reasons
