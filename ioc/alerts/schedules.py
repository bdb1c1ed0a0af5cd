"""Who is on duty."""

from collections.abc import Iterator
from datetime import datetime, timedelta

from ioc.model.routing import DutyPerson, Receiver, Routing, Schedule, Shift


def on_duty(schedule: Schedule, local: datetime) -> tuple[str, ...]:
    """Ids of the people on duty at an aware moment in the province's own time; `otherwise` where nobody is."""
    for exception in reversed(schedule.exceptions):
        if exception.since <= local < exception.until:
            return exception.people
    return people_on_shift(schedule, local) or schedule.otherwise


def people_on_shift(schedule: Schedule, local: datetime) -> tuple[str, ...]:
    """By the shifts alone; empty in hours that none covers."""
    return tuple(dict.fromkeys(person for shift in schedule.shifts if _holds(shift, local) for person in shift.people))


def recipients(routing: Routing, receiver: Receiver, local: datetime) -> Iterator[tuple[str, DutyPerson | None]]:
    """Channels of a receiver at a moment, each with the person behind it when a schedule named one."""
    for channel in receiver.channels:
        yield channel, None
    if receiver.schedule:
        for person_id in on_duty(routing.schedules[receiver.schedule], local):
            person = routing.people[person_id]
            for channel in person.channels:
                yield channel, person


def _holds(shift: Shift, local: datetime) -> bool:
    over_midnight = shift.until <= shift.since
    now = local.time()
    if local.weekday() in shift.weekdays and now >= shift.since and (over_midnight or now < shift.until):
        return True
    began = (local - timedelta(days=1)).weekday()
    return over_midnight and began in shift.weekdays and now < shift.until
