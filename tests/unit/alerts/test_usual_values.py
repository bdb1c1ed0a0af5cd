"""Usual values: the same hour of past weeks."""

import numpy as np

from ioc.alerts.usual_values import HOUR_MS, WEEK_MS, median_and_mad, same_hours, usual_at
from tests.support.alert_examples import MINUTE, START


def test_the_same_hour_of_the_weeks_before() -> None:
    assert same_hours(START + 59 * MINUTE, 2) == [START - WEEK_MS, START - 2 * WEEK_MS]


def test_median_and_mad_of_what_is_known() -> None:
    nan = np.nan
    past = np.array([[100.0, 1.0, nan, nan], [110.0, nan, nan, 5.0], [90.0, 3.0, nan, nan], [400.0, 3.0, nan, nan]])
    median, mad = median_and_mad(past)
    assert median.tolist()[:2] == [105.0, 3.0]
    assert mad.tolist()[:2] == [10.0, 0.0]
    assert np.isnan([*median[2:], *mad[2:]]).all()


def test_over_history() -> None:
    hours = START - WEEK_MS * np.array([3, 2, 1]) + 0
    hourly = np.array([[10.0], [20.0], [40.0]])
    times = np.array([START, START + 30 * MINUTE, START + HOUR_MS], np.int64)
    median, mad = usual_at(times, np.sort(hours), hourly, 3)
    assert median[:, 0].tolist()[:2] == [20.0, 20.0]
    assert mad[:, 0].tolist()[:2] == [10.0, 10.0]
    assert np.isnan(median[2, 0])
