"""Simulate the readings of profiles: what each system has sent in an interval of time.

A sampled value is sent at the end of its step; a count is timed at the step's beginning, a state at its end. The figure
of a day, month, quarter or year is timed at noon of the period's last day and sent when it is published.
"""

from datetime import date

import numpy as np

from ioc.demo import calendar, noise
from ioc.demo.calendar import MS_AN_HOUR
from ioc.demo.noise import Floats, Ints
from ioc.demo.places import World
from ioc.demo.world.curves import CURVES, storm_flood, storm_rain
from ioc.demo.world.profile_files import Profile, ReadingProfile
from ioc.demo.world.readings import SUBJECTS, Readings, local, midnight_ms, moment_ms

NOON = 12.0
_MORNING = 9.0
_MORNING_MS = 9 * MS_AN_HOUR
_DAYS_A_YEAR = 365.25
_FIRST_DAY = calendar.day_number(date(2025, 1, 1))
_OUTAGE_MS = 2 * MS_AN_HOUR
_MONTHS = {"month": 1, "quarter": 3, "year": 12}


def readings(world: World, profile: Profile, from_ms: int, to_ms: int, coarse_ms: int = 0) -> Readings:
    """Return the readings sent in (from_ms, to_ms], by measure, then time, then unit or subject.

    With `coarse_ms`, sampled values come in steps of that length instead of their own.
    """
    return sent(world, profile, from_ms, to_ms, coarse_ms)[0]


def sent(world: World, profile: Profile, from_ms: int, to_ms: int, coarse_ms: int = 0) -> tuple[Readings, Ints]:
    """Return the same readings, with the moment (ms) at which each was sent."""
    given = profile.within(world.units[0]).readings
    wanted = [one for one in given if not (coarse_ms and one.recent)]
    made = [_of(world, profile, one, from_ms, to_ms, coarse_ms) for one in wanted]
    if not made:
        return nothing(), np.zeros(0, np.int64)
    return Readings.joined([part for part, _ in made]), np.concatenate([at_ms for _, at_ms in made])


def nothing() -> Readings:
    """Return a table without readings."""
    empty = np.zeros(0, np.int64)
    return Readings(empty, empty, empty, empty, np.zeros(0))


def _of(
    world: World, profile: Profile, one: ReadingProfile, from_ms: int, to_ms: int, coarse_ms: int
) -> tuple[Readings, Ints]:
    unit, position = reporting_units(world, one)
    subject = (
        np.array([SUBJECTS.index(one.subjects[number]) for number in position]) if one.subjects else np.array([-1])
    )
    step_ms = max(coarse_ms, one.step_ms) if one.every else 0
    value: Floats
    if one.values:
        given = [(midnight_ms(world, calendar.day_number(at)) + _MORNING_MS, figure) for at, figure in one.values]
        times = at_ms = np.array([at for at, _ in given if from_ms < at <= to_ms], np.int64)
        figures = np.array([figure for at, figure in given if from_ms < at <= to_ms])
        value = np.broadcast_to(figures[:, None], (len(figures), len(unit)))
    else:
        if one.every:
            begins = _slots(from_ms, to_ms, step_ms)
            at_ms = begins + step_ms
            times = begins if one.counts or one.of_measure else at_ms
        else:
            begins, at_ms = _periods(world, one, from_ms, to_ms)
            times = moment_ms(world, begins, np.full(len(begins), NOON))
        value = _values(world, profile, one, begins[:, None], unit[None, :], position[None, :], step_ms)
    made = Readings.of(one.measure, unit[None, :], times[:, None], value, subject[None, :])
    seen_ms = at_ms.repeat(len(unit))
    there = made.value != 0
    return (made.where(there), seen_ms[there]) if one.sparse else (made, seen_ms)


def reporting_units(world: World, one: ReadingProfile) -> tuple[Ints, Ints]:
    """Return for each unit or subject that gives the measure its index in `World.units`, and its own number."""
    units = {
        "province": np.zeros(1, np.int64),
        "communes": world.communes,
        "towns": world.towns,
        "departments": world.departments,
    }[one.on]
    number = np.arange(len(one.subjects) or len(units), dtype=np.int64)
    return units[number % len(units)], number


