"""Simulate the cases of profiles: all cases of a type received on some days, with every step until the closing."""

import json
from collections.abc import Iterator
from datetime import date
from functools import cache
from itertools import product

import numpy as np

from ioc.demo import calendar, noise, shapes
from ioc.demo.calendar import MS_A_DAY
from ioc.demo.noise import Draw, Floats, Ints
from ioc.demo.places import World
from ioc.demo.world import curves
from ioc.demo.world.cases import NEVER, CaseCodes, Cases, choose, spread_over_days, working_moment
from ioc.demo.world.profile_files import CaseProfile, ProfileDuration
from ioc.demo.world.readings import local, midnight_ms, moment_ms

_OFFICE_ENDS = 17.0
_WORKING_DAY = calendar.day_number(date(2026, 10, 13))
_SPREAD = 0.6
_MAX_FACTOR = 5
"""No case takes longer than so many times the usual duration."""


def cases(world: World, profile: CaseProfile, first_day: int, last_day: int) -> Cases:
    """Return all cases received on local days in [first_day, last_day), by day and unit, with all their steps."""
    days = np.arange(first_day, last_day, dtype=np.int64)
    units = {"province": np.zeros(1, np.int64), "communes": world.communes, "towns": world.towns}.get(
        profile.on, world.departments
    )
    weight = world.weight(units)
    expected = profile.a_day * _busy(world, profile, days)[:, None] * (weight / weight.sum())[None, :]
    chance = noise.uniform(world.seed, f"{profile.prefix} number", days[:, None], units[None, :])
    unit, day, number = spread_over_days(noise.counts(expected, chance), units, days)

    def draw(what: str) -> Floats:
        return noise.uniform(world.seed, f"{profile.prefix} {what}", unit, day, number)

    received = moment_ms(world, day, _hour(profile, draw("hour")))
    ends = choose(tuple(end.share for end in profile.closing), draw("end"))
    closed, due = _closing(world, profile, received, ends, draw)
    step_ms, step_status = _steps(profile, received, closed, ends, draw)
    words = words_of(profile)
    open_code, closed_code = _codes(profile, draw)
    return Cases(
        words=words,
        unit=unit,
        day=day,
        number=number,
        channel=choose(tuple(share for _, share in profile.channels), draw("channel")),
        service=choose(tuple(share for _, share in profile.services), draw("service")),
        attributes=open_code,
        attributes_closed=closed_code,
        due_ms=due,
        step_ms=step_ms,
        step_status=step_status,
    )


