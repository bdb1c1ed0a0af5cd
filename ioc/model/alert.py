"""An alert: what a rule says about a unit, from its onset to its end."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from ioc.model.rule import Severity


class ConditionState(StrEnum):
    """What the data say. `pending`: the limit is passed, not yet for long enough; `recovering`: cleared, not yet for
    long enough; `no_data` (too few or too old also) and `error` only where there is no alert to keep."""

    NORMAL = "normal"
    PENDING = "pending"
    FIRING = "firing"
    RECOVERING = "recovering"
    NO_DATA = "no_data"
    ERROR = "error"


class Handling(StrEnum):
    """What people have done about it (ISA-18.2)."""

    UNACKNOWLEDGED = "unacknowledged"
    ACKNOWLEDGED = "acknowledged"
    SHELVED = "shelved"
    OUT_OF_SERVICE = "out_of_service"


class Suppression(StrEnum):
    """Why an alert makes no noise though nobody has put it aside by itself."""

    SILENCED_BY = "silenced_by"
    INHIBITED_BY = "inhibited_by"
    OUTSIDE_HOURS = "outside_hours"


@dataclass(frozen=True, slots=True)
class Reason:
    """`of` is the id of the silence, the inhibiting alert, or the rule whose hours are over; `text` one sentence."""

    kind: Suppression
    of: str
    text: str


class TransitionKind(StrEnum):
    """`cancelled` ends what was only pending; `firing_again` comes out of `recovering`."""

    PENDING = "pending"
    CANCELLED = "cancelled"
    FIRING = "firing"
    RECOVERING = "recovering"
    FIRING_AGAIN = "firing_again"
    RESOLVED = "resolved"


def alert_id(rule: str, unit: str, onset_ms: int) -> str:
    """The same for the same alert, however often it is computed."""
    return f"{rule}/{unit}/{onset_ms}"


@dataclass(frozen=True, slots=True)
class Transition:
    """One step in the life of an alert, times in ms since 1970 UTC.

    `id` is the alert's id with the kind, and with the time for the two kinds that may come again, so that a transition
    computed twice is known as one. `value` is the KPI's, None without. `reason` is empty when the data caused it.
    """

    id: str
    kind: TransitionKind
    at_ms: int
    rule: str
    unit: str
    onset_ms: int
    severity: Severity
    value: float | None = None
    rule_version: str = ""
    reason: str = ""

    @property
    def alert(self) -> str:
        return alert_id(self.rule, self.unit, self.onset_ms)

    @classmethod
    def of(
        cls,
        kind: TransitionKind,
        at_ms: int,
        rule: str,
        unit: str,
        onset_ms: int,
        severity: Severity,
        value: float | None = None,
        rule_version: str = "",
        reason: str = "",
    ) -> "Transition":
        """With its id."""
        named = f"{alert_id(rule, unit, onset_ms)}/{kind}"
        if kind in (TransitionKind.RECOVERING, TransitionKind.FIRING_AGAIN):
            named = f"{named}/{at_ms}"
        return cls(named, kind, at_ms, rule, unit, onset_ms, severity, value, rule_version, reason)


@dataclass(frozen=True, slots=True)
class Alert:
    """An alert that is pending, firing or recovering, as it stands. `since_ms` is when it fired, 0 while pending;
    `data` is the freshness of the data behind it. `labels` are its rule's with those it has by itself. `revision`
    counts the changes of what another system says of its alert."""

    id: str
    rule: str
    unit: str
    condition: ConditionState
    severity: Severity
    labels: Mapping[str, str]
    onset_ms: int
    since_ms: int
    value: float | None = None
    data: str = ""
    handling: Handling = Handling.UNACKNOWLEDGED
    handled: str = ""
    suppression: tuple[Reason, ...] = field(default=())
    revision: int = 0

    @property
    def is_quiet(self) -> bool:
        """Nobody is notified of it now."""
        return bool(self.suppression) or self.handling in (Handling.SHELVED, Handling.OUT_OF_SERVICE)
