"""Petitions of citizens (phản ánh, kiến nghị): about 15 a day in the province, answered within days."""

import json

import numpy as np

from ioc.demo import calendar, noise, shapes
from ioc.demo.noise import Floats, Ints
from ioc.demo.places import World
from ioc.demo.world.cases import NEVER, STEPS, Cases, CaseWords, choose, spread_over_days, working_moment
from ioc.demo.world.readings import local, moment_ms

A_DAY = 15.0
DUE_WORKING_DAYS = 15
LATE, REFUSED, SATISFIED = 0.02, 0.05, 0.88
LONGEST_DAYS = 60
"""No petition stays open longer, in calendar days."""
FIELDS = ("giao thông", "môi trường", "đô thị", "điện, nước", "an ninh trật tự", "thủ tục hành chính")

_FIELD_SHARES = (0.24, 0.22, 0.2, 0.14, 0.1, 0.1)
_ANSWERED = 3


def _attributes() -> tuple[str, ...]:
    """By field × (not asked yet, dissatisfied, satisfied)."""
    return tuple(
        json.dumps({"field": name} | ({} if satisfied is None else {"satisfied": satisfied}), ensure_ascii=False)
        for name in FIELDS
        for satisfied in (None, False, True)
    )


WORDS = CaseWords(
    case_type="petition",
    prefix="PAKN.",
    statuses=("received", "assigned", "processing", "answered", "refused"),
    channels=("app", "hotline", "web"),
    services=("",),
    attributes=_attributes(),
)


def petitions(world: World, first_day: int, last_day: int) -> Cases:
    """All petitions received on local days in [first_day, last_day), by day and commune, with their whole lives."""
    days = np.arange(first_day, last_day, dtype=np.int64)
    busy = np.where(calendar.is_working(days), 1.15, 0.65)
    expected = A_DAY / len(world.communes) * busy[:, None] * world.size[world.communes][None, :]
    chance = noise.uniform(world.seed, "petition count", days[:, None], world.communes[None, :])
    unit, day, number = spread_over_days(noise.counts(expected, chance), world.communes, days)

    def draw(what: str) -> Floats:
        return noise.uniform(world.seed, f"petition {what}", unit, day, number)

    received = moment_ms(world, day, shapes.arrival_hour(shapes.ONLINE, draw("arrival")))
    refused = draw("refused") < REFUSED
    late = (draw("late") < LATE) & ~refused
    taken_day = _taken_day(world, received)
    worked = 1 + np.minimum(np.floor(-0.85 * np.log1p(-draw("worked"))), DUE_WORKING_DAYS - 1).astype(np.int64)
    worked = np.where(refused, np.minimum(worked, 2), worked)
    worked = np.where(late, DUE_WORKING_DAYS + 1 + (draw("overdue") * 10).astype(np.int64), worked)
    closed = working_moment(world, calendar.working_day(taken_day, worked), draw("closing"))
    assigned = received + (600 + draw("assigned") * 3000).astype(np.int64) * 1000
    begun = working_moment(world, taken_day, 0.6 + 0.4 * draw("begun"))
    field = choose(_FIELD_SHARES, draw("field")) * 3
    statuses = np.tile(np.array([0, 1, 2, 2, _ANSWERED], np.int64), (len(unit), 1))
    statuses[:, STEPS - 1] = _ANSWERED + refused
    return Cases(
        words=WORDS,
        unit=unit,
        day=day,
        number=number,
        channel=choose((0.6, 0.25, 0.15), draw("channel")),
        service=np.zeros(len(unit), np.int64),
        attributes=field,
        attributes_closed=field + np.where(refused, 0, 1 + (draw("satisfied") < SATISFIED)),
        due_ms=moment_ms(world, calendar.working_day(taken_day, DUE_WORKING_DAYS), np.full(len(unit), 17.0)),
        step_ms=np.column_stack((received, assigned, begun, np.full(len(unit), NEVER), closed)),
        step_status=statuses,
    )


def _taken_day(world: World, received: Ints) -> Ints:
    """The working day on which an official first looks at it: at once in the morning, else the next one."""
    day, hour = local(world, received)
    return np.asarray(calendar.working_day(np.where(hour < 11, day, day + 1)))
