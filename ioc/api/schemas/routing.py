"""Routes of notifications, duty schedules and the route tester as JSON. Durations are in seconds."""

from typing import Any

from typing_extensions import TypedDict

from ioc.alerts.duty_roster import DutyPeriod
from ioc.alerts.records import to_record
from ioc.api.schemas.alerts import ReasonShape
from ioc.api.schemas.problems import ErrorShape
from ioc.api.schemas.rules import RecipientShape
from ioc.catalog.routing import AlertRouting
from ioc.clock import rfc3339


class EscalationStepShape(TypedDict):
    """Receivers that are notified too when nobody has acknowledged an alert `after` it fired."""

    after: float
    receivers: list[str]


class RouteShape(TypedDict):
    """A route with its children (`routes`).

    An alert continues to the first child that matches it, and to the next ones while `goes_on`.
    """

    id: str
    matchers: list[str]
    receivers: list[str]
    group_by: list[str]
    group_wait: float
    group_interval: float
    repeat_interval: float
    escalation: list[EscalationStepShape]
    goes_on: bool
    routes: list["RouteShape"]


class ReceiverShape(TypedDict):
    """A receiver: fixed channels, or the people whom a schedule has on duty."""

    id: str
    name: dict[str, str]
    channels: list[str]
    schedule: str
    template: str
    language: str


class ContactShape(TypedDict):
    """A person of the duty schedules with their channels."""

    id: str
    name: str
    channels: list[str]


class ShiftShape(TypedDict):
    """A weekly shift: weekdays (0 is Monday) and local times. It passes midnight if `until` is not after `since`."""

    weekdays: list[int]
    since: str
    until: str
    people: list[str]


class ScheduleExceptionShape(TypedDict):
    """In [since, until) these people are on duty and nobody else."""

    since: str
    until: str
    people: list[str]
    why: str


class ScheduleShape(TypedDict):
    """A duty schedule; `otherwise` are on duty where no shift applies."""

    id: str
    name: dict[str, str]
    shifts: list[ShiftShape]
    otherwise: list[str]
    exceptions: list[ScheduleExceptionShape]


class InhibitionShape(TypedDict):
    """While an alert matches `source`, those that match `target` and have equal labels are quiet."""

    id: str
    source: list[str]
    target: list[str]
    equal: list[str]


class TemplateShape(TypedDict):
    """The texts of a notification, each by language."""

    id: str
    subject: dict[str, str]
    opening: dict[str, str]
    line: dict[str, str]
    closing: dict[str, str]


class RoutingContentShape(TypedDict):
    """The content of a routing."""

    route: RouteShape
    receivers: list[ReceiverShape]
    people: list[ContactShape]
    schedules: list[ScheduleShape]
    inhibitions: list[InhibitionShape]
    templates: list[TemplateShape]


class RoutingVersionShape(TypedDict):
    """An earlier version of the routing, as TOML."""

    number: int
    by: str
    at: str
    why: str
    text: str


class RoutingShape(RoutingContentShape):
    """The routing in force: as TOML (`text`), as data (`fields`), and read (`route` and so on).

    `revision` names this state; a change sends it back. `on_duty` lists ids of people by schedule. `channels` are the
    ids of all channels.
    """

    text: str
    revision: str
    fields: dict[str, Any]
    on_duty: dict[str, list[str]]
    channels: list[str]
    versions: list[RoutingVersionShape]


class RoutingSavedShape(TypedDict):
    """The number and revision of the new version."""

    number: int
    revision: str


class _RoutingCheck(TypedDict):
    sound: bool
    errors: list[ErrorShape]
    fields: dict[str, Any]
    text: str


class RoutingCheckShape(_RoutingCheck, total=False):
    """Whether a draft is a valid routing, in both forms. The content is present only for a valid one."""

    route: RouteShape
    receivers: list[ReceiverShape]
    people: list[ContactShape]
    schedules: list[ScheduleShape]
    inhibitions: list[InhibitionShape]
    templates: list[TemplateShape]


class VisitShape(TypedDict):
    """A route that the alert came to. `refused_by` is the first matcher that did not match; empty if all did."""

    route: str
    depth: int
    refused_by: str
    stays: bool


class TimedRecipientShape(RecipientShape):
    """A recipient, and the time of the notification."""

    at: str


class StepReceiverShape(ReceiverShape):
    """A receiver, and the people who are on duty then."""

    on_duty: list[ContactShape]


class NotificationStepShape(TypedDict):
    """Receivers that are notified so many seconds after the alert fires."""

    after_s: float
    at: str
    is_escalation: bool
    receivers: list[StepReceiverShape]


class RouteStopShape(TypedDict):
    """A route where the alert stays, with the labels of its group and its steps."""

    route: str
    group: dict[str, str]
    group_wait_s: float
    group_interval_s: float
    repeat_interval_s: float
    steps: list[NotificationStepShape]


class RouteTestShape(TypedDict):
    """Who would be notified of an alert with these labels, when, through which routes, and what would suppress it."""

    labels: dict[str, str]
    at: str
    visits: list[VisitShape]
    recipients: list[TimedRecipientShape]
    routes: list[RouteStopShape]
    suppression: list[ReasonShape]


DutyShape = TypedDict("DutyShape", {"from": str, "until": str, "kind": str, "people": list[str], "why": str})
"""Who is on duty in a span; `kind` is a shift, an exception, or neither (`otherwise`)."""

DutyGapShape = TypedDict("DutyGapShape", {"from": str, "until": str, "stands_in": list[str]})
"""A span that no shift covers, and who stands in."""


class DutyScheduleShape(TypedDict):
    """The duties of one schedule."""

    id: str
    name: dict[str, str]
    shifts: list[DutyShape]
    gaps: list[DutyGapShape]


DutyTableShape = TypedDict(
    "DutyTableShape",
    {"from": str, "to": str, "people": list[ContactShape], "schedules": list[DutyScheduleShape]},
)
"""Who is on duty from when to when, and the hours that no shift covers."""


def routing_content_shape(alerting: AlertRouting) -> dict[str, Any]:
    """Return the content of a routing as RoutingContentShape."""
    routing = alerting.routing
    return {
        "route": to_record(routing.root),
        "receivers": [to_record(one) for one in routing.receivers.values()],
        "people": [to_record(one) for one in routing.people.values()],
        "schedules": [to_record(one) for one in routing.schedules.values()],
        "inhibitions": [to_record(one) for one in alerting.inhibitions],
        "templates": [to_record(one) for one in alerting.templates.values()],
    }


def duty_shape(duty: DutyPeriod) -> DutyShape:
    """Return the JSON of a duty."""
    return {
        "from": rfc3339(duty.since),
        "until": rfc3339(duty.until),
        "kind": duty.kind.value,
        "people": list(duty.people),
        "why": duty.why,
    }
