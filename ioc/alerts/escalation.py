"""Notify more people while nobody acknowledges an alert, and tell them when somebody has."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from ioc.alerts.grouping import Delivery, DeliveryKind, Member, NotificationGroup, delivery_id
from ioc.alerts.inputs import milliseconds
from ioc.alerts.schedules import recipients
from ioc.model.alert import Alert, Handling, Transition
from ioc.model.routing import DutyPerson, Receiver, Routing


@dataclass
class NotificationDraft:
    """The notification plan of one tick while it is being made.

    `active` are the alerts of now by id, `local` is the tick in the province's time zone. `notified` holds, for each
    alert that somebody was notified of, its channels with the key of the group that notified them.
    """

    routing: Routing
    active: Mapping[str, Alert]
    now_ms: int
    local: datetime
    groups: dict[str, NotificationGroup]
    notified: dict[str, Mapping[str, str]]
    deliveries: list[Delivery] = field(default_factory=list)

    def channels(self, receivers: Iterable[str]) -> dict[str, tuple[str, str]]:
        """Return the channels of these receivers now, each with its receiver and the person behind it ("": none).

        A receiver that no longer exists has no channels.
        """
        found: dict[str, tuple[str, str]] = {}
        for name in receivers:
            if name in self.routing.receivers:
                for channel, person in recipients(self.routing, self.routing.receivers[name], self.local):
                    found.setdefault(channel, (name, "" if person is None else person.id))
        return found

    def deliver(
        self,
        group: NotificationGroup,
        kind: DeliveryKind,
        channel: str,
        alerts: tuple[str, ...],
        transitions: tuple[Transition, ...] = (),
        receivers: Iterable[str] = (),
    ) -> None:
        """Add the group's next delivery on a channel; `receivers` are those that the message is meant for."""
        receiver, person = self._behind(channel, receivers)
        number = group.number + 1
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

    def set_notified(self, alert: str, channels: Mapping[str, str]) -> None:
        """Remember which channels were notified of an alert, and by which group."""
        if channels:
            self.notified[alert] = channels
        else:
            self.notified.pop(alert, None)

    def _behind(self, channel: str, receivers: Iterable[str]) -> tuple[str, str]:
        """Return receiver and person of a channel, on duty or not; empty for a channel that no longer exists.

        A channel may belong to several receivers: one of `receivers` is preferred.
        """
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
        """Yield everybody whom the receiver's schedule may have on duty."""
        schedule = self.routing.schedules.get(receiver.schedule)
        if schedule is None:
            return
        named = [schedule.otherwise, *(shift.people for shift in schedule.shifts)]
        named += [exception.people for exception in schedule.exceptions]
        for name in dict.fromkeys(name for people in named for name in people):
            if name in self.routing.people:
                yield self.routing.people[name]


def escalate(draft: NotificationDraft, group: NotificationGroup) -> NotificationGroup:
    """Take each escalation step that is due for an alert that was sent, is not quiet, and is not acknowledged."""
    route = draft.routing.route(group.route)
    if route is None:
        return group
    for index, step in enumerate(route.escalation):
        due = [
            member
            for member in group.members.values()
            if member.escalated == index
            and not member.waiting
            and draft.now_ms - member.fired_ms >= milliseconds(step.after)
            and is_open(draft.active.get(member.alert))
        ]
        if not due:
            continue
        channels = tuple(draft.channels(step.receivers))
        for channel in channels:
            listed = tuple(member.alert for member in due)
            draft.deliver(group, DeliveryKind.ESCALATION, channel, listed, receivers=step.receivers)
        members = dict(group.members)
        for member in due:
            notified = dict.fromkeys(channels, group.key) | dict(draft.notified.get(member.alert, {}))
            draft.set_notified(member.alert, notified)
            reached = tuple(dict.fromkeys((*member.escalated_to, *channels)))
            members[member.alert] = replace(member, escalated=index + 1, escalated_to=reached)
        group = replace(group, number=group.number + 1, members=members)
    return group


def deescalate(draft: NotificationDraft, group: NotificationGroup) -> NotificationGroup:
    """Tell those whom an escalation reached that somebody has acknowledged the alert."""
    acknowledged = [member for member in group.members.values() if member.escalated and _is_acknowledged(draft, member)]
    if not acknowledged:
        return group
    by_channel: dict[str, list[str]] = {}
    for member in acknowledged:
        for channel in member.escalated_to:
            by_channel.setdefault(channel, []).append(member.alert)
    route = draft.routing.route(group.route)
    receivers = () if route is None else tuple(name for step in route.escalation for name in step.receivers)
    for channel, alerts in by_channel.items():
        draft.deliver(group, DeliveryKind.DEESCALATION, channel, tuple(alerts), receivers=receivers)
    members = dict(group.members)
    for member in acknowledged:
        members[member.alert] = replace(member, escalated=0, escalated_to=())
    return replace(group, number=group.number + 1, members=members)


def is_open(alert: Alert | None) -> bool:
    """Return whether an alert exists, is not acknowledged and not quiet."""
    return alert is not None and alert.handling is Handling.UNACKNOWLEDGED and not alert.is_quiet


def _is_acknowledged(draft: NotificationDraft, member: Member) -> bool:
    alert = draft.active.get(member.alert)
    return alert is not None and alert.handling is Handling.ACKNOWLEDGED
