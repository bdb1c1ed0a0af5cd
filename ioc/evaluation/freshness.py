"""Compute freshness, and roll communes up to the province."""

from dataclasses import dataclass
from datetime import timedelta

import numpy as np
from numpy.typing import NDArray

from ioc.evaluation.aggregate_functions import NEVER, Real, Vectors, Whole
from ioc.model.kpi import CaseCount, CaseDistinct, CaseSum, Formula, Freshness, KpiDefinition, RollUp

STATES = (Freshness.NO_DATA, Freshness.INSUFFICIENT, Freshness.STALE, Freshness.LIVE)
NO_DATA, INSUFFICIENT, STALE, LIVE = range(4)
Codes = NDArray[np.int8]


@dataclass(frozen=True, slots=True)
class Column:
    """A KPI's values as published, one entry per unit; `state` indexes STATES; the value is NaN below STALE."""

    value: Real
    samples: Whole
    as_of: Whole
    state: Codes

    def at(self, positions: NDArray[np.intp]) -> "Column":
        """Return some of the entries."""
        return Column(self.value[positions], self.samples[positions], self.as_of[positions], self.state[positions])


def judge(
    definition: KpiDefinition,
    vectors: Vectors,
    now_ms: int,
    worst_part: Codes | None = None,
    *,
    behind: bool = False,
) -> Column:
    """Return the values with their states: no data, else too few samples, else too old, else live.

    `worst_part` are the states of a formula's worst parts; `behind`: a scheduled source has not reported in time. A
    period that is over does not grow older.

    A count or sum of cases may be 0 and live: nothing that was reported meets the condition. So may a formula over
    such.
    """
    least = definition.min_samples
    if isinstance(definition.expression, CaseCount | CaseSum | CaseDistinct | Formula) and least == 1:
        least = 0
    state = np.full(len(vectors.value), LIVE, np.int8)
    if behind:
        state[:] = STALE
    if definition.fresh_within is not None and not definition.window.closed:
        limit = now_ms - definition.fresh_within // timedelta(milliseconds=1)
        state[vectors.as_of < limit] = STALE
    if worst_part is not None:
        state = np.minimum(state, worst_part)
    state[vectors.samples < least] = np.minimum(state, INSUFFICIENT)[vectors.samples < least]
    nothing = ~vectors.present | ((state > INSUFFICIENT) & ~np.isfinite(vectors.value))
    state[nothing] = NO_DATA
    return Column(np.where(state >= STALE, vectors.value, np.nan), vectors.samples, vectors.as_of, state)


@dataclass(frozen=True, slots=True)
class CachedColumn:
    """A column with its inputs, and the times (ms since 1970) between which it stays the same."""

    made_of: tuple[object, ...]
    besides: object
    column: Column
    since_ms: int
    until_ms: float

    @classmethod
    def of(
        cls, definition: KpiDefinition, made_of: tuple[object, ...], besides: object, column: Column, now_ms: int
    ) -> "CachedColumn":
        """Cache a column.

        `made_of` are arrays that are replaced and never changed, `besides` whatever else it depends on.
        """
        until = float("inf")
        if definition.fresh_within is not None and not definition.window.closed:
            within = definition.fresh_within // timedelta(milliseconds=1)
            fresh = column.as_of[column.as_of >= now_ms - within]
            until = float(fresh.min() + within) if len(fresh) else until
        return cls(made_of, besides, column, now_ms, until)

    def holds(self, made_of: tuple[object, ...], besides: object, now_ms: int) -> bool:
        """Return whether the column is still right for these inputs at this time."""
        same = all(old is new for old, new in zip(self.made_of, made_of, strict=True))
        return same and self.besides == besides and self.since_ms <= now_ms <= self.until_ms


def rolled_up(definition: KpiDefinition, vectors: Vectors, now_ms: int, positions: NDArray[np.intp]) -> Vectors:
    """Return the vectors with the province's entry (the first) made of its communes' values.

    This is for the roll-ups sum and mean. `positions` are the entries of the KPI's own units.
    """
    if definition.roll_up not in (RollUp.SUM, RollUp.MEAN):
        return vectors
    below = positions[positions != 0]
    communes = judge(definition, vectors, now_ms).value[below]
    have = np.isfinite(communes)
    total = communes[have].sum() if have.any() else np.nan
    value, samples, as_of, present = (
        vectors.value.copy(),
        vectors.samples.copy(),
        vectors.as_of.copy(),
        vectors.present.copy(),
    )
    value[0] = total if definition.roll_up is RollUp.SUM else total / max(int(have.sum()), 1)
    samples[0] = samples[below].sum()
    as_of[0] = as_of[below].max(initial=NEVER)
    present[0] = present[below].any()
    return Vectors(value, samples, as_of, present)
