"""Find who is on duty at a moment, and the channels that reach a receiver then."""

from collections.abc import Iterator
from datetime import datetime, timedelta

from ioc.model.routing import DutyPerson, Receiver, Routing, Schedule, Shift


def on_duty(schedule: Schedule, local: datetime) -> tuple[str, ...]:
    """Return the ids of the people on duty at `local` (aware, in the province's zone), else the stand-ins."""
    for exception in reversed(schedule.exceptions):
        if exception.since <= local < exception.until:
            return exception.people
    return people_on_shift(schedule, local) or schedule.otherwise


def people_on_shift(schedule: Schedule, local: datetime) -> tuple[str, ...]:
    """Return the ids of the people whose shift includes `local`, without exceptions; empty where no shift does."""
    return tuple(
        dict.fromkeys(person for shift in schedule.shifts if _includes(shift, local) for person in shift.people)
    )


def recipients(routing: Routing, receiver: Receiver, local: datetime) -> Iterator[tuple[str, DutyPerson | None]]:
    """Yield the channels of a receiver at `local`, each with the person behind it when a schedule names one."""
    for channel in receiver.channels:
        yield channel, None
    if receiver.schedule:
        for person_id in on_duty(routing.schedules[receiver.schedule], local):
            person = routing.people[person_id]
            for channel in person.channels:
                yield channel, person


def _includes(shift: Shift, local: datetime) -> bool:
    over_midnight = shift.until <= shift.since
    now = local.time()
    if local.weekday() in shift.weekdays and now >= shift.since and (over_midnight or now < shift.until):
        return True
    began = (local - timedelta(days=1)).weekday()
    return over_midnight and began in shift.weekdays and now < shift.until
