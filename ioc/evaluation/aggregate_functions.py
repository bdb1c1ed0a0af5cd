"""Aggregate functions of a measure's panes. Pure, over vectors with one entry per unit.

`stddev` is that of the readings in the window (population). `last` is the newest value of a subject; over several
subjects it is the mean of their newest values. `rate` divides by the elapsed time of the window. `nowcast` is the
hourly PM value of VN_AQI.
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
    """One entry per unit.

    The value (NaN where there is none), the number of samples behind it, the time of the newest sample (ms since 1970,
    NEVER without samples), and whether there is data at all.
    """

    value: Real
    samples: Whole
    as_of: Whole
    present: NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Moments:
    """The merged panes of each unit."""

    n: Amounts
    sum: Amounts
    sum_squares: Amounts
    least: Amounts
    most: Amounts
    newest: Amounts

    @classmethod
    def of(cls, part: Columns, positions: Whole, size: int) -> "Moments":
        """Merge rows of panes into `size` entries; `positions` is the entry of each row, several rows may share one."""
        entries = Grouping(positions, size)
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

    def at(self, position: int) -> "Moments":
        """Return one entry of the first axis."""
        return Moments(*(values[position] for values in self._all()))

    def _all(self) -> tuple[Amounts, ...]:
        return self.n, self.sum, self.sum_squares, self.least, self.most, self.newest


def aggregate_moments(expression: MeasureAggregate, moments: Moments, passed_s: float | Real) -> Real:
    """Compute count, sum, mean, min, max, rate or stddev; NaN without readings.

    `passed_s` is the elapsed time of the window in seconds, one for all entries or one per entry. Raises ValueError for
    another aggregate.
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
    raise ValueError(f"{expression.take!r} is not an aggregate of moments")


def aggregate_rows(
    expression: MeasureAggregate, part: Columns, positions: Whole, size: int, newest_hour: Whole | int
) -> Real:
    """Compute last, quantile, distinct or nowcast; each key occurs once per entry.

    `newest_hour` is the hour in which the window of an entry ends, since 1970 UTC. Raises ValueError for another
    aggregate.
    """
    match expression.take:
        case "last":
            subjects = np.bincount(positions, minlength=size)
            total = np.bincount(positions, part["last"], size)
            return np.where(subjects > 0, total / np.maximum(subjects, 1), np.nan)
        case "quantile":
            return quantiles(positions, part["bucket"], part["n"], expression.q or 0.5, size)
        case "distinct":
            counted = distinct_counts(positions, part["rank"], size)
            return np.where(np.bincount(positions, minlength=size) > 0, np.round(counted), np.nan)
        case "nowcast":
            age = np.broadcast_to(newest_hour, size)[positions] - part["hour"]
            return nowcast(positions, age, part["n"], part["sum"], size)
    raise ValueError(f"{expression.take!r} is not an aggregate of rows")


def nowcast(positions: Whole, age: Whole, n: Whole, total: Real, size: int) -> Real:
    """Compute the hourly PM value of VN_AQI: a weighted mean of the last twelve hourly means (QĐ 1459/QĐ-TCMT, 2019).

    The weight of an hour is w to the power of its age; w is the smallest hourly mean divided by the greatest, but at
    least one half. Hours without a mean have no weight. With fewer than two of the newest three hours there is no
    value. (For w = ½ the decision writes a sum of halves, not a mean: the same to 0.03 % when all hours are there.)

    Return one value per entry, NaN without. A row is an hour of an entry (`positions`): its age in hours (0 is the
    newest; 12 and more do not count), how many readings it has, and their sum.
    """
    here = (age >= 0) & (age < NOWCAST_HOURS) & (n > 0)
    cell = positions[here] * NOWCAST_HOURS + age[here]
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
