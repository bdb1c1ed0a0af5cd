"""Groups of alerts that are told together, and the outbox that comes of them: plain records."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from hashlib import sha256

from ioc.model.alert import Transition


class DeliveryKind(StrEnum):
    """`transitions` tells what fired and ended; the others speak of alerts that were told before."""

    TRANSITIONS = "transitions"
    REPEAT = "repeat"
    ESCALATION = "escalation"
    DEESCALATION = "deescalation"


@dataclass(frozen=True, slots=True)
class Delivery:
    """One message to one channel. `id` is the same however often it is planned, so a shell writes it once and a
    receiver knows a repeat. Deliveries of one `lane` go out in their `order`; lanes do not wait for each other.

    `transitions` are told here for the only time on this channel, in the order of their times. `alerts` are the ids of
    all alerts that the message lists: those of the transitions, then, as Alertmanager does, all others of the group
    that fire and make noise. `labels` are those that the alerts of the group agree in.
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
        """A group that comes again counts anew, at a later time."""
        return self.at_ms, self.number


@dataclass(frozen=True, slots=True)
class Member:
    """An alert in a group. `waiting` is to be told; `is_quiet` as the alert last was. `escalated` counts the steps
    taken, `escalated_to` the channels that they reached and that are told when somebody has it."""

    alert: str
    fired_ms: int
    waiting: tuple[Transition, ...] = ()
    is_quiet: bool = False
    escalated: int = 0
    escalated_to: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Group:
    """`told_ms` is the last delivery (0: none); `number` counts deliveries. `members` by the id of their alert;
    `labels` are those of `group_by` that its alerts have."""

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
    """All that planning must remember. `told` holds, for each alert that somebody was told of, the channels with the
    key of the group that told them: only that group tells the end."""

    groups: Mapping[str, Group] = field(default_factory=dict)
    told: Mapping[str, Mapping[str, str]] = field(default_factory=dict)


def delivery_id(group: Group, number: int, channel: str) -> str:
    """24 hexadecimal digits."""
    return sha256(f"{group.key}\n{group.opened_ms}\n{number}\n{channel}".encode()).hexdigest()[:24]
