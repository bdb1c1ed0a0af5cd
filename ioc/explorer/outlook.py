"""Turn simulated courses of days into future values of a KPI. Pure arithmetic.

A KPI over a calendar window (month, quarter, year to date) combines at the year's end what its window already holds
with what is still to come: an *amount* adds up, a *ratio* is weighted by each day's samples. Any other KPI is a *level*
and continues its own past.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

import numpy as np

from ioc.explorer.backtest import LEVEL, Real
from ioc.model.kpi import CaseCount, CaseRatio, CaseSum, CaseTime, KpiDefinition, MeasureAggregate, Target
from ioc.model.measure import Measure
from ioc.model.window import Window, WindowKind

_DAY = timedelta(days=1)
_CALENDAR = (WindowKind.TODAY, WindowKind.MONTH, WindowKind.QUARTER, WindowKind.YEAR)
_ROLLING = {WindowKind.TODAY: 1, WindowKind.MONTH: 30, WindowKind.QUARTER: 91}
LOW, HIGH = (1 - LEVEL) / 2, (1 + LEVEL) / 2


class Behaviour(StrEnum):
    """How a KPI combines its days."""

    AMOUNT = "amount"
    RATIO = "ratio"
    LEVEL = "level"


def behaviour(definition: KpiDefinition) -> Behaviour:
    if definition.window.kind not in _CALENDAR:
        return Behaviour.LEVEL
    match definition.expression:
        case CaseCount() | CaseSum() | MeasureAggregate(take="sum" | "count"):
            return Behaviour.AMOUNT
        case CaseRatio() | CaseTime(take="mean") | MeasureAggregate(take="mean"):
            return Behaviour.RATIO
    return Behaviour.LEVEL


def of_step(definition: KpiDefinition, length: timedelta) -> KpiDefinition:
    """Return the KPI of one step alone.

    For a level with a calendar window: over the same length ending at the step. The year to date is unchanged.
    """
    window = definition.window
    if behaviour(definition) is not Behaviour.LEVEL:
        return replace(definition, window=Window(WindowKind.LAST, length), min_samples=1)
    if window.kind in _ROLLING:
        return replace(definition, window=Window(WindowKind.LAST, _ROLLING[window.kind] * _DAY))
    return definition


@dataclass(frozen=True, slots=True)
class WindowSoFar:
    """What the running window already holds: its value and samples up to the first coming day."""

    value: float
    samples: int


@dataclass(frozen=True, slots=True)
class Bounds:
    """Bounds that no value can cross."""

    least: float
    most: float


def bounds_of(past: Real, *, is_share: bool) -> Bounds:
    """Return the bounds: a share of a whole stays within 0 and 100 %; what was never negative stays so."""
    known = past[np.isfinite(past)]
    least = 0.0 if len(known) and known.min() >= 0 else -np.inf
    return Bounds(least, 100.0 if is_share else np.inf)


def is_share_of_whole(definition: KpiDefinition, measures: Mapping[str, Measure]) -> bool:
    """Return whether no value can be above 100, because the numerator is part of the denominator.

    That holds for a ratio of cases (`where` among `over`), for a gauge in % that accepts no reading above 100, and
    for what its definition calls a share. "% of plan" is none of these: a plan can be exceeded.
    """
    match definition.expression:
        case CaseRatio():
            return True
        case MeasureAggregate(measure=measure, take="last" | "mean" | "min" | "max" | "quantile"):
            return definition.unit_of_measure == "%" and measure in measures and measures[measure].most <= 100
    return definition.share


def by_day(courses: Real, days_a_step: int, days: int, *, amount: bool) -> Real:
    """Return one column per day; an amount is spread over the days of its step."""
    spread = np.repeat(courses / days_a_step if amount else courses, days_a_step, axis=1)
    return spread[:, :days]


@dataclass(frozen=True, slots=True)
class ComingDays:
    """The days to come.

    Day 0 begins at `first_day`; `values` has one row per course and one column per day, `samples` one entry per day.
    """

    first_day: datetime
    values: Real
    samples: Real


def values_at(
    kind: Behaviour,
    coming: ComingDays,
    known: WindowSoFar,
    ends: Sequence[datetime],
    window_from: Callable[[datetime], datetime],
) -> Real:
    """Return the KPI's value at each of `ends` (columns) on each course (rows).

    `window_from` returns where the window that ends at a moment begins.
    """
    daily, weights, first_day = coming.values, coming.samples, coming.first_day
    if kind is Behaviour.LEVEL:
        return daily[:, [(end - first_day) // _DAY - 1 for end in ends]]
    amounts = daily if kind is Behaviour.AMOUNT else daily * weights
    added = np.concatenate([np.zeros((len(daily), 1)), np.cumsum(amounts, axis=1)], axis=1)
    weighed = np.concatenate([[0.0], np.cumsum(weights)])
    found = []
    for end in ends:
        begins, to = window_from(end), (end - first_day) // _DAY
        since = max((begins - first_day) // _DAY, 0)
        carried = begins < first_day
        total = added[:, to] - added[:, since]
        if kind is Behaviour.AMOUNT:
            found.append(total + (known.value if carried else 0.0))
            continue
        weight = weighed[to] - weighed[since] + (known.samples if carried else 0)
        total = total + (known.value * known.samples if carried else 0.0)
        found.append(total / weight if weight > 0 else daily[:, to - 1])
    return np.stack(found, axis=1)


def expected_samples(samples: Real, season: int, days: int, days_a_step: int) -> Real:
    """Return the expected samples of each coming day: the mean of the same day in the last four seasons.

    A season is a week for daily steps, eight weeks for weekly ones.
    """
    period = season if days_a_step == 1 else 1
    recent = samples[-(4 if period > 1 else 8) * period :]
    cut = recent[len(recent) % period :]
    usual = cut.reshape(-1, period).mean(axis=0)
    steps = -(-days // days_a_step)
    return np.repeat(np.tile(usual, -(-steps // period))[:steps] / days_a_step, days_a_step)[:days]


def chance(values: Real, target: Target | None) -> float | None:
    """Return the share of courses that meet the target; None without a target."""
    if target is None:
        return None
    if target.at_least is not None:
        return float((values >= target.at_least).mean())
    return None if target.at_most is None else float((values <= target.at_most).mean())


def interval(values: Real) -> tuple[Real, Real, Real]:
    """Return median, low and high of each column."""
    low, middle, high = np.quantile(values, [LOW, 0.5, HIGH], axis=0)
    return middle, low, high
