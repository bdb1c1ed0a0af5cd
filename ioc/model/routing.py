"""Who is told of an alert: a tree of routes, receivers, people, and their duty."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, time, timedelta

from ioc.model.matcher import Matchers

ALL_LABELS = "..."
"""In `group_by`: every alert is a group of its own."""


@dataclass(frozen=True, slots=True)
class EscalationStep:
    """When nobody has acknowledged an alert `after` it fired, these receivers are told too."""

    after: timedelta
    receivers: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Route:
    """An alert goes to the first of `routes` that it matches, and to the next ones too while `goes_on`; if it matches
    none, it stays here. Alerts with the same values of `group_by` are told together: the first time `group_wait` after
    the first one, then at most every `group_interval`; what nobody has acknowledged again every `repeat_interval`.

    What a route does not say it has from the one above. Only the root has no matchers.
    """

    id: str
    matchers: Matchers
    receivers: tuple[str, ...]
    group_by: tuple[str, ...]
    group_wait: timedelta
    group_interval: timedelta
    repeat_interval: timedelta
    escalation: tuple[EscalationStep, ...] = ()
    goes_on: bool = False
    routes: tuple["Route", ...] = ()


@dataclass(frozen=True, slots=True)
class Receiver:
    """Fixed `channels` (ids of the channels that a shell can send to), or the people whom `schedule` has on duty."""

    id: str
    name: dict[str, str]
    channels: tuple[str, ...] = ()
    schedule: str = ""
    template: str = ""
    language: str = "vi"


@dataclass(frozen=True, slots=True)
class Person:
    id: str
    name: str
    channels: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Shift:
    """Part of each of these weekdays (0: Monday), half-open, in the province's zone; over midnight when `until` is not
    after `since`, and then it belongs to the day on which it began."""

    weekdays: frozenset[int]
    since: time
    until: time
    people: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ScheduleException:
    """In [since, until), aware times, these people are on duty and nobody else."""

    since: datetime
    until: datetime
    people: tuple[str, ...]
    why: str


@dataclass(frozen=True, slots=True)
class Schedule:
    """Exceptions go before shifts; of several exceptions the last holds. Where no shift holds, `otherwise`."""

    id: str
    name: dict[str, str]
    shifts: tuple[Shift, ...]
    otherwise: tuple[str, ...] = ()
    exceptions: tuple[ScheduleException, ...] = ()


@dataclass(frozen=True, slots=True)
class Inhibition:
    """While an alert that `source` means has fired, those that `target` means make no noise where they agree in all of
    `equal`. A label of `equal` must be there, not empty, on both sides."""

    id: str
    source: Matchers
    target: Matchers
    equal: tuple[str, ...] = ()


@dataclass(frozen=True)
class Routing:
    """All that says who is told, by id; checked by `ioc.catalog.load_routing`."""

    root: Route
    receivers: Mapping[str, Receiver]
    people: Mapping[str, Person] = field(default_factory=dict)
    schedules: Mapping[str, Schedule] = field(default_factory=dict)

    def route(self, route_id: str) -> Route | None:
        """Return None for a route that no longer exists."""
        waiting = [self.root]
        while waiting:
            route = waiting.pop()
            if route.id == route_id:
                return route
            waiting.extend(route.routes)
        return None
