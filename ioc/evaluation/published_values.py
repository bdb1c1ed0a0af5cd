"""Published values of KPIs, and which of them are sent again."""

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

_SENT_EVERY_MS = 5 * 60_000
"""How far the time of a value over cases moves before that alone is sent.

A source's report without news moves the time of all units, and would be sent to every screen each minute. `values` has
it at once.
"""


@dataclass(frozen=True, slots=True)
class PublishedKpi:
    """A KPI's current values, one entry per unit of `units`, with their window.

    `restated` says when the latest closed period of a unit was last restated, where it was; `reported` which units ever
    reported what the KPI is made of, None while that is not known.
    """

    definition: KpiDefinition
    units: tuple[str, ...]
    column: Column
    window: tuple[datetime, datetime]
    target: Target | None
    restated: Mapping[str, datetime] = field(default_factory=dict)
    reported: NDArray[np.bool_] | None = None

    def values(self, positions: NDArray[np.intp] | None = None) -> Iterator[KpiValue]:
        """Yield the values of some entries, or of all."""
        definition, (start, end) = self.definition, self.window
        column = self.column if positions is None else self.column.at(positions)
        units = self.units if positions is None else [self.units[position] for position in positions]
        reported = np.ones(len(self.units), np.bool_) if self.reported is None else self.reported
        rows = zip(
            units,
            column.value.tolist(),
            column.as_of.tolist(),
            column.samples.tolist(),
            column.state.tolist(),
            (reported if positions is None else reported[positions]).tolist(),
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


class SentValues:
    """Remembers what was sent of each KPI, so that only differences are sent again."""

    def __init__(self) -> None:
        self._as_of: dict[str, Whole] = {}

    def mark_sent(self, entry: PublishedKpi) -> None:
        """Note that all values of a KPI are sent."""
        self._as_of[entry.definition.id] = entry.column.as_of

    def changed_values(self, before: PublishedKpi | None, after: PublishedKpi) -> Iterator[KpiValue]:
        """Return values to be sent, and note their times.

        They are those that differ in value, samples, time (for cases: by _SENT_EVERY_MS) or freshness.
        """
        sent_as_of = self._as_of.get(after.definition.id)
        if before is not None and sent_as_of is not None and _is_unchanged(before, after):
            return iter(())
        positions = _changed_positions(before, after, sent_as_of)
        as_of = (
            after.column.as_of
            if before is None or sent_as_of is None or len(sent_as_of) != len(after.units)
            else sent_as_of
        )
        if len(positions) and as_of is sent_as_of:
            as_of = sent_as_of.copy()
            as_of[positions] = after.column.as_of[positions]
        self._as_of[after.definition.id] = as_of
        return after.values(positions)


# KPIs of one measure share the times of their data.
_moment = lru_cache(maxsize=1 << 16)(from_ms)


def _is_unchanged(before: PublishedKpi, after: PublishedKpi) -> bool:
    return (
        before.column is after.column
        and before.definition is after.definition
        and before.units == after.units
        and before.restated == after.restated
        and before.reported is after.reported
    )


def _identity(entry: PublishedKpi) -> tuple[KpiDefinition, tuple[str, ...], Mapping[str, datetime]]:
    return entry.definition, entry.units, entry.restated


def _changed_positions(before: PublishedKpi | None, after: PublishedKpi, sent_as_of: Whole | None) -> NDArray[np.intp]:
    """Return the entries whose value, samples, time or freshness differs.

    All entries differ when the definition does, or after a restatement. `sent_as_of` are the times last sent.
    """
    if before is None or sent_as_of is None or _identity(before) != _identity(after):
        return np.arange(len(after.units))
    old, new = before.column, after.column
    same = (old.state == new.state) & (old.samples == new.samples)
    if isinstance(after.definition.expression, MeasureAggregate):
        same &= old.as_of == new.as_of
    else:
        same &= (new.as_of >= sent_as_of) & (new.as_of - sent_as_of < _SENT_EVERY_MS)
    if before.reported is not after.reported and before.reported is not None and after.reported is not None:
        same &= before.reported == after.reported
    same &= (old.value == new.value) | (np.isnan(old.value) & np.isnan(new.value))
    return np.flatnonzero(~same)
