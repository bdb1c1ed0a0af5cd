"""Routing of notifications: a tree of routes, receivers, people and duty schedules."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, time, timedelta

from ioc.model.matcher import Matchers

ALL_LABELS = "..."
"""In `group_by`: every alert is its own group."""


@dataclass(frozen=True, slots=True)
class EscalationStep:
    """Receivers that are also notified when nobody has acknowledged an alert `after` it fired."""

    after: timedelta
    receivers: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Route:
    """A node of the tree of routes.

    An alert goes to the first of `routes` that it matches, and on to the next ones while `goes_on`; if it matches none,
    it stays at this route. Alerts with the same values of `group_by` are notified together: first `group_wait` after
    the first of them, then at most every `group_interval`; unacknowledged alerts again every `repeat_interval`. A
    setting that a route does not have comes from its parent. Only the root has no matchers.
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
    """A receiver of notifications: fixed `channels` (ids of configured channes) or the people on duty by `schedule`."""

    id: str
    name: dict[str, str]
    channels: tuple[str, ...] = ()
    schedule: str = ""
    template: str = ""
    language: str = "vi"


@dataclass(frozen=True, slots=True)
class DutyPerson:
    """Somebody who can be on duty, and the channels that reach them."""

    id: str
    name: str
    channels: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Shift:
    """A part of each of these weekdays (0: Monday), half-open, in the province's zone.

    It goes over midnight when `until` is not after `since`, and then belongs to the day on which it begins.
    """

    weekdays: frozenset[int]
    since: time
    until: time
    people: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ScheduleException:
    """In [since, until), aware times, only these people are on duty."""

    since: datetime
    until: datetime
    people: tuple[str, ...]
    why: str


@dataclass(frozen=True, slots=True)
class Schedule:
    """A duty schedule.

    Exceptions override shifts, the last exception overrides the others; `otherwise` is on duty where no shift applies.
    """

    id: str
    name: dict[str, str]
    shifts: tuple[Shift, ...]
    otherwise: tuple[str, ...] = ()
    exceptions: tuple[ScheduleException, ...] = ()


@dataclass(frozen=True, slots=True)
class Inhibition:
    """While an alert that `source` matches is firing, alerts that `target` matches are quiet.

    Both must agree in all labels of `equal`, which must be present and not empty on both sides.
    """

    id: str
    source: Matchers
    target: Matchers
    equal: tuple[str, ...] = ()


@dataclass(frozen=True)
class Routing:
    """The whole configuration of routing, by id; checked by `ioc.catalog.load_routing`."""

    root: Route
    receivers: Mapping[str, Receiver]
    people: Mapping[str, DutyPerson] = field(default_factory=dict)
    schedules: Mapping[str, Schedule] = field(default_factory=dict)

    def route(self, route_id: str) -> Route | None:
        """Return the route with an id; None when it no longer exists."""
        waiting = [self.root]
        while waiting:
            route = waiting.pop()
            if route.id == route_id:
                return route
            waiting.extend(route.routes)
        return None
