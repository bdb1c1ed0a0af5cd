"""Simulate the documents that communes and departments send over the document exchange (trục liên thông văn bản)."""

import numpy as np

from ioc.demo import noise, shapes
from ioc.demo.calendar import MS_AN_HOUR
from ioc.demo.noise import Floats, Ints
from ioc.demo.places import COUNTING_POINTS, STATIONS, World
from ioc.demo.world.readings import DEPARTMENTS, Readings, local, midnight_ms, slots

STEP_MS = 300_000
AN_HOUR = 11.0
"""Documents that a mean commune sends in a usual morning hour."""
PAPER = 0.03
REFUSED = 0.006
DAY_FILE_HOUR = 17
PROVINCE = 0


def _table(world: World, unit: Ints, times: Ints, expected: Floats, step_ms: int, subject: str | Ints) -> Readings:
    seed, second = world.seed, times // 1000
    key = unit if isinstance(subject, str) else subject
    sent = noise.counts(expected, noise.uniform(seed, "documents", key, second, step_ms))
    paper = noise.counts(sent * PAPER, noise.uniform(seed, "paper", key, second, step_ms))
    electronic = np.maximum(sent - paper, 0)
    refused = noise.counts(electronic * REFUSED, noise.uniform(seed, "refused", key, second, step_ms))
    return Readings.joined(
        [
            Readings.of("document.sent", unit, times, sent, subject),
            Readings.of("document.sent_electronic", unit, times, electronic, subject),
            Readings.of("document.refused", unit, times, refused, subject),
        ]
    )


def of_communes(world: World, from_ms: int, to_ms: int, step_ms: int = STEP_MS) -> Readings:
    """Return the documents of each step and commune, timed at the step's beginning; 0 where none was sent."""
    times = slots(from_ms, to_ms, step_ms)[:, None]
    unit = world.communes[None, :]
    day, hour = local(world, times)
    expected = AN_HOUR * shapes.office(day, hour) * world.size[unit] * step_ms / MS_AN_HOUR
    return _table(world, unit, times, expected, step_ms, "")


def of_departments(world: World, day: int) -> Readings:
    """Return a day of the departments by hour, from 7:00 until the file is written at 17:00."""
    begins = midnight_ms(world, day)
    times = slots(begins + 7 * MS_AN_HOUR, begins + DAY_FILE_HOUR * MS_AN_HOUR, MS_AN_HOUR)[:, None]
    subject = (np.arange(len(DEPARTMENTS), dtype=np.int64) + STATIONS + COUNTING_POINTS)[None, :]
    local_day, hour = local(world, times)
    weight = 0.5 + noise.uniform(world.seed, "department", subject)
    expected = 9 * shapes.office(local_day, hour) * weight
    return _table(world, np.full((1, 1), PROVINCE, np.int64), times, expected, MS_AN_HOUR, subject)
