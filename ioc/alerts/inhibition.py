"""Inhibition: an alert keeps others quiet that follow from it."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from ioc.alerts.inputs import Flags, Indices
from ioc.alerts.labels import LabelTable
from ioc.model.alert import Alert, ConditionState, Suppression, SuppressionReason
from ioc.model.routing import Inhibition


@dataclass(frozen=True, slots=True)
class InhibitedAlert:
    """`place` is kept quiet by `by`, both places of the label table."""

    place: int
    by: int
    inhibition: str


@dataclass(frozen=True, slots=True)
class Inhibitor:
    """Inhibitions ready for a label table; their masks are asked once."""

    table: LabelTable
    entries: tuple[tuple[Inhibition, Flags, Flags], ...]

    @classmethod
    def of(cls, table: LabelTable, inhibitions: Sequence[Inhibition]) -> "Inhibitor":
        return cls(table, tuple((one, table.matching(one.source), table.matching(one.target)) for one in inhibitions))

    def inhibited(self, fired: Indices, active: Indices) -> list[InhibitedAlert]:
        """Of the active places, by those that have fired; for each inhibition and target the first source. What an
        inhibition means on both sides is kept quiet only by what it means as source alone, so never by itself."""
        found: list[InhibitedAlert] = []
        for inhibition, source, target in self.entries:
            groups = self.table.groups(inhibition.equal)
            alone = fired[source[fired] & ~target[fired]]
            for sources, targets in (
                (fired[source[fired]], active[target[active] & ~source[active]]),
                (alone, active[target[active] & source[active]]),
            ):
                numbers, first = np.unique(groups[sources], return_index=True)
                by_group = dict(zip(numbers.tolist(), sources[first].tolist(), strict=True))
                by_group.pop(-1, None)
                for place, group in zip(targets.tolist(), groups[targets].tolist(), strict=True):
                    if group in by_group:
                        found.append(InhibitedAlert(place, by_group[group], inhibition.id))
        return found


def apply_inhibitions(own: Sequence[Alert], foreign: Sequence[Alert], inhibitions: Sequence[Inhibition]) -> list[Alert]:
    """Our alerts and then those of other systems, with what one side keeps quiet of the other, and other systems' of
    each other's. What our own keep quiet of our own is known already (ioc/alerts/suppression.py)."""
    listed = [*own, *foreign]
    if not foreign or not inhibitions:
        return listed
    active = np.arange(len(listed))
    fired = np.array([alert.condition is not ConditionState.PENDING for alert in listed], np.bool_)
    table = LabelTable.of_rows([alert.labels for alert in listed])
    for one in Inhibitor.of(table, inhibitions).inhibited(active[fired], active):
        source, target = listed[one.by], listed[one.place]
        if max(one.by, one.place) < len(own) or (source.rule, source.unit) == (target.rule, target.unit):
            continue
        reason = SuppressionReason(Suppression.INHIBITED_BY, source.id, f"{source.rule} holds ({one.inhibition}).")
        listed[one.place] = replace(target, suppression=(*target.suppression, reason))
    return listed