def _busy(world: World, profile: CaseProfile, days: Ints) -> Floats:
    level = np.where(calendar.is_working(days), 1.0, profile.free_days)
    if profile.season:
        level = level * np.array(profile.season)[calendar.month(days) - 1]
    if profile.storms:
        noon = np.array([midnight_ms(world, int(day)) + MS_A_DAY // 2 for day in days], np.int64)
        level = level * (1 + profile.storms * curves.storm_flood(world.seed, noon))
    return np.asarray(level)


def _hour(profile: CaseProfile, chance: Floats) -> Floats:
    """Return hours of arrival by the curve of a working day, also on free days."""
    levels = curves.CURVES[profile.shape](np.full(len(curves.DAY), _WORKING_DAY), curves.DAY)
    table = tuple(zip(curves.DAY.tolist(), np.asarray(levels).tolist(), strict=True))
    return shapes.arrival_hour(table, chance)


def _closing(world: World, profile: CaseProfile, received: Ints, ends: Ints, draw: Draw) -> tuple[Ints, Ints]:
    """Return when each case is closed, and when it was due (NEVER without a due time)."""
    due = _due(world, profile, received)
    late = draw("late") < profile.late
    closed = np.zeros(len(received), np.int64)
    for index, end in enumerate(profile.closing):
        usual = ProfileDuration.parse(end.takes or profile.takes)
        here = ends == index
        if usual.working_days:
            taken = _taken_day(world, received)
            worked = np.floor(-0.85 * usual.working_days * np.log1p(-draw("worked"))).astype(np.int64)
            days = np.minimum(worked, _MAX_FACTOR * usual.working_days)
            own = working_moment(world, calendar.working_day(taken, days), draw("moment"))
        else:
            stretch = np.exp(_SPREAD * (3 * (draw("worked") - 0.5) + 1.5 * (draw("moment") - 0.5)))
            own = received + np.minimum(usual.ms * stretch, _MAX_FACTOR * usual.ms).astype(np.int64)
        closed = np.where(here, own, closed)
    closed = np.maximum(closed, received + 60_000)
    if not profile.due:
        return closed, np.full(len(received), NEVER, np.int64)
    promised = due - received
    in_time = received + (promised * (0.4 + 0.59 * draw("in time"))).astype(np.int64)
    closed = np.where(~late & (closed > due), in_time, closed)
    behind = due + (promised * (0.05 + 0.8 * draw("behind") ** 2)).astype(np.int64) + 60_000
    return np.where(late & (closed <= due), behind, closed), due


def _due(world: World, profile: CaseProfile, received: Ints) -> Ints:
    if not profile.due:
        return np.full(len(received), NEVER, np.int64)
    promised = ProfileDuration.parse(profile.due)
    if not promised.working_days:
        return np.asarray(received + promised.ms)
    day = calendar.working_day(_taken_day(world, received), promised.working_days)
    return moment_ms(world, day, np.full(len(day), _OFFICE_ENDS))


def _taken_day(world: World, received: Ints) -> Ints:
    """Return the working day on which a case is first handled: the same day, or the next one from 15:00 on."""
    day, hour = local(world, received)
    return np.asarray(calendar.working_day(np.where(hour < 15, day, day + 1)))


def _steps(profile: CaseProfile, received: Ints, closed: Ints, ends: Ints, draw: Draw) -> tuple[Ints, Ints]:
    """Return times and statuses, one column per step; steps between are at their part of the case's duration."""
    statuses = words_of(profile).statuses
    columns, names = [received], [np.full(len(received), statuses.index(profile.first_status), np.int64)]
    for number, step in enumerate(profile.steps):
        part = step.part * (0.75 + 0.2499 * draw(f"step {number}"))
        at_ms = received + ((closed - received) * part).astype(np.int64) // 1000 * 1000
        taken = draw(f"step {number} is taken") < step.share
        columns.append(np.where(taken, at_ms, NEVER))
        names.append(np.full(len(received), statuses.index(step.status), np.int64))
    columns.append(closed)
    names.append(np.array([statuses.index(end.status) for end in profile.closing], np.int64)[ends])
    return np.column_stack(columns), np.column_stack(names)


@cache
def words_of(profile: CaseProfile) -> CaseCodes:
    """Return what the codes of the profile's cases stand for."""
    statuses = (profile.first_status, *(s.status for s in profile.steps), *(end.status for end in profile.closing))
    return CaseCodes(
        case_type=profile.case_type,
        prefix=profile.prefix,
        statuses=tuple(dict.fromkeys(statuses)),
        channels=tuple(str(word) for word, _ in profile.channels),
        services=tuple(str(word) for word, _ in profile.services),
        attributes=tuple(_attributes(profile)),
    )


def _attributes(profile: CaseProfile) -> Iterator[str]:
    """Yield the JSON of every combination: joint × independent × (open, then those of the closing)."""
    for joint, _ in profile.joint:
        for chosen in product(*profile.attributes.values()):
            own = {**joint, **{name: word for name, (word, _) in zip(profile.attributes, chosen, strict=True)}}
            yield json.dumps(own, ensure_ascii=False)
            for last in product(*profile.attributes_closed.values()):
                at_end = {name: word for name, (word, _) in zip(profile.attributes_closed, last, strict=True)}
                yield json.dumps({**own, **at_end}, ensure_ascii=False)


def _codes(profile: CaseProfile, draw: Draw) -> tuple[Ints, Ints]:
    """Return indices in the attributes' texts, for open and for closed cases."""
    code = choose(tuple(share for _, share in profile.joint), draw("joint"))
    for name, shares in profile.attributes.items():
        code = code * len(shares) + choose(tuple(share for _, share in shares), draw(f"attribute {name}"))
    at_end = np.zeros(len(code), np.int64)
    endings = 1
    for name, shares in profile.attributes_closed.items():
        at_end = at_end * len(shares) + choose(tuple(share for _, share in shares), draw(f"attribute {name}"))
        endings *= len(shares)
    begins = code * (1 + endings)
    return begins, begins + 1 + at_end
