"""From transitions and the alerts as they stand to the outbox: what is told to whom, each thing once a channel.

A shell writes the new outbox, the deliveries and the engine's state of the same tick in one transaction. What a crash
took back is then planned again with the same ids.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from ioc.alerts.escalation import NotificationDraft, deescalate, escalate, is_open
from ioc.alerts.grouping import Delivery, DeliveryKind, Group, Member, Outbox
from ioc.alerts.inputs import milliseconds
from ioc.alerts.routing import group_key, group_labels, routes_for
from ioc.model.alert import Alert, Transition, TransitionKind
from ioc.model.routing import Route, Routing


@dataclass(frozen=True, slots=True)
class NotificationPlan:
    """`deliveries` in the order in which they were planned."""

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
    """`alerts` are all that are active now, `transitions` those since the last call, in their order.

    Each message lists the whole group, as Alertmanager does: what changed, then everything else in it that fires.
    An alert that is quiet waits; if it ends so, nobody hears of it. Who was told that one fired is told its end in any
    case. What fires and ends within the group's wait is told with its end.
    """
    active = {alert.id: alert for alert in alerts}
    local = datetime.fromtimestamp(now_ms / 1000, UTC).astimezone(zone)
    groups = {key: replace(group, members=dict(group.members)) for key, group in outbox.groups.items()}
    draft = NotificationDraft(routing, active, now_ms, local, groups, dict(outbox.told))
    _reroute(draft)
    _take_in(draft, list(transitions))
    for key in list(draft.groups):
        group = _with_quiet(draft.groups[key], active)
        group = _tell(draft, group)
        group = _repeat(draft, group)
        group = deescalate(draft, escalate(draft, group))
        if group.members:
            draft.groups[key] = group
        else:
            del draft.groups[key]
    return NotificationPlan(Outbox(draft.groups, draft.told), tuple(draft.deliveries))


def _take_in(draft: NotificationDraft, transitions: list[Transition]) -> None:
    """Put beginnings into the groups of their routes, ends to their beginnings."""
    homes: dict[str, list[str]] = {}
    if any(one.kind is TransitionKind.RESOLVED for one in transitions):
        for key, group in draft.groups.items():
            for alert in group.members:
                homes.setdefault(alert, []).append(key)
    for one in transitions:
        if one.kind is TransitionKind.FIRING and one.alert in draft.active:
            for key in _join(draft, draft.active[one.alert], one):
                homes.setdefault(one.alert, []).append(key)
        elif one.kind is TransitionKind.RESOLVED:
            for key in homes.get(one.alert, ()):
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
            group = Group(key, route.id, draft.now_ms, due_ms, labels=named)
        if alert.id not in group.members:
            draft.groups[key] = _awaiting(draft, group, Member(alert.id, transition.at_ms, (transition,)))
            keys.append(key)
    return keys


def _awaiting(draft: NotificationDraft, group: Group, member: Member) -> Group:
    """The group with a member that has something to be told, due at the end of its interval. The members are the
    draft's own: a copy for each of thousands would cost their square."""
    due_ms = group.due_ms
    if group.number:
        route = draft.routing.route(group.route)
        interval_ms = 0 if route is None else milliseconds(route.group_interval)
        due_ms = max(group.told_ms + interval_ms, min(due_ms, draft.now_ms))
    group.members[member.alert] = member
    return replace(group, due_ms=due_ms)


def _reroute(draft: NotificationDraft) -> None:
    """Move the alerts of a group whose route was removed to where the tree now has them: what waits is told there, what
    was told is repeated, escalated and ended there, and told only to channels that have not heard of it."""
    for key, group in list(draft.groups.items()):
        if draft.routing.route(group.route) is not None:
            continue
        homeless = [
            member
            for member in group.members.values()
            if member.alert in draft.active and (not member.waiting or member.waiting[0].kind is TransitionKind.FIRING)
        ]
        gone = {member.alert for member in homeless}
        draft.groups[key] = replace(group, members={k: m for k, m in group.members.items() if k not in gone})
        for member in homeless:
            alert = draft.active[member.alert]
            began = member.waiting[0] if member.waiting else _beginning(alert, member.fired_ms)
            homes = _join(draft, alert, began)
            for home in homes:
                members = draft.groups[home].members
                done = replace(members[alert.id], escalated=member.escalated, escalated_to=member.escalated_to)
                members[alert.id] = done
            if homes:
                told = draft.told.get(alert.id, {})
                draft.set_told(alert.id, {one: homes[0] if by == key else by for one, by in told.items()})


def _beginning(alert: Alert, fired_ms: int) -> Transition:
    """The transition that an alert fired with, as far as messages need it."""
    kind = TransitionKind.FIRING
    return Transition.of(kind, fired_ms, alert.rule, alert.unit, alert.onset_ms, alert.severity, alert.value)


