"""Fine dust at the province's air-quality stations, every 10 s; a coarser step is a sample of the same series."""

import numpy as np

from ioc.demo import calendar, noise, shapes
from ioc.demo.noise import Floats, Ints
from ioc.demo.places import STATIONS, World
from ioc.demo.world.readings import MS_AN_HOUR, Readings, local, slots

STEP_MS = 10_000
MEAN = 25.0
"""µg/m³ of PM2.5 over the year."""
OFTEN_OUT = 4
"""The station (AQ-05) whose power fails for an hour every other day."""
WRONG_CLOCK = STATIONS - 1
"""The station (AQ-11) whose clock runs ahead: nothing of it is ever counted, so its true readings are not given."""


def dust(world: World, number: Ints, time_ms: Ints) -> Floats:
    """PM2.5 in µg/m³ of station `number` (0 first) at a moment."""
    day, hour = local(world, time_ms)
    days = np.asarray(time_ms) / calendar.MS_A_DAY
    seed = world.seed
    weather = 1 + 0.3 * noise.drift(seed, "weather", days / 3) + 0.1 * noise.drift(seed, "gusts", days * 12, number)
    season = shapes.DUST_BY_MONTH[calendar.month(day) - 1]
    standing = 0.85 + 0.3 * noise.uniform(seed, "standing", number)
    shaken = 0.8 * noise.spread(seed, "dust", number, np.asarray(time_ms) // STEP_MS)
    value = MEAN * season * shapes.level(shapes.DUST, hour) * weather * standing + shaken
    return np.asarray(np.round(np.maximum(value, 2.0), 1))


def is_out(world: World, number: Ints, time_ms: Ints) -> np.ndarray:
    """True while the station has no power."""
    day, hour = local(world, time_ms)
    begins = 6 + 14 * noise.uniform(world.seed, "power cut", day)
    cut = noise.hit(world.seed, "power cut day", 0.5, day) & (hour >= begins) & (hour < begins + 1)
    return np.asarray((np.asarray(number) == OFTEN_OUT) & cut)


def readings(world: World, from_ms: int, to_ms: int, step_ms: int = STEP_MS) -> Readings:
    """PM2.5 and PM10 of all stations that have power and a clock, in [from_ms, to_ms), by time, then station."""
    times = slots(from_ms, to_ms, step_ms)[:, None]
    number = np.arange(WRONG_CLOCK, dtype=np.int64)[None, :]
    fine = dust(world, number, times)
    coarse = np.round(fine * (1.5 + 0.2 * noise.drift(world.seed, "coarse", times / (6 * MS_AN_HOUR), number)) + 6, 1)
    has_power = ~is_out(world, number, times).ravel()
    unit = world.station_units()[number]
    return Readings.joined(
        [
            Readings.of("air.pm25", unit, times, fine, number).where(has_power),
            Readings.of("air.pm10", unit, times, coarse, number).where(has_power),
        ]
    )
