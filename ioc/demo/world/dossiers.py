"""Dossiers at the communes' one-stop shops: 20 to 60 a working day and commune, most settled on time."""

import json

import numpy as np

from ioc.demo import calendar, noise, shapes
from ioc.demo.noise import Floats, Ints
from ioc.demo.places import World
from ioc.demo.world.cases import (
    NEVER,
    STEPS,
    Cases,
    CaseWords,
    choose,
    spread_over_days,
    working_moment,
)
from ioc.demo.world.procedures import PROCEDURES
from ioc.demo.world.readings import local, moment_ms

A_DAY = 31.0
"""Dossiers of a mean commune on a usual working day."""
ONLINE, POST = 0.775, 0.012
LATE = 0.034
SUPPLEMENTED = 0.06
LONGEST_DAYS = 80
"""No dossier stays open longer, in calendar days."""

_OUTCOMES = (0.96, 0.025, 0.015)  # settled, returned, withdrawn
_SETTLED = 3
_PAID_ONLINE, _DIGITISED = 0.62, 0.83
_PROMISED = np.array([procedure.promised for procedure in PROCEDURES], np.int64)


def _attributes() -> tuple[str, ...]:
    """By procedure × online × paid online × digitised."""
    return tuple(
        json.dumps(
            {
                "level": "full" if procedure.fully_online else "partial",
                "fee": procedure.fee,
                "paid_online": bool(paid and procedure.fee and online),
                "digitised": bool(digitised or online),
                "department": procedure.department,
            },
            ensure_ascii=False,
        )
        for procedure in PROCEDURES
        for online in (False, True)
        for paid in (False, True)
        for digitised in (False, True)
    )


WORDS = CaseWords(
    case_type="dossier",
    prefix="H57.",
    statuses=("received", "processing", "supplement", "settled", "returned", "withdrawn"),
    channels=("online", "counter", "post"),
    services=tuple(procedure.code for procedure in PROCEDURES),
    attributes=_attributes(),
)


def dossiers(world: World, first_day: int, last_day: int) -> Cases:
    """All dossiers received on local days in [first_day, last_day), by day and commune, with their whole lives."""
    seed = world.seed
    days = np.arange(first_day, last_day, dtype=np.int64)
    expected = A_DAY * shapes.dossiers_of_day(days)[:, None] * world.size[world.communes][None, :]
    wobble = 1 + 0.12 * noise.spread(seed, "dossiers", days[:, None], world.communes[None, :])
    chance = noise.uniform(seed, "dossier count", days[:, None], world.communes[None, :])
    unit, day, number = spread_over_days(noise.counts(expected * wobble, chance), world.communes, days)

    def draw(what: str) -> Floats:
        return noise.uniform(seed, what, unit, day, number)

    open_office = calendar.is_working(day)
    channel = choose((ONLINE, 1 - ONLINE - POST, POST), draw("channel"))
    channel = np.where(open_office, channel, 0)
    received = moment_ms(world, day, _arrival_hour(day, channel, draw("arrival")))
    service = choose(tuple(procedure.share for procedure in PROCEDURES), draw("service"))
    code = ((service * 2 + (channel == 0)) * 2 + (draw("paid") < _PAID_ONLINE)) * 2 + (draw("digitised") < _DIGITISED)
    life = _Life(world, received, _PROMISED[service], draw)
    return Cases(
        words=WORDS,
        unit=unit,
        day=day,
        number=number,
        channel=channel,
        service=service,
        attributes=code,
        attributes_closed=code,
        due_ms=life.due,
        step_ms=np.column_stack((received, life.processing, life.supplement, life.resumed, life.closed)),
        step_status=_step_statuses(draw("outcome")),
    )


def _arrival_hour(day: Ints, channel: Ints, chance: Floats) -> Floats:
    friday = calendar.weekday(day) == shapes.FRIDAY
    hours = np.zeros(len(day))
    for of_friday in (False, True):
        for is_online, table in ((True, shapes.ONLINE), (False, shapes.COUNTER)):
            chosen = (friday == of_friday) & ((channel == 0) == is_online)
            followed = shapes.less_on_friday(table) if of_friday else table
            hours[chosen] = shapes.arrival_hour(followed, chance[chosen])
    return hours


def _step_statuses(chance: Floats) -> Ints:
    statuses = np.tile(np.array([0, 1, 2, 1, _SETTLED], np.int64), (len(chance), 1))
    statuses[:, STEPS - 1] = _SETTLED + choose(_OUTCOMES, chance)
    return statuses


class _Life:
    """When each dossier is taken up, supplemented, and closed, in ms, and when it is due."""

    def __init__(self, world: World, received: Ints, promised: Ints, draw: "noise.Draw") -> None:
        day, hour = local(world, received)
        in_hours = calendar.is_working(day) & (hour < 16)
        taken_day = np.where(in_hours, day, calendar.working_day(np.where(calendar.is_working(day), day + 1, day)))
        opening = moment_ms(world, taken_day, np.full(len(day), 7.6))
        taken = np.maximum(received, opening)
        # What comes in the afternoon is promised for the next day, not for the same one.
        days_given = np.where((promised == 0) & in_hours & (hour >= 14.5), 1, promised)
        self.due = moment_ms(world, calendar.working_day(taken_day, days_given), np.full(len(day), 17.0))

        late = draw("late") < LATE
        overdue = 1 + np.minimum(np.floor(-4.5 * np.log1p(-draw("overdue"))), 20).astype(np.int64)
        worked = np.floor(draw("worked") ** 0.8 * (days_given + 0.999)).astype(np.int64)
        worked = np.where(late, days_given + overdue, np.minimum(worked, days_given))
        closing_day = calendar.working_day(taken_day, worked)
        same_day = taken + (_minutes(10, 75, draw("at once")))
        self.closed = np.where(worked == 0, same_day, working_moment(world, closing_day, draw("closing")))
        begun = taken + _minutes(5, 45, draw("taken up"))
        self.processing = np.where(worked == 0, taken + (same_day - taken) // 3, begun)

        supplemented = (worked >= 3) & (draw("supplement") < SUPPLEMENTED * 2)
        asked_day = calendar.working_day(taken_day, np.maximum(worked // 3, 1))
        brought_day = calendar.working_day(taken_day, np.maximum(worked // 3 + 1, worked * 2 // 3))
        self.supplement = np.where(supplemented, working_moment(world, asked_day, draw("asked")), NEVER)
        self.resumed = np.where(supplemented, working_moment(world, brought_day, draw("brought")), NEVER)


def _minutes(least: int, most: int, chance: Floats) -> Ints:
    """In ms, to the second."""
    return np.asarray((least * 60 + chance * (most - least) * 60).astype(np.int64) * 1000)
