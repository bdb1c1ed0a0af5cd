"""Plan which notifications are sent: each transition once per channel, from the alerts of now and what changed.

The caller writes the new outbox, the deliveries and the engine's state of the same tick in one transaction. What a
crash rolled back is planned again with the same ids.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from ioc.alerts.escalation import NotificationDraft, deescalate, escalate, is_open
from ioc.alerts.grouping import Delivery, DeliveryKind, Member, NotificationGroup, Outbox
from ioc.alerts.inputs import milliseconds
from ioc.alerts.routing import group_key, group_labels, routes_for
from ioc.model.alert import Alert, Transition, TransitionKind
from ioc.model.routing import Route, Routing


@dataclass(frozen=True, slots=True)
class NotificationPlan:
    """The outbox after a tick, and the deliveries to send in the order in which they were planned."""

    outbox: Outbox
    deliveries: tuple[Delivery, ...]


def plan_deliveries(
    routing: Routing,
    outbox: Outbox,
    alerts: Iterable[Alert],
    transitions: Iterable[Transition],
    now_ms: int,
    zone: ZoneInfo,
) -> NotificationPlan:
    """Plan the deliveries of one tick.

    `alerts` are all that are active now, `transitions` those since the last call, in their order.

    Each message lists the whole group, as Alertmanager does: what changed, then everything else in it that fires.
    A quiet alert waits; if it ends while it is quiet, nothing is sent. Channels that were notified of a beginning are
    always notified of the end. What fires and ends within the group's wait is sent together with its end.
    """
    active = {alert.id: alert for alert in alerts}
    local = datetime.fromtimestamp(now_ms / 1000, UTC).astimezone(zone)
    groups = {key: replace(group, members=dict(group.members)) for key, group in outbox.groups.items()}
    draft = NotificationDraft(routing, active, now_ms, local, groups, dict(outbox.told))
    _reroute(draft)
    _add_transitions(draft, list(transitions))
    for key in list(draft.groups):
        group = _update_quiet(draft.groups[key], active)
        group = _send_waiting(draft, group)
        group = _repeat(draft, group)
        group = deescalate(draft, escalate(draft, group))
        if group.members:
            draft.groups[key] = group
        else:
            del draft.groups[key]
    return NotificationPlan(Outbox(draft.groups, draft.notified), tuple(draft.deliveries))


def _add_transitions(draft: NotificationDraft, transitions: list[Transition]) -> None:
    """Add beginnings to the groups of their routes, and ends to the groups that have the beginning."""
    groups_of: dict[str, list[str]] = {}
    if any(one.kind is TransitionKind.RESOLVED for one in transitions):
        for key, group in draft.groups.items():
            for alert in group.members:
                groups_of.setdefault(alert, []).append(key)
    for one in transitions:
        if one.kind is TransitionKind.FIRING and one.alert in draft.active:
            for key in _join(draft, draft.active[one.alert], one):
                groups_of.setdefault(one.alert, []).append(key)
        elif one.kind is TransitionKind.RESOLVED:
            for key in groups_of.get(one.alert, ()):
                group = draft.groups[key]
                member = group.members[one.alert]
                draft.groups[key] = _awaiting(draft, group, replace(member, waiting=(*member.waiting, one)))


def _join(draft: NotificationDraft, alert: Alert, transition: Transition) -> list[str]:
    keys = []
    for route in routes_for(draft.routing.root, alert.labels):
        key = group_key(route, alert.labels)
        group = draft.groups.get(key)
        if group is None:
            named = {name: value for name, value in group_labels(route, alert.labels).items() if value}
            due_ms = draft.now_ms + milliseconds(route.group_wait)
            group = NotificationGroup(key, route.id, draft.now_ms, due_ms, labels=named)
        if alert.id not in group.members:
            draft.groups[key] = _awaiting(draft, group, Member(alert.id, transition.at_ms, (transition,)))
            keys.append(key)
    return keys


def _awaiting(draft: NotificationDraft, group: NotificationGroup, member: Member) -> NotificationGroup:
    """Add a member that has something to send; the group is then due at the end of its interval.

    The members are the draft's own and changed in place: a copy for each of thousands would cost their square.
    """
    due_ms = group.due_ms
    if group.number:
        route = draft.routing.route(group.route)
        interval_ms = 0 if route is None else milliseconds(route.group_interval)
        due_ms = max(group.told_ms + interval_ms, min(due_ms, draft.now_ms))
    group.members[member.alert] = member
    return replace(group, due_ms=due_ms)


def _reroute(draft: NotificationDraft) -> None:
    """Move the alerts of a group whose route was removed to the routes that the tree has for them now.

    What waits is sent there. What was sent before is repeated, escalated and ended there, and sent only to channels
    that have not received it.
    """
    for key, group in list(draft.groups.items()):
        if draft.routing.route(group.route) is not None:
            continue
        moving = [
            member
            for member in group.members.values()
            if member.alert in draft.active and (not member.waiting or member.waiting[0].kind is TransitionKind.FIRING)
        ]
        gone = {member.alert for member in moving}
        draft.groups[key] = replace(group, members={k: m for k, m in group.members.items() if k not in gone})
        for member in moving:
            alert = draft.active[member.alert]
            began = member.waiting[0] if member.waiting else _beginning(alert, member.fired_ms)
            joined = _join(draft, alert, began)
            for key_now in joined:
                members = draft.groups[key_now].members
                done = replace(members[alert.id], escalated=member.escalated, escalated_to=member.escalated_to)
                members[alert.id] = done
            if joined:
                notified = draft.notified.get(alert.id, {})
                draft.set_notified(alert.id, {one: joined[0] if by == key else by for one, by in notified.items()})


def _beginning(alert: Alert, fired_ms: int) -> Transition:
    """Return the transition with which an alert fired, as far as messages need it."""
    kind = TransitionKind.FIRING
    return Transition.of(kind, fired_ms, alert.rule, alert.unit, alert.onset_ms, alert.severity, alert.value)


def _update_quiet(group: NotificationGroup, active: Mapping[str, Alert]) -> NotificationGroup:
    """Update which members are quiet, and remove those that ended while they were quiet and not sent."""
    members: dict[str, Member] = {}
    for key, member in group.members.items():
        alert = active.get(key)
        if alert is not None and alert.is_quiet != member.is_quiet:
            member = replace(member, is_quiet=alert.is_quiet)
        untold_end = len(member.waiting) > 1
        if not (member.is_quiet and untold_end):
            members[key] = member
    return replace(group, members=members)


def _send_waiting(draft: NotificationDraft, group: NotificationGroup) -> NotificationGroup:
    """Send what waits, if the group is due."""
    if draft.now_ms < group.due_ms:
        return group
    route = draft.routing.route(group.route)
    channels = {} if route is None else draft.channels(route.receivers)
    sending = [one for one in group.members.values() if one.waiting and _can_be_sent(one, route, channels)]
    if not sending:
        return group
    content: dict[str, list[Transition]] = {}
    waiting = sorted((one for member in sending for one in member.waiting), key=lambda one: one.at_ms)
    for one in waiting:
        notified = dict(draft.notified.get(one.alert, {}))
        if one.kind is TransitionKind.FIRING:
            new = [channel for channel in channels if channel not in notified]
            notified |= dict.fromkeys(new, group.key)
        else:
            new = [channel for channel, key in notified.items() if key == group.key]
            notified = {channel: key for channel, key in notified.items() if key != group.key}
        for channel in new:
            content.setdefault(channel, []).append(one)
        draft.set_notified(one.alert, notified)
    for channel, listed in content.items():
        news = dict.fromkeys(one.alert for one in listed)
        others = [alert for alert in _listed(draft, group, channel) if alert not in news]
        _remember_listed(draft, group, channel, others)
        draft.deliver(group, DeliveryKind.TRANSITIONS, channel, (*news, *others), tuple(listed), _receivers(route))
    sent_now = {member.alert for member in sending}
    members = {
        key: replace(member, waiting=()) if key in sent_now else member
        for key, member in group.members.items()
        if key not in sent_now or member.waiting[-1].kind is not TransitionKind.RESOLVED
    }
    interval_ms = 0 if route is None else milliseconds(route.group_interval)
    due_ms = draft.now_ms + interval_ms
    return replace(group, number=group.number + 1, told_ms=draft.now_ms, due_ms=due_ms, members=members)


def _can_be_sent(member: Member, route: Route | None, channels: Collection[str]) -> bool:
    """Return whether a member's waiting transitions can be sent.

    An end always can. A beginning waits while it is quiet, and while no channel is on duty, unless its route no longer
    exists and it has ended.
    """
    if member.waiting[0].kind is not TransitionKind.FIRING:
        return True
    if not channels:
        return route is None and member.waiting[-1].kind is TransitionKind.RESOLVED
    return not member.is_quiet


def _repeat(draft: NotificationDraft, group: NotificationGroup) -> NotificationGroup:
    """Send the group again after `repeat_interval`, while something in it was sent and is not acknowledged."""
    route = draft.routing.route(group.route)
    if route is None or not group.number or draft.now_ms - group.told_ms < milliseconds(route.repeat_interval):
        return group
    if not any(is_open(draft.active.get(key)) for key, member in group.members.items() if not member.waiting):
        return group
    for channel in draft.channels(route.receivers):
        listed = _listed(draft, group, channel)
        open_ones = [alert for alert in listed if is_open(draft.active[alert])]
        if open_ones:
            _remember_listed(draft, group, channel, listed)
            alerts = tuple(dict.fromkeys((*open_ones, *listed)))
            draft.deliver(group, DeliveryKind.REPEAT, channel, alerts, receivers=_receivers(route))
    return replace(group, number=group.number + 1, told_ms=draft.now_ms)


def _receivers(route: Route | None) -> tuple[str, ...]:
    """Return the receivers of a route, then those of its escalation, who are also notified of the end."""
    if route is None:
        return ()
    return (*route.receivers, *(name for step in route.escalation for name in step.receivers))


def _listed(draft: NotificationDraft, group: NotificationGroup, channel: str) -> list[str]:
    """Return alerts of the group that fire, are not quiet and were sent, unless another group sends them here."""
    return [
        key
        for key in group.members
        if (alert := draft.active.get(key)) is not None
        and not alert.is_quiet
        and (notified := draft.notified.get(key))
        and notified.get(channel, group.key) == group.key
    ]


def _remember_listed(draft: NotificationDraft, group: NotificationGroup, channel: str, alerts: Iterable[str]) -> None:
    """Record that a channel lists these alerts, so that a person who came on duty later is notified of their end."""
    for alert in alerts:
        notified = draft.notified.get(alert, {})
        if channel not in notified:
            draft.set_notified(alert, {**notified, channel: group.key})