def _with_quiet(group: Group, active: Mapping[str, Alert]) -> Group:
    """Quietness brought up to date; who ended quietly and untold is left out."""
    members: dict[str, Member] = {}
    for key, member in group.members.items():
        alert = active.get(key)
        if alert is not None and alert.is_quiet != member.is_quiet:
            member = replace(member, is_quiet=alert.is_quiet)
        untold_end = len(member.waiting) > 1
        if not (member.is_quiet and untold_end):
            members[key] = member
    return replace(group, members=members)


def _tell(draft: NotificationDraft, group: Group) -> Group:
    """What waits, if the group is due."""
    if draft.now_ms < group.due_ms:
        return group
    route = draft.routing.route(group.route)
    channels = {} if route is None else draft.channels(route.receivers)
    telling = [one for one in group.members.values() if one.waiting and _may_be_told(one, route, channels)]
    if not telling:
        return group
    number = group.number + 1
    content: dict[str, list[Transition]] = {}
    waiting = sorted((one for member in telling for one in member.waiting), key=lambda one: one.at_ms)
    for one in waiting:
        told = dict(draft.told.get(one.alert, {}))
        if one.kind is TransitionKind.FIRING:
            new = [channel for channel in channels if channel not in told]
            told |= dict.fromkeys(new, group.key)
        else:
            new = [channel for channel, key in told.items() if key == group.key]
            told = {channel: key for channel, key in told.items() if key != group.key}
        for channel in new:
            content.setdefault(channel, []).append(one)
        draft.set_told(one.alert, told)
    for channel, listed in content.items():
        news = dict.fromkeys(one.alert for one in listed)
        others = [alert for alert in _listed(draft, group, channel) if alert not in news]
        _now_told(draft, group, channel, others)
        draft.deliver(
            group, DeliveryKind.TRANSITIONS, number, channel, (*news, *others), tuple(listed), _receivers(route)
        )
    told_now = {member.alert for member in telling}
    members = {
        key: replace(member, waiting=()) if key in told_now else member
        for key, member in group.members.items()
        if key not in told_now or member.waiting[-1].kind is not TransitionKind.RESOLVED
    }
    interval_ms = 0 if route is None else milliseconds(route.group_interval)
    return replace(group, number=number, told_ms=draft.now_ms, due_ms=draft.now_ms + interval_ms, members=members)


def _may_be_told(member: Member, route: Route | None, channels: Collection[str]) -> bool:
    """An end may always. A beginning waits while it is quiet, and while there is nobody to tell, unless its route is no
    more and it has ended."""
    if member.waiting[0].kind is not TransitionKind.FIRING:
        return True
    if not channels:
        return route is None and member.waiting[-1].kind is TransitionKind.RESOLVED
    return not member.is_quiet


def _repeat(draft: NotificationDraft, group: Group) -> Group:
    """Return the group to send again: what was sent and is not acknowledged, and the rest of the group."""
    route = draft.routing.route(group.route)
    if route is None or not group.number or draft.now_ms - group.told_ms < milliseconds(route.repeat_interval):
        return group
    if not any(is_open(draft.active.get(key)) for key, member in group.members.items() if not member.waiting):
        return group
    for channel in draft.channels(route.receivers):
        listed = _listed(draft, group, channel)
        open_ones = [alert for alert in listed if is_open(draft.active[alert])]
        if open_ones:
            _now_told(draft, group, channel, listed)
            alerts = tuple(dict.fromkeys((*open_ones, *listed)))
            draft.deliver(group, DeliveryKind.REPEAT, group.number + 1, channel, alerts, receivers=_receivers(route))
    return replace(group, number=group.number + 1, told_ms=draft.now_ms)


def _receivers(route: Route | None) -> tuple[str, ...]:
    """Return receivers of a route, then of its escalation: they too are notified of the end."""
    if route is None:
        return ()
    return (*route.receivers, *(name for step in route.escalation for name in step.receivers))


def _listed(draft: NotificationDraft, group: Group, channel: str) -> list[str]:
    """Alerts of the group that fire, make noise and were told, as far as no other group tells them on this channel."""
    return [
        key
        for key in group.members
        if (alert := draft.active.get(key)) is not None
        and not alert.is_quiet
        and (told := draft.told.get(key))
        and told.get(channel, group.key) == group.key
    ]


def _now_told(draft: NotificationDraft, group: Group, channel: str, alerts: Iterable[str]) -> None:
    """So that a person who came on duty after these alerts had fired is told their end."""
    for alert in alerts:
        told = draft.told.get(alert, {})
        if channel not in told:
            draft.set_told(alert, {**told, channel: group.key})
