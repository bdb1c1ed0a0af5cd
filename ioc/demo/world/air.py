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


def dust(world: World, place: Ints, time_ms: Ints) -> Floats:
    """Return PM2.5 in µg/m³ at stations (numbered from 0) at moments."""
    day, hour = local(world, time_ms)
    days = np.asarray(time_ms) / MS_A_DAY
    seed = world.seed
    weather = 1 + 0.3 * noise.drift(seed, "weather", days / 3) + 0.1 * noise.drift(seed, "gusts", days * 12, place)
    season = shapes.DUST_BY_MONTH[calendar.month(day) - 1]
    standing = 0.85 + 0.3 * noise.uniform(seed, "standing", place)
    shaken = 0.8 * noise.spread(seed, "dust", place, np.asarray(time_ms) // STEP_MS)
    value = MEAN * season * shapes.level(shapes.DUST, hour) * weather * standing + shaken
    return np.asarray(np.round(np.maximum(value, 2.0), 1))


def readings(world: World, from_ms: int, to_ms: int, step_ms: int = STEP_MS) -> Readings:
    """Return PM2.5 and PM10 of stations with power and a right clock, in [from_ms, to_ms), by time, then station."""
    times = slots(from_ms, to_ms, step_ms)[:, None]
    place = np.delete(np.arange(STATIONS, dtype=np.int64), ClockAhead().place)[None, :]
    fine = dust(world, place, times)
    coarse = np.round(fine * (1.5 + 0.2 * noise.drift(world.seed, "coarse", times / (6 * MS_AN_HOUR), place)) + 6, 1)
    has_power = ~LosesPower().is_out(world, place, *local(world, times)).ravel()
    unit = world.station_units()[place]
    return Readings.joined(
        [
            Readings.of("air.pm25", unit, times, fine, place).where(has_power),
            Readings.of("air.pm10", unit, times, coarse, place).where(has_power),
        ]
    )


def with_wrong_clock(world: World, from_ms: int, to_ms: int) -> Readings:
    """Return PM2.5 of the station whose clock is ahead, at its own times."""
    habit = ClockAhead()
    times = slots(from_ms, to_ms, habit.every_ms)
    place = np.full(len(times), habit.place, np.int64)
    own = Readings.of("air.pm25", world.station_units()[place], times, dust(world, place, times), place)
    return habit.shifted(own)
