"""Simulate dossiers at the one-stop shops of communes (20 to 60 per working day) and departments; most are on time."""

import numpy as np

from ioc.demo import calendar, noise, shapes
from ioc.demo.noise import Floats, Ints
from ioc.demo.places import World
from ioc.demo.world.cases import NEVER, Cases, choose, spread_over_days, working_moment
from ioc.demo.world.dossier_words import WORDS, code, handled
from ioc.demo.world.procedures import COMMUNE_PROCEDURES, OFFICE_PROCEDURES, PROCEDURES
from ioc.demo.world.readings import local, moment_ms

A_DAY = 31.0
"""Dossiers of a mean commune on a usual working day."""
OFFICE_A_DAY = 30.0
"""Dossiers of a department that has procedures."""
ONLINE, POST = 0.775, 0.012
LATE = 0.034
SUPPLEMENTED, AGAIN = 0.06, 0.06
MAX_OPEN_DAYS = 80
"""Calendar days after which every dossier is closed."""
PAUSES = (2, 3, 4, 5)
"""Steps at which the clock of a dossier stops and continues."""

_STATUSES = (0, 1, 2, 1, 2, 1, 3)
_OUTCOMES = (0.96, 0.025, 0.015)  # settled, returned, withdrawn
_PAID_ONLINE, _COMPLAINED = 0.62, 0.004
_RATED = (0.7, 0.02, 0.28)  # as RATINGS
_PROMISED = np.array([procedure.promised for procedure in PROCEDURES], np.int64)


def dossiers(world: World, first_day: int, last_day: int) -> Cases:
    """Return all dossiers received on local days in [first_day, last_day), with all their steps.

    They are ordered by day and unit, communes first.
    """
    seed = world.seed
    days = np.arange(first_day, last_day, dtype=np.int64)
    unit, day, number = (np.concatenate(columns) for columns in zip(*_arrivals(world, days), strict=True))

    def draw(what: str) -> Floats:
        return noise.uniform(seed, what, unit, day, number)

    open_office = calendar.is_working(day)
    channel = choose((ONLINE, 1 - ONLINE - POST, POST), draw("channel"))
    channel = np.where(open_office, channel, 0)
    received = moment_ms(world, day, _arrival_hour(day, channel, draw("arrival")))
    service = _service(world, unit, draw("service"))
    online, paid = (channel == 0).astype(np.int64), (draw("paid") < _PAID_ONLINE).astype(np.int64)
    care = 0.88 + 0.12 * noise.uniform(seed, "care", unit)
    complained = (draw("complained") < _COMPLAINED).astype(np.int64)
    begins = code(service, online, paid, handled(draw("handled"), care), complained)
    life = _Life(world, received, _PROMISED[service], draw)
    return Cases(
        words=WORDS,
        unit=unit,
        day=day,
        number=number,
        channel=channel,
        service=service,
        attributes=begins,
        attributes_closed=begins + 1 + choose(_RATED, draw("rating")),
        due_ms=life.due,
        step_ms=np.column_stack(
            (received, life.processing, life.supplement, life.resumed, life.again, life.resumed_again, life.closed)
        ),
        step_status=_step_statuses(draw("outcome")),
    )


def _arrivals(world: World, days: Ints) -> "list[tuple[Ints, Ints, Ints]]":
    """Return unit, day and number of each dossier, of communes and of departments that have procedures."""
    made = []
    for units, a_day in ((world.communes, A_DAY * world.size[world.communes]), _offices(world)):
        expected = np.asarray(a_day)[None, :] * shapes.dossiers_of_day(days)[:, None]
        wobble = 1 + 0.12 * noise.spread(world.seed, "dossiers", days[:, None], units[None, :])
        chance = noise.uniform(world.seed, "dossier count", days[:, None], units[None, :])
        made.append(spread_over_days(noise.counts(expected * wobble, chance), units, days))
    return made


def _offices(world: World) -> tuple[Ints, Floats]:
    """Return the departments with procedures, and their dossiers per day."""
    codes = dict.fromkeys(procedure.office for procedure in OFFICE_PROCEDURES)
    places = np.array([world.units.index(office) for office in codes if office in world.units], np.int64)
    return places, OFFICE_A_DAY * world.size[places]


def _service(world: World, unit: Ints, chance: Floats) -> Ints:
    """Return for each dossier an index in PROCEDURES, among those that its unit has."""
    service = choose(tuple(procedure.share for procedure in COMMUNE_PROCEDURES), chance)
    for unit_index in np.unique(unit[unit > len(world.communes)]).tolist():
        own = [n for n, procedure in enumerate(PROCEDURES) if procedure.office == world.units[unit_index]]
        here = unit == unit_index
        service[here] = np.array(own)[choose(tuple(PROCEDURES[n].share for n in own), chance[here])]
    return service


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
    statuses = np.tile(np.array(_STATUSES, np.int64), (len(chance), 1))
    statuses[:, -1] += choose(_OUTCOMES, chance)
    return statuses


class _Life:
    """The moments in ms at which each dossier is begun, supplemented and closed, and when it is due."""

    def __init__(self, world: World, received: Ints, promised: Ints, draw: "noise.Draw") -> None:
        day, hour = local(world, received)
        in_hours = calendar.is_working(day) & (hour < 16)
        taken_day = np.where(in_hours, day, calendar.working_day(np.where(calendar.is_working(day), day + 1, day)))
        opening = moment_ms(world, taken_day, np.full(len(day), 7.6))
        taken = np.maximum(received, opening)
        # A dossier that arrives in the afternoon is promised for the next day instead of the same one.
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
        twice = supplemented & (draw("again") < AGAIN) & (self.closed - self.resumed > 4 * calendar.MS_AN_HOUR)
        left = (self.closed - self.resumed) // 4
        self.again = np.where(twice, self.resumed + left, NEVER)
        self.resumed_again = np.where(twice, self.resumed + 3 * left, NEVER)


def _minutes(low: int, high: int, chance: Floats) -> Ints:
    """Return a duration in ms, to the second."""
    return np.asarray((low * 60 + chance * (high - low) * 60).astype(np.int64) * 1000)
