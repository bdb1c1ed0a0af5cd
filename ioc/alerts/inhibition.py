"""Inhibition: an alert keeps others quiet that follow from it."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ioc.alerts.inputs import Flags, Places
from ioc.alerts.labels import LabelTable
from ioc.model.routing import Inhibition


@dataclass(frozen=True, slots=True)
class Inhibited:
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

    def inhibited(self, fired: Places, active: Places) -> list[Inhibited]:
        """Of the active places, by those that have fired; for each inhibition and target the first source. What an
        inhibition means on both sides is kept quiet only by what it means as source alone, so never by itself."""
        found: list[Inhibited] = []
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
                        found.append(Inhibited(place, by_group[group], inhibition.id))
        return found
