"""Calculate usual values: the same hour of past weeks, which a deviation is measured against."""

from collections.abc import Sequence

import numpy as np

from ioc.alerts.inputs import Reals, Times

HOUR_MS = 3_600_000
WEEK_MS = 168 * HOUR_MS


def same_hours(now_ms: int, weeks: int) -> list[int]:
    """Return the beginnings (ms) of the same hour of day and weekday in each of the weeks before, the latest first.

    The province's zone is whole hours from UTC and has no summer time.
    """
    hour_ms = now_ms // HOUR_MS * HOUR_MS
    return [hour_ms - week * WEEK_MS for week in range(1, weeks + 1)]


def median_and_mad(past: Reals) -> tuple[Reals, Reals]:
    """Return median and median absolute deviation over the first axis (weeks).

    NaN is left out; fewer than two values give NaN.
    """
    enough = np.isfinite(past).sum(axis=0) >= 2
    known = np.where(enough, past, 0.0)
    median = np.nanmedian(known, axis=0)
    mad = np.nanmedian(np.abs(known - median), axis=0)
    return np.where(enough, median, np.nan), np.where(enough, mad, np.nan)


def usual_at(times_ms: Times, hours_ms: Times, hourly: Reals, weeks: int) -> tuple[Reals, Reals]:
    """Return median and MAD for each of the times: arrays of times × units.

    `hourly` are values (hours × units) of the hours that begin at `hours_ms`, ascending. Other hours are unknown.
    """
    hours, hour_of_time = np.unique(times_ms // HOUR_MS * HOUR_MS, return_inverse=True)
    found = [median_and_mad(_rows(same_hours(int(hour), weeks), hours_ms, hourly)) for hour in hours]
    if not found:
        return np.empty((0, hourly.shape[1])), np.empty((0, hourly.shape[1]))
    median, mad = (np.array(column) for column in zip(*found, strict=True))
    return median[hour_of_time], mad[hour_of_time]


def _rows(wanted: Sequence[int], hours_ms: Times, hourly: Reals) -> Reals:
    rows = np.full((len(wanted), hourly.shape[1]), np.nan)
    for row, hour in enumerate(wanted):
        index = int(np.searchsorted(hours_ms, hour))
        if index < len(hours_ms) and hours_ms[index] == hour:
            rows[row] = hourly[index]
    return rows
