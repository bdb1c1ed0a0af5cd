"""Freshness: what a value may claim, and what communes give to their province."""

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
    """A KPI's values as published, one entry a unit; `state` indexes STATES; the value is NaN below STALE."""

    value: Real
    samples: Whole
    as_of: Whole
    state: Codes

    def at(self, places: NDArray[np.intp]) -> "Column":
        """Some of its entries."""
        return Column(self.value[places], self.samples[places], self.as_of[places], self.state[places])


def judge(
    definition: KpiDefinition,
    vectors: Vectors,
    now_ms: int,
    worst_part: Codes | None = None,
    *,
    behind: bool = False,
) -> Column:
    """No data, then too few samples, then too old, then live. `worst_part` are the states of a formula's worst parts;
    `behind` that a scheduled source has not been heard of in time. A period that is over grows no older.

    A count or sum of cases may be 0 and live: what was heard of holds nothing that meets the condition. So may a
    formula over such.
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
class Judged:
    """A column with what it was made of, and the times (ms since 1970) between which it stays as it is."""

    made_of: tuple[object, ...]
    besides: object
    column: Column
    since_ms: int
    until_ms: float

    @classmethod
    def of(
        cls, definition: KpiDefinition, made_of: tuple[object, ...], besides: object, column: Column, now_ms: int
    ) -> "Judged":
        """`made_of` are arrays that are replaced and never changed, `besides` whatever else it depends on."""
        until = float("inf")
        if definition.fresh_within is not None and not definition.window.closed:
            within = definition.fresh_within // timedelta(milliseconds=1)
            fresh = column.as_of[column.as_of >= now_ms - within]
            until = float(fresh.min() + within) if len(fresh) else until
        return cls(made_of, besides, column, now_ms, until)

    def holds(self, made_of: tuple[object, ...], besides: object, now_ms: int) -> bool:
        same = all(old is new for old, new in zip(self.made_of, made_of, strict=True))
        return same and self.besides == besides and self.since_ms <= now_ms <= self.until_ms


def rolled_up(definition: KpiDefinition, vectors: Vectors, now_ms: int, places: NDArray[np.intp]) -> Vectors:
    """With the province's entry (the first) made of its communes' values, for the roll-ups sum and mean. `places` are
    the entries that the KPI speaks of."""
    if definition.roll_up not in (RollUp.SUM, RollUp.MEAN):
        return vectors
    below = places[places != 0]
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
