"""Groups of alerts that are sent together, and the outbox: plain records.

The store keeps Outbox, NotificationGroup and Member as JSON by field name, so their fields must keep their names.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from hashlib import sha256

from ioc.model.alert import Transition


class DeliveryKind(StrEnum):
    """Kinds of messages: `transitions` says what fired and ended, the others repeat alerts that were sent before."""

    TRANSITIONS = "transitions"
    REPEAT = "repeat"
    ESCALATION = "escalation"
    DEESCALATION = "deescalation"


@dataclass(frozen=True, slots=True)
class Delivery:
    """One message to one channel.

    `id` is the same however often the message is planned, so it is stored once and a receiver knows a repeat.
    Deliveries of one `lane` go out in their `order`; lanes do not wait for each other.

    Each of `transitions`, in the order of time, is sent on this channel in this message only. `alerts` are the ids of
    all alerts that the message lists: those of the transitions, then, as Alertmanager does, all others of the group
    that fire and are not quiet. `labels` are those that all alerts of the group share.
    """

    id: str
    kind: DeliveryKind
    lane: str
    number: int
    group: str
    route: str
    receiver: str
    channel: str
    person: str
    at_ms: int
    transitions: tuple[Transition, ...]
    alerts: tuple[str, ...]
    labels: Mapping[str, str] = field(default_factory=dict)

    @property
    def order(self) -> tuple[int, int]:
        """Position in the lane; a group that was empty in between counts from 1 again, at a later time."""
        return self.at_ms, self.number


@dataclass(frozen=True, slots=True)
class Member:
    """An alert in a group.

    `waiting` are transitions still to be sent; `is_quiet` is whether the alert was quiet at the last tick. `escalated`
    counts the steps taken; `escalated_to` are the channels that they reached, which are told of an acknowledgement.
    """

    alert: str
    fired_ms: int
    waiting: tuple[Transition, ...] = ()
    is_quiet: bool = False
    escalated: int = 0
    escalated_to: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class NotificationGroup:
    """Alerts that are sent together.

    `due_ms` is when waiting transitions are sent, `told_ms` the last delivery (0: none); `number` counts deliveries.
    `members` by the id of their alert; `labels` are those of `group_by` that its alerts have.
    """

    key: str
    route: str
    opened_ms: int
    due_ms: int
    told_ms: int = 0
    number: int = 0
    members: dict[str, Member] = field(default_factory=dict)
    labels: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Outbox:
    """What planning must remember from tick to tick.

    `told` holds, for each alert that somebody was notified of, its channels with the key of the group that notified
    them: only that group sends the end.
    """

    groups: Mapping[str, NotificationGroup] = field(default_factory=dict)
    told: Mapping[str, Mapping[str, str]] = field(default_factory=dict)


def delivery_id(group: NotificationGroup, number: int, channel: str) -> str:
    """Return the id of a delivery: 24 hexadecimal digits."""
    return sha256(f"{group.key}\n{group.opened_ms}\n{number}\n{channel}".encode()).hexdigest()[:24]
