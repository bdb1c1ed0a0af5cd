"""Show what would happen to an alert: its way through the routes, who is notified when, and what keeps it quiet."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from ioc.alerts.active_hours import IsWorkingDay, is_active
from ioc.alerts.handling import HandlingState
from ioc.alerts.routing import group_labels, routes_for
from ioc.alerts.schedules import on_duty, recipients
from ioc.alerts.silences import Silence
from ioc.clock import to_ms
from ioc.model.alert import Alert, ConditionState, Suppression
from ioc.model.matcher import all_accept
from ioc.model.routing import DutyPerson, Inhibition, Receiver, Route, Routing
from ioc.model.rule import Rule


@dataclass(frozen=True, slots=True)
class RouteVisit:
    """A route that the alert reached.

    `refused_by` is the first matcher that did not accept it, "" when all did; `stays`: this route notifies of it.
    """

    route: str
    depth: int
    refused_by: str
    stays: bool


@dataclass(frozen=True, slots=True)
class Recipient:
    """Who would be notified; `after` is the duration from firing, for escalations without an acknowledgement."""

    route: str
    receiver: str
    channel: str
    person: str
    after: timedelta
    is_escalation: bool


@dataclass(frozen=True, slots=True)
class RouteTrace:
    """The routes that an alert reaches, in the order of the tree, and its recipients, in the order of time."""

    visits: tuple[RouteVisit, ...]
    recipients: tuple[Recipient, ...]


def trace_route(routing: Routing, labels: Mapping[str, str], local: datetime) -> RouteTrace:
    """Follow an alert with these labels that fires at `local`, in the province's time zone, through the routes."""
    staying = list(routes_for(routing.root, labels))
    found: list[Recipient] = []
    for route in staying:
        steps = [(route.group_wait, route.receivers, False)]
        steps += [(max(step.after, route.group_wait), step.receivers, True) for step in route.escalation]
        for after, receivers, is_escalation in steps:
            for receiver in receivers:
                for channel, person in recipients(routing, routing.receivers[receiver], local + after):
                    name = "" if person is None else person.name
                    found.append(Recipient(route.id, receiver, channel, name, after, is_escalation))
    visits = tuple(_visits(routing.root, labels, {route.id for route in staying}, 0))
    return RouteTrace(visits, tuple(sorted(found, key=lambda one: one.after)))


@dataclass(frozen=True, slots=True)
class RouteStep:
    """Who is notified `after` the alert fired: each receiver with the people that are on duty for it then."""

    after: timedelta
    is_escalation: bool
    receivers: tuple[tuple[Receiver, tuple[DutyPerson, ...]], ...]


@dataclass(frozen=True, slots=True)
class RouteStop:
    """A route that an alert stays at; `group` has the labels that alerts which are sent together share."""

    route: str
    group: Mapping[str, str]
    group_wait: timedelta
    group_interval: timedelta
    repeat_interval: timedelta
    steps: tuple[RouteStep, ...]


def route_stops(routing: Routing, labels: Mapping[str, str], local: datetime) -> tuple[RouteStop, ...]:
    """Return the routes at which an alert with these labels stays that fires at `local`, in the province's zone."""
    found = []
    for route in routes_for(routing.root, labels):
        steps = [_step(routing, route.group_wait, False, route.receivers, local)]
        steps += [
            _step(routing, max(one.after, route.group_wait), True, one.receivers, local) for one in route.escalation
        ]
        lengths = (route.group_wait, route.group_interval, route.repeat_interval)
        found.append(RouteStop(route.id, group_labels(route, labels), *lengths, tuple(steps)))
    return tuple(found)


@dataclass(frozen=True, slots=True)
class QuietReason:
    """Why an alert is quiet.

    `kind` is a value of Suppression, or `shelved` or `out_of_service`; `of` is the id of the silence, alert, rule or
    shelving.
    """

    kind: str
    of: str
    text: str


@dataclass(frozen=True)
class SuppressionInputs:
    """What can keep an alert quiet: other alerts, silences, shelvings and the calendar."""

    alerts: Iterable[Alert]
    silences: Iterable[Silence]
    inhibitions: Iterable[Inhibition]
    handling: HandlingState
    is_working_day: IsWorkingDay


def quiet_reasons(
    inputs: SuppressionInputs, rule: Rule | None, labels: Mapping[str, str], local: datetime
) -> tuple[QuietReason, ...]:
    """Return why an alert with these labels would be quiet at `local`; `rule` is None for another system's alert."""
    at_ms = to_ms(local)
    found = [
        QuietReason(Suppression.SILENCED_BY.value, one.id, f"{one.by}: {one.why}")
        for one in inputs.silences
        if one.holds_at(at_ms) and all_accept(one.matchers, labels)
    ]
    fired = [alert for alert in inputs.alerts if alert.condition is not ConditionState.PENDING]
    for inhibition in inputs.inhibitions:
        source = next((alert for alert in fired if _inhibits(inhibition, alert, labels)), None)
        if source is not None:
            found.append(QuietReason(Suppression.INHIBITED_BY.value, source.id, f"{source.rule} ({inhibition.id})."))
    if rule is not None and not is_active(rule.active, local, inputs.is_working_day):
        found.append(QuietReason(Suppression.OUTSIDE_HOURS.value, rule.id, "The rule's hours are over."))
    rule_id, unit = labels.get("rule", ""), labels.get("unit", "")
    found += [
        QuietReason(shelving.kind.value, shelving.id, f"{shelving.by}: {shelving.why}")
        for shelving in inputs.handling.shelvings
        if shelving.rule == rule_id and shelving.unit in ("", unit) and shelving.holds_at(at_ms)
    ]
    return tuple(found)


def _inhibits(inhibition: Inhibition, source: Alert, labels: Mapping[str, str]) -> bool:
    """Apply the conditions of ioc/alerts/inhibition.py to one target; an alert never quiets its own rule and unit."""
    if not all_accept(inhibition.target, labels) or not all_accept(inhibition.source, source.labels):
        return False
    if (source.labels.get("rule"), source.labels.get("unit")) == (labels.get("rule"), labels.get("unit")):
        return False
    if all_accept(inhibition.source, labels) and all_accept(inhibition.target, source.labels):
        return False
    return all(labels.get(name) and labels.get(name) == source.labels.get(name) for name in inhibition.equal)


def _step(
    routing: Routing, after: timedelta, is_escalation: bool, receivers: tuple[str, ...], local: datetime
) -> RouteStep:
    listed = []
    for name in receivers:
        receiver = routing.receivers[name]
        people: tuple[DutyPerson, ...] = ()
        if receiver.schedule:
            people = tuple(routing.people[one] for one in on_duty(routing.schedules[receiver.schedule], local + after))
        listed.append((receiver, people))
    return RouteStep(after, is_escalation, tuple(listed))


def _visits(route: Route, labels: Mapping[str, str], staying: set[str], depth: int) -> Iterator[RouteVisit]:
    yield RouteVisit(route.id, depth, "", route.id in staying)
    for child in route.routes:
        refusing = [one for one in child.matchers if not one.accepts(labels.get(one.label, ""))]
        if refusing:
            yield RouteVisit(child.id, depth + 1, str(refusing[0]), False)
            continue
        yield from _visits(child, labels, staying, depth + 1)
        if not child.goes_on:
            break
