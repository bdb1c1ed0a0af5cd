"""Simulate petitions of citizens (phản ánh, kiến nghị): about 15 per day in the province, answered within days."""

import json

import numpy as np

from ioc.demo import calendar, noise, shapes
from ioc.demo.noise import Floats, Ints
from ioc.demo.places import World
from ioc.demo.world.cases import NEVER, CaseCodes, Cases, choose, spread_over_days, working_moment
from ioc.demo.world.readings import local, moment_ms

A_DAY = 15.0
DUE_WORKING_DAYS = 15
LATE, REFUSED, SATISFIED = 0.02, 0.05, 0.88
MAX_OPEN_DAYS = 60
"""Calendar days after which every petition is closed."""
FIELDS = ("giao thông", "môi trường", "đô thị", "điện, nước", "an ninh trật tự", "thủ tục hành chính")

_FIELD_SHARES = (0.24, 0.22, 0.2, 0.14, 0.1, 0.1)
MORE_ASKED, PUBLISHED_LATE = 0.08, 0.05
PAUSES = (3, 4)
"""Steps at which the clock of a petition stops and continues."""
_STATUSES = (0, 1, 2, 3, 2, 4, 5)
_CLOSING = 5
_REFUSED = 6
_ASKED_IN = (1, 2, 4, 6)
_ASKED_IN_SHARES = (0.45, 0.35, 0.16, 0.04)


def _attributes() -> tuple[str, ...]:
    """Return the JSON by field × working days until more was requested (or never) × (no rating, bad, good)."""
    return tuple(
        json.dumps(
            {"field": name}
            | ({} if asked is None else {"asked_in_days": asked})
            | ({} if satisfied is None else {"satisfied": satisfied}),
            ensure_ascii=False,
        )
        for name in FIELDS
        for asked in (None, *_ASKED_IN)
        for satisfied in (None, False, True)
    )


WORDS = CaseCodes(
    case_type="petition",
    prefix="PAKN.",
    statuses=("received", "assigned", "processing", "more_asked", "answered", "published", "refused"),
    channels=("app", "hotline", "web"),
    services=("",),
    attributes=_attributes(),
    after_closing=1,
)


def petitions(world: World, first_day: int, last_day: int) -> Cases:
    """Return all petitions received on local days in [first_day, last_day), by day and commune, with all steps."""
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
    asked_place = choose(_ASKED_IN_SHARES, draw("asked in"))
    asked_days = np.array(_ASKED_IN)[asked_place]
    asked_for = (draw("asked") < MORE_ASKED) & ~refused
    worked = np.where(asked_for, np.maximum(worked, asked_days + 3), worked)
    closed = working_moment(world, calendar.working_day(taken_day, worked), draw("closing"))
    assigned = received + (600 + draw("assigned") * 3000).astype(np.int64) * 1000
    begun = working_moment(world, taken_day, 0.6 + 0.4 * draw("begun"))
    asked = np.where(
        asked_for, working_moment(world, calendar.working_day(taken_day, asked_days), draw("asking")), NEVER
    )
    brought = np.where(asked_for, asked + (closed - asked) * 6 // 10, NEVER)
    publishing = calendar.working_day(local(world, closed)[0], np.where(draw("published late") < PUBLISHED_LATE, 4, 1))
    published = np.where(refused, NEVER, working_moment(world, publishing, draw("publishing")))
    field = (choose(_FIELD_SHARES, draw("field")) * (1 + len(_ASKED_IN)) + np.where(asked_for, 1 + asked_place, 0)) * 3
    statuses = np.tile(np.array(_STATUSES, np.int64), (len(unit), 1))
    statuses[:, _CLOSING] = np.where(refused, _REFUSED, statuses[:, _CLOSING])
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
        step_ms=np.column_stack((received, assigned, begun, asked, brought, closed, published)),
        step_status=statuses,
    )


def _taken_day(world: World, received: Ints) -> Ints:
    """Return the working day on which a petition is first handled: the same one in the morning, else the next."""
    day, hour = local(world, received)
    return np.asarray(calendar.working_day(np.where(hour < 11, day, day + 1)))
