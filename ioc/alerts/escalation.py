"""Telling more people while nobody has an alert, and telling them when somebody has."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from ioc.alerts.grouping import Delivery, DeliveryKind, Group, Member, delivery_id
from ioc.alerts.inputs import milliseconds
from ioc.alerts.schedules import recipients
from ioc.model.alert import Alert, Handling, Transition
from ioc.model.routing import DutyPerson, Receiver, Routing


@dataclass
class NotificationDraft:
    """The arrays of one tick in the making."""

    routing: Routing
    active: Mapping[str, Alert]
    now_ms: int
    local: datetime
    groups: dict[str, Group]
    told: dict[str, Mapping[str, str]]
    deliveries: list[Delivery] = field(default_factory=list)

    def channels(self, receivers: Iterable[str]) -> dict[str, tuple[str, str]]:
        """Channels of receivers at this moment, each once, with the receiver and the person behind it. A receiver that
        is no more gives none."""
        found: dict[str, tuple[str, str]] = {}
        for name in receivers:
            if name in self.routing.receivers:
                for channel, person in recipients(self.routing, self.routing.receivers[name], self.local):
                    found.setdefault(channel, (name, "" if person is None else person.id))
        return found

    def deliver(
        self,
        group: Group,
        kind: DeliveryKind,
        number: int,
        channel: str,
        alerts: tuple[str, ...],
        transitions: tuple[Transition, ...] = (),
        receivers: Iterable[str] = (),
    ) -> None:
        """`receivers` are those that the message is meant for."""
        receiver, person = self._behind(channel, receivers)
        self.deliveries.append(
            Delivery(
                id=delivery_id(group, number, channel),
                kind=kind,
                lane=f"{channel} {group.key}",
                number=number,
                group=group.key,
                route=group.route,
                receiver=receiver,
                channel=channel,
                person=person,
                at_ms=self.now_ms,
                transitions=transitions,
                alerts=alerts,
                labels=group.labels,
            )
        )

    def set_told(self, alert: str, channels: Mapping[str, str]) -> None:
        if channels:
            self.told[alert] = channels
        else:
            self.told.pop(alert, None)

    def _behind(self, channel: str, receivers: Iterable[str]) -> tuple[str, str]:
        """Receiver and person of a channel, on duty or not: one of `receivers` if it can be, since a channel may belong
        to several; empty for a channel that no longer exists."""
        for name in dict.fromkeys((*receivers, *self.routing.receivers)):
            receiver = self.routing.receivers.get(name)
            if receiver is None:
                continue
            if channel in receiver.channels:
                return name, ""
            for person in self._people_of(receiver):
                if channel in person.channels:
                    return name, person.id
        person_id = next((one.id for one in self.routing.people.values() if channel in one.channels), "")
        return "", person_id

    def _people_of(self, receiver: Receiver) -> Iterator[DutyPerson]:
        """Everybody whom the receiver's schedule may have on duty."""
        schedule = self.routing.schedules.get(receiver.schedule)
        if schedule is None:
            return
        named = [schedule.otherwise, *(shift.people for shift in schedule.shifts)]
        named += [exception.people for exception in schedule.exceptions]
        for name in dict.fromkeys(name for people in named for name in people):
            if name in self.routing.people:
                yield self.routing.people[name]


def escalate(draft: NotificationDraft, group: Group) -> Group:
    """Each step whose time has come for an alert that was told, is not quiet, and that nobody has."""
    route = draft.routing.route(group.route)
    if route is None:
        return group
    for place, step in enumerate(route.escalation):
        ripe = [
            member
            for member in group.members.values()
            if member.escalated == place
            and not member.waiting
            and draft.now_ms - member.fired_ms >= milliseconds(step.after)
            and is_open(draft.active.get(member.alert))
        ]
        if not ripe:
            continue
        channels = tuple(draft.channels(step.receivers))
        number = group.number + 1
        for channel in channels:
            listed = tuple(member.alert for member in ripe)
            draft.deliver(group, DeliveryKind.ESCALATION, number, channel, listed, receivers=step.receivers)
        members = dict(group.members)
        for member in ripe:
            told = dict.fromkeys(channels, group.key) | dict(draft.told.get(member.alert, {}))
            draft.set_told(member.alert, told)
            reached = tuple(dict.fromkeys((*member.escalated_to, *channels)))
            members[member.alert] = replace(member, escalated=place + 1, escalated_to=reached)
        group = replace(group, number=number, members=members)
    return group


def deescalate(draft: NotificationDraft, group: Group) -> Group:
    """Tell those whom an escalation reached that somebody has the alert now."""
    held = [member for member in group.members.values() if member.escalated and _is_held(draft, member)]
    if not held:
        return group
    by_channel: dict[str, list[str]] = {}
    for member in held:
        for channel in member.escalated_to:
            by_channel.setdefault(channel, []).append(member.alert)
    number = group.number + 1
    route = draft.routing.route(group.route)
    asked = () if route is None else tuple(name for step in route.escalation for name in step.receivers)
    for channel, alerts in by_channel.items():
        draft.deliver(group, DeliveryKind.DEESCALATION, number, channel, tuple(alerts), receivers=asked)
    members = dict(group.members)
    for member in held:
        members[member.alert] = replace(member, escalated=0, escalated_to=())
    return replace(group, number=number, members=members)


def is_open(alert: Alert | None) -> bool:
    """It is there, nobody has it, and it makes noise."""
    return alert is not None and alert.handling is Handling.UNACKNOWLEDGED and not alert.is_quiet


def _is_held(draft: NotificationDraft, member: Member) -> bool:
    alert = draft.active.get(member.alert)
    return alert is not None and alert.handling is Handling.ACKNOWLEDGED
