"""From steps that may come to what a KPI will say: pure arithmetic over courses of days.

A KPI over a calendar window (month, quarter, year to date) says at the year's end what it knows already of that window
and what is to come on top: an *amount* adds up, a *ratio* is weighted by the samples that each day brings. Anything
else is a *level*: it goes on as its own past did."""

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
    """The KPI of one step alone; of a level with a calendar window, over as long a time that ends at the step. The year
    to date stays what it is."""
    window = definition.window
    if behaviour(definition) is not Behaviour.LEVEL:
        return replace(definition, window=Window(WindowKind.LAST, length), min_samples=1)
    if window.kind in _ROLLING:
        return replace(definition, window=Window(WindowKind.LAST, _ROLLING[window.kind] * _DAY))
    return definition


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of the window that runs: its value and samples, up to the first day that is to come."""

    value: float
    samples: int


@dataclass(frozen=True, slots=True)
class Bounds:
    """What no value can be beyond."""

    least: float
    most: float


def bounds_of(past: Real, *, is_share: bool) -> Bounds:
    """A share of a whole stays within 0 and 100 %, what was never below zero stays so."""
    known = past[np.isfinite(past)]
    least = 0.0 if len(known) and known.min() >= 0 else -np.inf
    return Bounds(least, 100.0 if is_share else np.inf)


def is_share_of_whole(definition: KpiDefinition, measures: Mapping[str, Measure]) -> bool:
    """Whether no value of a KPI can lie above 100: its numerator is part of its denominator.

    That holds for a ratio of cases (`where` among `over`), for a gauge in % of which no reading above 100 is taken,
    and for what its definition calls a share. "% of plan" is none of these: a plan can be exceeded.
    """
    match definition.expression:
        case CaseRatio():
            return True
        case MeasureAggregate(measure=measure, take="last" | "mean" | "min" | "max" | "quantile"):
            return definition.unit_of_measure == "%" and measure in measures and measures[measure].most <= 100
    return definition.share


def by_day(courses: Real, days_a_step: int, days: int, *, amount: bool) -> Real:
    """A column a day; an amount is spread over the days of its step."""
    spread = np.repeat(courses / days_a_step if amount else courses, days_a_step, axis=1)
    return spread[:, :days]


def values_at(
    kind: Behaviour,
    daily: Real,
    weights: Real,
    known: Known,
    first_day: datetime,
    ends: Sequence[datetime],
    window_from: Callable[[datetime], datetime],
) -> Real:
    """What the KPI will say at each of `ends` (a column), on each course (a row). Day 0 begins at `first_day`;
    `window_from` gives where the window that ends at a moment begins; `weights` are the samples of each day."""
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


def samples_to_come(samples: Real, season: int, days: int, days_a_step: int) -> Real:
    """Of each coming day: the mean of the same place in the last four seasons (of a week, of eight weeks)."""
    period = season if days_a_step == 1 else 1
    recent = samples[-(4 if period > 1 else 8) * period :]
    cut = recent[len(recent) % period :]
    usual = cut.reshape(-1, period).mean(axis=0)
    steps = -(-days // days_a_step)
    return np.repeat(np.tile(usual, -(-steps // period))[:steps] / days_a_step, days_a_step)[:days]


def chance(values: Real, target: Target | None) -> float | None:
    """The share of the courses that meet the target; None without one."""
    if target is None:
        return None
    if target.at_least is not None:
        return float((values >= target.at_least).mean())
    return None if target.at_most is None else float((values <= target.at_most).mean())


def interval(values: Real) -> tuple[Real, Real, Real]:
    """The middle, low and high of each column."""
    low, middle, high = np.quantile(values, [LOW, 0.5, HIGH], axis=0)
    return middle, low, high