def _values(  # noqa: PLR0913  the columns of one table
    world: World, profile: Profile, one: ReadingProfile, begins: Ints, unit: Ints, position: Ints, step_ms: int
) -> Floats:
    """Return values; `begins` are the beginnings of steps in ms, or local days when `step_ms` is 0."""
    if one.of_measure:
        return _share(world, profile, one, begins, unit, position, step_ms)
    seed, what = world.seed, one.measure
    times = begins if step_ms else moment_ms(world, begins, np.full(begins.shape, NOON))
    day, hour = local(world, times)
    if step_ms:
        level = CURVES[one.shape](day, hour)
    else:
        # A day has a figure if the curve is above 0 in its morning.
        level = np.where(CURVES[one.shape](day, np.full(day.shape, _MORNING)) > 0, 1.0, 0.0)
    if one.season:
        level = level * np.array(one.season)[calendar.month(day) - 1]
    size = 1.0 if one.subjects else world.weight(unit)
    own = np.array(one.factors)[position % len(one.factors)] if one.factors else size
    if not one.factors and one.subjects:
        own = 0.9 + 0.2 * noise.uniform(seed, what, position)
    part = step_ms / MS_AN_HOUR if one.counts and step_ms else 1.0
    if one.wander:
        knot = times / (6 * MS_AN_HOUR) if step_ms else day / 5
        level = level * (1 + one.wander * noise.drift(seed, what, knot, position, unit))
    slot = times // max(step_ms, 1000)
    if one.spread:
        level = level * (1 + one.spread * noise.spread(seed, f"{what} shaken", slot, position, unit))
    if one.skew:
        level = level * np.exp(one.skew * noise.spread(seed, f"{what} skew", slot, position, unit))
    value = one.base + one.a_year * _years(day) + one.mean * level * own * part
    if one.storms:
        storm = storm_rain(seed, times) * part if one.counts else storm_flood(seed, times)
        value = value + one.storms * storm * (own if one.factors else 1.0)
    if one.out_share:
        value = np.where(noise.hit(seed, f"{what} out", one.out_share, times // _OUTAGE_MS, position, unit), 0.0, value)
    value = np.clip(value, one.least, one.most)
    if one.counts and one.digits == 0:
        return noise.counts(value, noise.uniform(seed, f"{what} count", slot, position, unit)).astype(np.float64)
    return np.asarray(np.round(value, one.digits))


def _share(  # noqa: PLR0913  the columns of one table
    world: World, profile: Profile, one: ReadingProfile, begins: Ints, unit: Ints, position: Ints, step_ms: int
) -> Floats:
    """Return the share `mean` of another measure's values; never more than these."""
    whole = next(other for other in profile.readings if other.measure == one.of_measure and other.on == one.on)
    of = _values(world, profile, whole, begins, unit, position, step_ms)
    days = local(world, begins)[0] if step_ms else begins
    chance = noise.uniform(world.seed, one.measure, begins // 1000 if step_ms else begins, position, unit)
    share = (one.mean + one.a_year * _years(days)) * (1 + one.spread * (2 * chance - 1))
    part = of * np.clip(share, 0, 1)
    if one.digits == 0:
        return np.minimum(noise.counts(part, chance), of).astype(np.float64)
    return np.asarray(np.round(part, one.digits))


def _years(days: Ints) -> Floats:
    """Return years since the beginning of 2025."""
    return np.asarray((days - _FIRST_DAY) / _DAYS_A_YEAR)


def _slots(from_ms: int, to_ms: int, step_ms: int) -> Ints:
    """Return the beginnings of the steps that end in (from_ms, to_ms]."""
    return np.arange(from_ms // step_ms * step_ms, to_ms - step_ms + 1, step_ms, dtype=np.int64)


def _periods(world: World, one: ReadingProfile, from_ms: int, to_ms: int) -> tuple[Ints, Ints]:
    """Return last local days of the periods whose figure is published in (from_ms, to_ms], and when (ms)."""
    first, last = (int(day) for day in local(world, np.array([from_ms, to_ms]))[0])
    ends, at_ms = [], []
    for day in range(first, last + 1):
        published_ms = midnight_ms(world, day) + one.published_hour * MS_AN_HOUR
        if not from_ms < published_ms <= to_ms:
            continue
        on = calendar.date_of(day)
        if one.period == "day":
            ends.append(day)
            at_ms.append(published_ms)
        elif on.day == one.published_day and (on.month - 1) % _MONTHS[one.period] == 0:
            ends.append(day - one.published_day)
            at_ms.append(published_ms)
    return np.array(ends, np.int64), np.array(at_ms, np.int64)
