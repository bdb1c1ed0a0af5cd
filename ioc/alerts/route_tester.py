"""The tester's answer beyond who would get an alert: each stop's steps with who is on duty, and what keeps it quiet."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from ioc.alerts.active_hours import IsWorkingDay, is_active
from ioc.alerts.handling import HandlingState
from ioc.alerts.routing import group_labels, routes_for
from ioc.alerts.schedules import on_duty
from ioc.alerts.silences import Silence
from ioc.clock import to_ms
from ioc.model.alert import Alert, ConditionState, Suppression
from ioc.model.matcher import all_accept
from ioc.model.routing import DutyPerson, Inhibition, Receiver, Routing
from ioc.model.rule import Rule


@dataclass(frozen=True, slots=True)
class RouteStep:
    """Who is told `after` the alert fired: each receiver with the people that its schedule has on duty then."""

    after: timedelta
    is_escalation: bool
    receivers: tuple[tuple[Receiver, tuple[DutyPerson, ...]], ...]


@dataclass(frozen=True, slots=True)
class RouteStop:
    """A route that an alert stays at; `group` is what the alerts told together agree in."""

    route: str
    group: Mapping[str, str]
    group_wait: timedelta
    group_interval: timedelta
    repeat_interval: timedelta
    steps: tuple[RouteStep, ...]


def route_stops(routing: Routing, labels: Mapping[str, str], local: datetime) -> tuple[RouteStop, ...]:
    """For an alert with these labels that fires at a moment of the province's own time."""
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
    """`kind` is a word of Suppression, or shelved, out_of_service; `of` the id of the silence, alert, rule or of what
    is put aside."""

    kind: str
    of: str
    text: str


@dataclass(frozen=True)
class SuppressionInputs:
    """What an alert would find: the alerts of now, what people have silenced and put aside, and the calendar."""

    alerts: Iterable[Alert]
    silences: Iterable[Silence]
    inhibitions: Iterable[Inhibition]
    handling: HandlingState
    is_working_day: IsWorkingDay


def quiet_reasons(
    around: SuppressionInputs, rule: Rule | None, labels: Mapping[str, str], local: datetime
) -> tuple[QuietReason, ...]:
    """Why an alert with these labels would make no noise at that moment; `rule` None for another system's."""
    at_ms = to_ms(local)
    found = [
        QuietReason(Suppression.SILENCED_BY.value, one.id, f"{one.by}: {one.why}")
        for one in around.silences
        if one.holds_at(at_ms) and all_accept(one.matchers, labels)
    ]
    fired = [alert for alert in around.alerts if alert.condition is not ConditionState.PENDING]
    for inhibition in around.inhibitions:
        source = next((alert for alert in fired if _inhibits(inhibition, alert, labels)), None)
        if source is not None:
            found.append(QuietReason(Suppression.INHIBITED_BY.value, source.id, f"{source.rule} ({inhibition.id})."))
    if rule is not None and not is_active(rule.active, local, around.is_working_day):
        found.append(QuietReason(Suppression.OUTSIDE_HOURS.value, rule.id, "The rule's hours are over."))
    place = (labels.get("rule", ""), labels.get("unit", ""))
    found += [
        QuietReason(shelving.kind.value, shelving.id, f"{shelving.by}: {shelving.why}")
        for shelving in around.handling.shelvings
        if shelving.rule == place[0] and shelving.unit in ("", place[1]) and shelving.holds_at(at_ms)
    ]
    return tuple(found)


def _inhibits(inhibition: Inhibition, source: Alert, labels: Mapping[str, str]) -> bool:
    """As ioc/alerts/inhibition.py has it, for one target; an alert never quiets its own rule and unit."""
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
