"""How busy offices, roads and platforms are by hour, weekday and season.

The tables hold (hour, level) with linear interpolation; a level is relative to a usual working morning, unless a
comment says otherwise.
"""

import numpy as np

from ioc.demo import calendar
from ioc.demo.noise import Floats, Ints

Table = tuple[tuple[float, float], ...]
FRIDAY = 4

# Arrivals at the counter and online over a working day; together about two thirds come from 8 to 11 o'clock.
COUNTER: Table = (
    (7, 0),
    (7.7, 0.4),
    (8.2, 1),
    (10.7, 0.95),
    (11.2, 0.15),
    (13.3, 0.04),
    (14, 0.28),
    (16, 0.2),
    (17, 0),
)
ONLINE: Table = (
    *((0, 0.004), (6, 0.01), (7.6, 0.2), (8.2, 1), (10.7, 0.95), (11.2, 0.16), (13, 0.08), (14, 0.24)),
    *((16.5, 0.16), (18, 0.04), (20, 0.06), (22, 0.03), (24, 0.004)),
)
FRIDAY_AFTERNOON = 0.55
OFFICE: Table = (
    *((0, 0), (6.8, 0), (7.5, 0.6), (8.3, 1), (10.8, 1), (11.6, 0.25), (13.2, 0.25), (14, 0.95)),
    *((16, 0.85), (17, 0.35), (18, 0.05), (20, 0), (24, 0)),
)
# The integration platform follows the offices, with evening use online and the nightly synchronisation at 1:00-2:30.
LGSP: Table = (
    *((0, 0.03), (0.9, 0.03), (1, 0.34), (2.3, 0.36), (2.5, 0.03), (6, 0.04), (7.5, 0.55), (8.3, 1), (10.8, 1.05)),
    *((11.6, 0.45), (13.2, 0.4), (14, 0.95), (16, 0.9), (17, 0.45), (18.5, 0.15), (21, 0.12), (24, 0.03)),
)
LGSP_WEEKEND: Table = ((0, 0.03), (0.9, 0.03), (1, 0.34), (2.3, 0.36), (2.5, 0.03), (8, 0.16), (20, 0.14), (24, 0.03))
# Share of a road's busiest hour.
TRAFFIC: Table = (
    *((0, 0.08), (4, 0.06), (5.5, 0.3), (6.5, 0.92), (7.2, 1), (8, 0.85), (9, 0.55), (11, 0.62), (12, 0.5)),
    *((14, 0.5), (16, 0.62), (16.5, 0.9), (17.3, 1), (18.5, 0.85), (19.5, 0.55), (22, 0.3), (24, 0.08)),
)
TRAFFIC_WEEKEND: Table = ((0, 0.1), (4, 0.06), (7, 0.35), (10, 0.55), (16, 0.55), (18, 0.7), (21, 0.5), (24, 0.1))
# Fine dust gathers in still mornings and is blown away in the afternoon; relative to the mean of the day.
DUST: Table = ((0, 1.02), (4, 1.1), (7, 1.3), (9, 1.15), (13, 0.8), (16, 0.82), (19, 1.05), (22, 1.08), (24, 1.02))
DUST_BY_MONTH = np.array([1.3, 1.2, 1.1, 1.0, 0.9, 0.8, 0.75, 0.78, 0.85, 0.95, 1.1, 1.3])


def level(table: Table, hour: Floats) -> Floats:
    """Return the level at an hour of the day (0 to 24, with a fraction); outside the table that of its ends."""
    hours, levels = zip(*table, strict=True)
    return np.asarray(np.interp(hour, hours, levels))


def by_weekday(working: Table, free: Table | float, day: Ints, hour: Floats) -> Floats:
    """Return the level of working days or of free days; a number is that share of a working day's level."""
    busy = level(working, hour)
    idle = busy * free if isinstance(free, float) else level(free, hour)
    return np.asarray(np.where(calendar.is_working(day), busy, idle))


def office(day: Ints, hour: Floats) -> Floats:
    """Return the level of offices: nothing on free days, less on Friday afternoon."""
    friday_afternoon = (calendar.weekday(day) == FRIDAY) & (np.asarray(hour) >= 12)
    return np.asarray(by_weekday(OFFICE, 0.0, day, hour) * np.where(friday_afternoon, FRIDAY_AFTERNOON, 1.0))


def dossiers_of_day(day: Ints) -> Floats:
    """Return the dossiers of a day relative to a usual working day.

    There are some online on free days, hardly any in the Tết holidays, and more from June to August (school records)
    and in the month before Tết.
    """
    weekly = np.array([1.12, 1.05, 1.0, 1.0, 0.88, 0.16, 0.14])[calendar.weekday(day)]
    holiday = ~calendar.is_working(day) & (calendar.weekday(day) <= FRIDAY)
    to_tet = calendar.days_to_tet(day)
    in_tet = (calendar.days_to_tet(np.asarray(day) - 5) <= 5) & ~calendar.is_working(day)
    season = np.where(np.isin(calendar.month(day), (6, 7, 8)), 1.25, 1.0) * np.where(
        (to_tet > 2) & (to_tet <= 30), 1.3, 1.0
    )
    usual = np.where(holiday, 0.12, weekly) * season
    return np.asarray(np.where(in_tet, 0.02, usual))


def arrival_hour(table: Table, chance: Floats) -> Floats:
    """Return hours of arrival that follow the table, from uniform `chance` in [0, 1)."""
    hours = np.linspace(0, 24, 24 * 60 + 1)
    share = np.cumsum(np.where((hours < table[0][0]) | (hours > table[-1][0]), 0.0, level(table, hours)))
    return np.asarray(np.interp(chance, share / share[-1], hours))


def less_on_friday(table: Table) -> Table:
    """Return the table with the lower level of a Friday afternoon."""
    return tuple((hour, busy * FRIDAY_AFTERNOON if hour >= 12 else busy) for hour, busy in table)
