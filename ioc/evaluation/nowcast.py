"""The hourly PM value of VN_AQI: a weighted mean of the last twelve hourly means (QĐ 1459/QĐ-TCMT, 2019).

The weight of an hour is w to the power of its age, w the least of the hourly means by the greatest, but at least one
half. Hours without a mean have no weight. With fewer than two of the newest three hours there is no value. (For w = ½
the decision writes a sum of halves, not a mean: the same to 0.03 % when all hours are there.)
"""

import numpy as np
from numpy.typing import NDArray

HOURS = 12
_NEWEST, _NEEDED = 3, 2

Real = NDArray[np.float64]
Whole = NDArray[np.int64]


def nowcast(places: Whole, age: Whole, n: Whole, total: Real, size: int) -> Real:
    """One value an entry, NaN without. A row is an hour of an entry (`places`): its age in hours (0 is the newest;
    those of 12 and more do not count), how many readings it has and their sum."""
    here = (age >= 0) & (age < HOURS) & (n > 0)
    cell = places[here] * HOURS + age[here]
    readings = np.bincount(cell, n[here], size * HOURS).reshape(size, HOURS)
    sums = np.bincount(cell, total[here], size * HOURS).reshape(size, HOURS)
    there = readings > 0
    mean = np.divide(sums, readings, out=np.zeros(sums.shape), where=there)
    least = np.where(there, mean, np.inf).min(axis=1)
    most = np.where(there, mean, -np.inf).max(axis=1)
    ratio = np.divide(least, most, out=np.ones(size), where=np.isfinite(most) & (most > 0))
    weight = np.where(there, np.maximum(ratio, 0.5)[:, None] ** np.arange(HOURS), 0.0)
    known = there[:, :_NEWEST].sum(axis=1) >= _NEEDED
    value = np.full(size, np.nan)
    np.divide((weight * mean).sum(axis=1), weight.sum(axis=1), out=value, where=known)
    return value
