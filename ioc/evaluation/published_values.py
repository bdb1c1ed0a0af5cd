"""A KPI's values as they stand, and which of them are told anew."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from ioc.clock import from_ms
from ioc.evaluation.aggregate_functions import NEVER, Whole
from ioc.evaluation.freshness import STATES, Column
from ioc.model.kpi import KpiDefinition, KpiValue, MeasureAggregate, Target

_TOLD_EVERY_MS = 5 * 60_000
"""How far the time of a value over cases moves on before that alone is told: the word of a source that nothing is new
moves those of all units, and would be sent to every screen each minute. `values` has it at once."""


@dataclass(frozen=True, slots=True)
class Published:
    """A KPI's values as they stand, one entry a unit of `units`, with the window they speak of. `restated` says when
    the latest closed period of a unit was last restated, of those where it was; `reported` which units ever reported
    what the KPI is made of, None while that is not known."""

    definition: KpiDefinition
    units: tuple[str, ...]
    column: Column
    window: tuple[datetime, datetime]
    target: Target | None
    restated: Mapping[str, datetime] = field(default_factory=dict)
    reported: NDArray[np.bool_] | None = None

    def values(self, places: NDArray[np.intp] | None = None) -> Iterator[KpiValue]:
        """Of the entries, or of all."""
        definition, (start, end) = self.definition, self.window
        column = self.column if places is None else self.column.at(places)
        units = self.units if places is None else [self.units[place] for place in places]
        reported = np.ones(len(self.units), np.bool_) if self.reported is None else self.reported
        rows = zip(
            units,
            column.value.tolist(),
            column.as_of.tolist(),
            column.samples.tolist(),
            column.state.tolist(),
            (reported if places is None else reported[places]).tolist(),
            strict=True,
        )
        for unit, value, as_of, samples, state, has_reported in rows:
            # By position: ten thousand values a second are made here, and keywords double their cost.
            yield KpiValue(
                definition.id,
                unit,
                value if value == value else None,
                definition.unit_of_measure,
                None if as_of == NEVER else _moment(as_of),
                start,
                end,
                samples,
                STATES[state],
                self.target,
                definition.version,
                self.restated.get(unit),
                has_reported,
            )


class Telling:
    """What was told of each KPI, so that only what differs is told again."""

    def __init__(self) -> None:
        self._as_of: dict[str, Whole] = {}

    def told(self, entry: Published) -> None:
        """All of it is known to whom it may concern."""
        self._as_of[entry.definition.id] = entry.column.as_of

    def news(self, before: Published | None, after: Published) -> Iterator[KpiValue]:
        """Values to be told, and their times noted: those that differ in value, samples, time (of cases: by
        _TOLD_EVERY_MS) or freshness."""
        told = self._as_of.get(after.definition.id)
        if before is not None and told is not None and _unmoved(before, after):
            return iter(())
        places = _differing(before, after, told)
        as_of = after.column.as_of if before is None or told is None or len(told) != len(after.units) else told
        if len(places) and as_of is told:
            as_of = told.copy()
            as_of[places] = after.column.as_of[places]
        self._as_of[after.definition.id] = as_of
        return after.values(places)


# KPIs of one measure share the times of their data.
_moment = lru_cache(maxsize=1 << 16)(from_ms)


def _unmoved(before: Published, after: Published) -> bool:
    return (
        before.column is after.column
        and before.definition is after.definition
        and before.units == after.units
        and before.restated == after.restated
        and before.reported is after.reported
    )


def _meant(entry: Published) -> tuple[KpiDefinition, tuple[str, ...], Mapping[str, datetime]]:
    return entry.definition, entry.units, entry.restated


def _differing(before: Published | None, after: Published, told: Whole | None) -> NDArray[np.intp]:
    """Entries whose value, samples, time or freshness is another; all when the definition is, or a period was
    restated. `told` are the times last told."""
    if before is None or told is None or _meant(before) != _meant(after):
        return np.arange(len(after.units))
    old, new = before.column, after.column
    same = (old.state == new.state) & (old.samples == new.samples)
    if isinstance(after.definition.expression, MeasureAggregate):
        same &= old.as_of == new.as_of
    else:
        same &= (new.as_of >= told) & (new.as_of - told < _TOLD_EVERY_MS)
    if before.reported is not after.reported and before.reported is not None and after.reported is not None:
        same &= before.reported == after.reported
    same &= (old.value == new.value) | (np.isnan(old.value) & np.isnan(new.value))
    return np.flatnonzero(~same)
