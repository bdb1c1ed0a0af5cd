"""Read people and their duty schedules from the tables of the routing file."""

from collections.abc import Collection, Mapping
from datetime import datetime, time

from ioc.catalog.rules import read_clock, read_weekdays
from ioc.catalog.toml_table import TomlTable, closest
from ioc.messages import Message
from ioc.model.routing import DutyPerson, Schedule, ScheduleException, Shift

WEEK = frozenset(range(7))


def read_people(row: TomlTable, channels: Collection[str] | None) -> dict[str, DutyPerson]:
    """Read the tables `person`, by id."""
    people: dict[str, DutyPerson] = {}
    for inner in row.tables("person"):
        person = DutyPerson(inner.identifier(), inner.text("name"), inner.texts("channels", required=True))
        check_channels(inner, person.channels, channels)
        if person.id in people:
            inner.fault("id", Message("person_twice", given=person.id))
        people[person.id] = person
        inner.finish()
    return people


def read_schedules(row: TomlTable, people: Mapping[str, DutyPerson]) -> dict[str, Schedule]:
    """Read the tables `schedule`, by id. Hours with nobody on duty are a fault, unless `otherwise` names somebody."""
    schedules: dict[str, Schedule] = {}
    for inner in row.tables("schedule"):
        schedule = Schedule(
            id=inner.identifier(),
            name=inner.names("name"),
            shifts=tuple(_shift(one, people) for one in inner.tables("shift")),
            otherwise=inner.texts("otherwise", required=False),
            exceptions=tuple(found for one in inner.tables("exception") if (found := _exception(one, people))),
        )
        _known(inner, "otherwise", schedule.otherwise, people)
        if not schedule.otherwise and not _covers_the_week(schedule):
            inner.fault("otherwise", Message("hours_without_anybody"))
        schedules[schedule.id] = schedule
        inner.finish(["shift", "exception"])
    return schedules


def check_channels(row: TomlTable, named: Collection[str], channels: Collection[str] | None) -> None:
    """Note a fault for each channel that is not configured; None accepts any."""
    for channel in named:
        if channels is not None and channel not in channels:
            row.fault("channels", Message("unknown_channel", given=channel, nearest=closest(channel, channels)))


def read_moment(row: TomlTable, field: str) -> datetime | None:
    """Read an aware time, as RFC 3339 text or as a time of TOML; None when it is faulty."""
    given = row.data.get(field)
    row.skip(field)
    try:
        found = given if isinstance(given, datetime) else datetime.fromisoformat(str(given))
    except ValueError:
        row.fault(field, Message("no_time", given=given))
        return None
    if found.tzinfo is None:
        row.fault(field, Message("no_zone", given=given))
        return None
    return found


def _shift(row: TomlTable, people: Mapping[str, DutyPerson]) -> Shift:
    """Read a shift: without `days` every day, without `since` and `until` the whole day."""
    weekdays = read_weekdays(row) if row.has("days") else WEEK
    since, until = read_clock(row, "since") or time(), read_clock(row, "until") or time()
    named = row.texts("people", required=True)
    _known(row, "people", named, people)
    row.finish()
    return Shift(weekdays, since, until, named)


def _exception(row: TomlTable, people: Mapping[str, DutyPerson]) -> ScheduleException | None:
    since, until = read_moment(row, "since"), read_moment(row, "until")
    named, why = row.texts("people", required=True), row.text("why")
    _known(row, "people", named, people)
    row.finish()
    if since is None or until is None:
        return None
    if until <= since:
        row.fault("until", Message("ends_before"))
        return None
    return ScheduleException(since, until, named, why)


def _known(row: TomlTable, field: str, named: Collection[str], people: Mapping[str, DutyPerson]) -> None:
    for name in named:
        if name not in people:
            row.fault(field, Message("unknown_person", given=name, nearest=closest(name, people)))


def _covers_the_week(schedule: Schedule) -> bool:
    """Whether somebody is on duty in every minute of the week."""
    covered = bytearray(7 * 1440)
    for shift in schedule.shifts:
        start = shift.since.hour * 60 + shift.since.minute
        length = (shift.until.hour * 60 + shift.until.minute - start) % 1440 or 1440
        for weekday in shift.weekdays:
            for minute in range(weekday * 1440 + start, weekday * 1440 + start + length):
                covered[minute % len(covered)] = 1
    return all(covered)
