"""Simulate transactions through the integration platform (LGSP), with failures and response times, by commune."""

import numpy as np

from ioc.demo import noise, shapes
from ioc.demo.noise import Floats, Ints
from ioc.demo.places import World
from ioc.demo.world.readings import Readings, local, slots

STEP_MS = 5_000
A_MINUTE = 1180.0
"""Transactions per minute of the whole province on a usual morning."""
FAILING = 0.005
INCIDENT = 0.062
MEDIAN_MS = 190.0


def expected(world: World, time_ms: Ints) -> Floats:
    """Return the expected transactions per minute of the province."""
    day, hour = local(world, time_ms)
    wander = 1 + 0.1 * noise.drift(world.seed, "platform", np.asarray(time_ms) / 1_800_000)
    return np.asarray(A_MINUTE * shapes.by_weekday(shapes.LGSP, shapes.LGSP_WEEKEND, day, hour) * wander)


def _failing(world: World, unit: Ints, time_ms: Ints) -> Floats:
    """Return the share of failing transactions: sometimes a commune's gateway fails for an hour."""
    day, hour = local(world, time_ms)
    begins = 7 + 11 * noise.uniform(world.seed, "gateway hour", day, unit)
    trouble = noise.hit(world.seed, "gateway", 0.02, day, unit) & (hour >= begins) & (hour < begins + 1)
    return np.asarray(np.where(trouble, INCIDENT, FAILING))


def latency(world: World, unit: Ints, time_ms: Ints, sample: Ints | int) -> Floats:
    """Return response times in ms: lognormal, and slower when the platform is busy."""
    busy = expected(world, time_ms) / A_MINUTE
    usual = MEDIAN_MS * (1 + 0.5 * busy)
    return np.asarray(np.round(usual * np.exp(0.75 * noise.spread(world.seed, "latency", unit, time_ms, sample)), 1))


def readings(world: World, from_ms: int, to_ms: int, step_ms: int = STEP_MS, samples: int = 8) -> Readings:
    """Return per step the transactions and failures of each commune, and a response time of `samples` communes.

    Zeros are included, so that a commune without transactions differs from one that does not report.
    """
    times = slots(from_ms, to_ms, step_ms)[:, None]
    unit = world.communes[None, :]
    rate = expected(world, times) * world.size[unit] / len(world.communes)
    chance = noise.uniform(world.seed, "transactions", unit, times // 1000, step_ms)
    transactions = noise.counts(rate * step_ms / 60_000, chance)
    unlucky = noise.uniform(world.seed, "failures", unit, times // 1000, step_ms)
    failures = np.minimum(noise.counts(transactions * _failing(world, unit, times), unlucky), transactions)
    turn = times // step_ms * samples + np.arange(samples, dtype=np.int64)[None, :]
    sampled = world.communes[turn % len(world.communes)]
    return Readings.joined(
        [
            Readings.of("lgsp.transactions", unit, times, transactions),
            Readings.of("lgsp.failures", unit, times, failures),
            Readings.of("lgsp.latency", sampled, times, latency(world, sampled, times, turn)),
        ]
    )
