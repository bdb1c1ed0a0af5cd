"""What a KPI takes of a measure's panes: pure, over vectors of units.

`stddev` is that of the readings in the window (population). `last` is the newest value of a subject; over several
subjects the mean of theirs. `rate` divides by the time that has passed of the window.
"""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ioc.model.kpi import MeasureAggregate
from ioc.panes.group_by import Grouping
from ioc.panes.schema import Columns
from ioc.wire.sketches import distinct_counts, quantiles

Real = NDArray[np.float64]
Whole = NDArray[np.int64]
Amounts = NDArray[Any]
"""Whole or real numbers."""
NEVER = -1

NOWCAST_HOURS = 12
_NEWEST_HOURS, _NEEDED_HOURS = 3, 2


@dataclass(frozen=True, slots=True)
class Vectors:
    """One entry a unit: the value (NaN where there is none), how many samples are behind it, the time of the newest
    (ms since 1970, NEVER without), and whether there is data at all."""

    value: Real
    samples: Whole
    as_of: Whole
    present: NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Moments:
    """What panes merge to, one entry a unit."""

    n: Amounts
    sum: Amounts
    sum_squares: Amounts
    least: Amounts
    most: Amounts
    newest: Amounts

    @classmethod
    def of(cls, part: Columns, places: Whole, size: int) -> "Moments":
        """Rows of panes into `size` entries; `places` says where each row belongs, several rows may share one."""
        entries = Grouping(places, size)
        return cls(
            entries.sums(part["n"]),
            entries.sums(part["sum"]),
            entries.sums(part["sum_squares"]),
            entries.minima(part["least"]),
            entries.maxima(part["most"]),
            np.maximum(entries.maxima(part["newest"].astype(np.int64)), NEVER),
        )

    def shaped(self, *shape: int) -> "Moments":
        return Moments(*(values.reshape(shape) for values in self._all()))

    def at(self, place: int) -> "Moments":
        """One entry of the first axis."""
        return Moments(*(values[place] for values in self._all()))

    def _all(self) -> tuple[Amounts, ...]:
        return self.n, self.sum, self.sum_squares, self.least, self.most, self.newest


def take_moments(expression: MeasureAggregate, moments: Moments, passed_s: float | Real) -> Real:
    """Values of count, sum, mean, min, max, rate, stddev; NaN without readings. `passed_s` is the window's length so
    far, in seconds, of all entries or of each.

    Raises ValueError for another take.
    """
    n = np.where(moments.n > 0, moments.n, np.nan)
    match expression.take:
        case "count":
            return n
        case "sum":
            return np.where(moments.n > 0, moments.sum, np.nan)
        case "mean":
            return np.divide(moments.sum, n)
        case "min":
            return np.where(moments.n > 0, moments.least, np.nan)
        case "max":
            return np.where(moments.n > 0, moments.most, np.nan)
        case "rate":
            per = expression.per or timedelta(seconds=1)
            rate: Real = moments.sum / np.maximum(passed_s, 1.0) * per.total_seconds() + 0 * n
            return rate
        case "stddev":
            mean = moments.sum / n
            deviation: Real = np.sqrt(np.maximum(moments.sum_squares / n - mean * mean, 0.0))
            return deviation
    raise ValueError(f"{expression.take!r} is not taken of moments")


def take_rows(expression: MeasureAggregate, part: Columns, places: Whole, size: int, newest_hour: Whole | int) -> Real:
    """Values of last, quantile, distinct, nowcast; a key stands once in each place. `newest_hour` is that in which the
    window of an entry ends, since 1970 UTC. Raises ValueError for another take."""
    match expression.take:
        case "last":
            subjects = np.bincount(places, minlength=size)
            total = np.bincount(places, part["last"], size)
            return np.where(subjects > 0, total / np.maximum(subjects, 1), np.nan)
        case "quantile":
            return quantiles(places, part["bucket"], part["n"], expression.q or 0.5, size)
        case "distinct":
            counted = distinct_counts(places, part["rank"], size)
            return np.where(np.bincount(places, minlength=size) > 0, np.round(counted), np.nan)
        case "nowcast":
            age = np.broadcast_to(newest_hour, size)[places] - part["hour"]
            return nowcast(places, age, part["n"], part["sum"], size)
    raise ValueError(f"{expression.take!r} is not taken of rows")


def nowcast(places: Whole, age: Whole, n: Whole, total: Real, size: int) -> Real:
    """One value an entry, NaN without. A row is an hour of an entry (`places`): its age in hours (0 is the newest;
    those of 12 and more do not count), how many readings it has and their sum."""
    here = (age >= 0) & (age < NOWCAST_HOURS) & (n > 0)
    cell = places[here] * NOWCAST_HOURS + age[here]
    readings = np.bincount(cell, n[here], size * NOWCAST_HOURS).reshape(size, NOWCAST_HOURS)
    sums = np.bincount(cell, total[here], size * NOWCAST_HOURS).reshape(size, NOWCAST_HOURS)
    there = readings > 0
    mean = np.divide(sums, readings, out=np.zeros(sums.shape), where=there)
    least = np.where(there, mean, np.inf).min(axis=1)
    most = np.where(there, mean, -np.inf).max(axis=1)
    ratio = np.divide(least, most, out=np.ones(size), where=np.isfinite(most) & (most > 0))
    weight = np.where(there, np.maximum(ratio, 0.5)[:, None] ** np.arange(NOWCAST_HOURS), 0.0)
    known = there[:, :_NEWEST_HOURS].sum(axis=1) >= _NEEDED_HOURS
    value = np.full(size, np.nan)
    np.divide((weight * mean).sum(axis=1), weight.sum(axis=1), out=value, where=known)
    return value
