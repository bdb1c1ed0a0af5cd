"""Simulate vehicles and their speed at the counting points."""

import numpy as np

from ioc.demo import noise, shapes
from ioc.demo.calendar import MS_AN_HOUR
from ioc.demo.noise import Floats
from ioc.demo.places import COUNTING_POINTS, STATIONS, World
from ioc.demo.world.readings import Readings, local, slots

STEP_MS = 10_000
FREE_SPEED = 41.0
"""km/h on an empty urban road."""


def _crowd(world: World, times: np.ndarray, number: np.ndarray) -> Floats:
    """Return how busy each road is, as a share of its busiest hour, in (0, 1.2)."""
    day, hour = local(world, times)
    usual = shapes.by_weekday(shapes.TRAFFIC, shapes.TRAFFIC_WEEKEND, day, hour)
    return np.asarray(usual * (1 + 0.12 * noise.drift(world.seed, "crowd", times / MS_AN_HOUR * 4, number)))


def readings(world: World, from_ms: int, to_ms: int, step_ms: int = STEP_MS) -> Readings:
    """Return vehicles per step and their mean speed at all points, timed at the step's beginning."""
    times = slots(from_ms, to_ms, step_ms)[:, None]
    number = np.arange(COUNTING_POINTS, dtype=np.int64)[None, :]
    crowd = _crowd(world, times, number)
    busiest = 500 + 1500 * noise.uniform(world.seed, "road", number)
    vehicles = noise.counts(
        busiest * crowd * step_ms / MS_AN_HOUR, noise.uniform(world.seed, "vehicles", number, times // 1000, step_ms)
    )
    shaken = 2.2 * noise.spread(world.seed, "speed", number, times // STEP_MS)
    own = 3 * (noise.uniform(world.seed, "road", number) - 0.5)
    speed = np.asarray(np.round(np.maximum(FREE_SPEED + own - 14 * crowd + shaken, 6), 1), np.float64)
    unit = world.counting_point_units()[None, :]
    subject = number + STATIONS
    return Readings.joined(
        [
            Readings.of("traffic.vehicles", unit, times, vehicles, subject),
            Readings.of("traffic.speed", unit, times, speed, subject),
        ]
    )
