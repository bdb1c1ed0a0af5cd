"""Find which alerts keep others quiet that follow from them."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from ioc.alerts.inputs import Flags, Indices
from ioc.alerts.labels import LabelTable
from ioc.model.alert import Alert, ConditionState, Suppression, SuppressionReason
from ioc.model.routing import Inhibition


@dataclass(frozen=True, slots=True)
class InhibitedAlert:
    """The alert at `index` is kept quiet by the one at `by`; both index the label table."""

    index: int
    by: int
    inhibition: str


@dataclass(frozen=True, slots=True)
class Inhibitor:
    """Inhibitions with their source and target masks over a label table, computed once."""

    table: LabelTable
    entries: tuple[tuple[Inhibition, Flags, Flags], ...]

    @classmethod
    def of(cls, table: LabelTable, inhibitions: Sequence[Inhibition]) -> "Inhibitor":
        """Evaluate the matchers of the inhibitions on a label table."""
        return cls(table, tuple((one, table.matching(one.source), table.matching(one.target)) for one in inhibitions))

    def inhibited(self, fired: Indices, active: Indices) -> list[InhibitedAlert]:
        """Return the inhibited alerts among `active`, with the first source among `fired` per inhibition and target.

        An alert that an inhibition matches on both sides is kept quiet only by alerts that it matches as source alone,
        so never by itself.
        """
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
                for index, group in zip(targets.tolist(), groups[targets].tolist(), strict=True):
                    if group in by_group:
                        found.append(InhibitedAlert(index, by_group[group], inhibition.id))
        return found


def apply_inhibitions(
    own: Sequence[Alert], external: Sequence[Alert], inhibitions: Sequence[Inhibition]
) -> list[Alert]:
    """Return this centre's alerts, then those of other systems, with the inhibitions between them applied.

    Inhibitions among this centre's own alerts are applied already (ioc/alerts/suppression.py).
    """
    listed = [*own, *external]
    if not external or not inhibitions:
        return listed
    active = np.arange(len(listed))
    fired = np.array([alert.condition is not ConditionState.PENDING for alert in listed], np.bool_)
    table = LabelTable.of_rows([alert.labels for alert in listed])
    for one in Inhibitor.of(table, inhibitions).inhibited(active[fired], active):
        source, target = listed[one.by], listed[one.index]
        if max(one.by, one.index) < len(own) or (source.rule, source.unit) == (target.rule, target.unit):
            continue
        reason = SuppressionReason(Suppression.INHIBITED_BY, source.id, f"{source.rule} holds ({one.inhibition}).")
        listed[one.index] = replace(target, suppression=(*target.suppression, reason))
    return listed
