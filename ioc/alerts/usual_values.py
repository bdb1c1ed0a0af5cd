"""The same hour of past weeks: what a deviation is measured against."""

from collections.abc import Sequence

import numpy as np

from ioc.alerts.inputs import Reals, Times

HOUR_MS = 3_600_000
WEEK_MS = 168 * HOUR_MS


def same_hours(now_ms: int, weeks: int) -> list[int]:
    """Beginnings of the hours to look up for a moment: its own hour of the day and weekday, in each of the weeks
    before, the latest first. (The province's zone is whole hours from UTC and has no summer time.)"""
    hour_ms = now_ms // HOUR_MS * HOUR_MS
    return [hour_ms - week * WEEK_MS for week in range(1, weeks + 1)]


def median_and_mad(past: Reals) -> tuple[Reals, Reals]:
    """Median and median absolute deviation down the first axis (weeks); NaN is left out, fewer than two give NaN."""
    enough = np.isfinite(past).sum(axis=0) >= 2
    known = np.where(enough, past, 0.0)
    median = np.nanmedian(known, axis=0)
    mad = np.nanmedian(np.abs(known - median), axis=0)
    return np.where(enough, median, np.nan), np.where(enough, mad, np.nan)


def usual_at(times_ms: Times, hours_ms: Times, hourly: Reals, weeks: int) -> tuple[Reals, Reals]:
    """Median and MAD for each of the times, arrays of times × units, from hourly values (hours × units) whose hours
    begin at `hours_ms`, ascending. An hour that is not among them is unknown."""
    hours, places = np.unique(times_ms // HOUR_MS * HOUR_MS, return_inverse=True)
    found = [median_and_mad(_rows(same_hours(int(hour), weeks), hours_ms, hourly)) for hour in hours]
    if not found:
        return np.empty((0, hourly.shape[1])), np.empty((0, hourly.shape[1]))
    median, mad = (np.array(column) for column in zip(*found, strict=True))
    return median[places], mad[places]


def _rows(wanted: Sequence[int], hours_ms: Times, hourly: Reals) -> Reals:
    rows = np.full((len(wanted), hourly.shape[1]), np.nan)
    for number, hour in enumerate(wanted):
        place = int(np.searchsorted(hours_ms, hour))
        if place < len(hours_ms) and hours_ms[place] == hour:
            rows[number] = hourly[place]
    return rows
