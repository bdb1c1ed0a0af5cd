"""The way of an alert through the tree of routes, and the tester that shows it."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from ioc.alerts.schedules import recipients
from ioc.model.matcher import all_accept
from ioc.model.routing import ALL_LABELS, Route, Routing


def routes_for(route: Route, labels: Mapping[str, str]) -> Iterator[Route]:
    """Where an alert that has come to `route` stays; at least one."""
    stays_here = True
    for child in route.routes:
        if all_accept(child.matchers, labels):
            stays_here = False
            yield from routes_for(child, labels)
            if not child.goes_on:
                break
    if stays_here:
        yield route


def group_labels(route: Route, labels: Mapping[str, str]) -> dict[str, str]:
    """What alerts of one group agree in; a label that is absent counts as empty."""
    names = sorted(labels) if ALL_LABELS in route.group_by else route.group_by
    return {name: labels.get(name, "") for name in names}


def group_key(route: Route, labels: Mapping[str, str]) -> str:
    """Names the group of an alert at a route."""
    return f"{route.id}{{{', '.join(f'{name}={value!r}' for name, value in group_labels(route, labels).items())}}}"


@dataclass(frozen=True, slots=True)
class RouteVisit:
    """A route that the alert came to. `refused_by` is the first matcher that did not hold, "" when all did; `stays`
    says that the alert is told from here."""

    route: str
    depth: int
    refused_by: str
    stays: bool


@dataclass(frozen=True, slots=True)
class Recipient:
    """`after` is the time from firing to the message, without acknowledgement for the steps of an escalation."""

    route: str
    receiver: str
    channel: str
    person: str
    after: timedelta
    is_escalation: bool


@dataclass(frozen=True, slots=True)
class RouteTrace:
    """Who would get an alert: the visits in the order of the tree, the recipients in the order of time."""

    visits: tuple[RouteVisit, ...]
    recipients: tuple[Recipient, ...]


def trace_route(routing: Routing, labels: Mapping[str, str], local: datetime) -> RouteTrace:
    """For an alert with these labels that fires at a moment of the province's own time."""
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
