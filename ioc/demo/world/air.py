"""Simulate fine dust at the air-quality stations, every 10 s; a coarser step samples the same series."""

import numpy as np

from ioc.demo import calendar, noise, shapes
from ioc.demo.calendar import MS_A_DAY, MS_AN_HOUR
from ioc.demo.habits import ClockAhead, LosesPower
from ioc.demo.noise import Floats, Ints
from ioc.demo.places import STATIONS, World
from ioc.demo.world.readings import Readings, local, slots

STEP_MS = 10_000
MEAN = 26.0
"""µg/m³ of PM2.5 over the year."""


def dust(world: World, station_index: Ints, time_ms: Ints) -> Floats:
    """Return PM2.5 in µg/m³ at stations (numbered from 0) at moments."""
    day, hour = local(world, time_ms)
    days = np.asarray(time_ms) / MS_A_DAY
    seed = world.seed
    weather = (
        1 + 0.3 * noise.drift(seed, "weather", days / 3) + 0.1 * noise.drift(seed, "gusts", days * 12, station_index)
    )
    season = shapes.DUST_BY_MONTH[calendar.month(day) - 1]
    standing = 0.85 + 0.3 * noise.uniform(seed, "standing", station_index)
    shaken = 0.8 * noise.spread(seed, "dust", station_index, np.asarray(time_ms) // STEP_MS)
    value = MEAN * season * shapes.level(shapes.DUST, hour) * weather * standing + shaken
    return np.asarray(np.round(np.maximum(value, 2.0), 1))


def readings(world: World, from_ms: int, to_ms: int, step_ms: int = STEP_MS) -> Readings:
    """Return PM2.5 and PM10 of stations with power and a right clock, in [from_ms, to_ms), by time, then station."""
    times = slots(from_ms, to_ms, step_ms)[:, None]
    station_index = np.delete(np.arange(STATIONS, dtype=np.int64), ClockAhead().station_index)[None, :]
    fine = dust(world, station_index, times)
    coarse = np.round(
        fine * (1.5 + 0.2 * noise.drift(world.seed, "coarse", times / (6 * MS_AN_HOUR), station_index)) + 6, 1
    )
    has_power = ~LosesPower().is_out(world, station_index, *local(world, times)).ravel()
    unit = world.station_units()[station_index]
    return Readings.joined(
        [
            Readings.of("air.pm25", unit, times, fine, station_index).where(has_power),
            Readings.of("air.pm10", unit, times, coarse, station_index).where(has_power),
        ]
    )


def with_wrong_clock(world: World, from_ms: int, to_ms: int) -> Readings:
    """Return PM2.5 of the station whose clock is ahead, at its own times."""
    habit = ClockAhead()
    times = slots(from_ms, to_ms, habit.every_ms)
    station_index = np.full(len(times), habit.station_index, np.int64)
    own = Readings.of(
        "air.pm25", world.station_units()[station_index], times, dust(world, station_index, times), station_index
    )
    return habit.shifted(own)
