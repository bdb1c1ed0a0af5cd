"""An alert: the state of a rule for a unit, from its onset to its end."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from ioc.model.rule import Severity


class ConditionState(StrEnum):
    """What the data say about an alert.

    `pending`: the limit is passed, but not for long enough yet; `recovering`: it is no longer passed, but not for long
    enough yet. `no_data` (also too few or too old data) and `error` occur only where there is no alert to keep.
    """

    NORMAL = "normal"
    PENDING = "pending"
    FIRING = "firing"
    RECOVERING = "recovering"
    NO_DATA = "no_data"
    ERROR = "error"


class Handling(StrEnum):
    """What people have done about an alert (ISA-18.2)."""

    UNACKNOWLEDGED = "unacknowledged"
    ACKNOWLEDGED = "acknowledged"
    SHELVED = "shelved"
    OUT_OF_SERVICE = "out_of_service"


class Suppression(StrEnum):
    """Why an alert is quiet although nobody has shelved it."""

    SILENCED_BY = "silenced_by"
    INHIBITED_BY = "inhibited_by"
    OUTSIDE_HOURS = "outside_hours"


@dataclass(frozen=True, slots=True)
class SuppressionReason:
    """Why an alert is suppressed.

    `of` is the id of the silence, of the inhibiting alert, or of the rule outside its hours; `text` is one sentence.
    """

    kind: Suppression
    of: str
    text: str


class TransitionKind(StrEnum):
    """A step in the life of an alert. `cancelled` ends a pending alert; `firing_again` follows `recovering`."""

    PENDING = "pending"
    CANCELLED = "cancelled"
    FIRING = "firing"
    RECOVERING = "recovering"
    FIRING_AGAIN = "firing_again"
    RESOLVED = "resolved"


def alert_id(rule: str, unit: str, onset_ms: int) -> str:
    """Return the id of an alert: always the same for the same rule, unit and onset."""
    return f"{rule}/{unit}/{onset_ms}"


@dataclass(frozen=True, slots=True)
class Transition:
    """One step in the life of an alert, times in ms since 1970 UTC.

    `id` is the alert's id with the kind, and with the time for the two kinds that may repeat, so that a transition
    that is computed twice has the same id. `value` is the KPI's, or None. `reason` is empty when the data caused it.
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
    def of(  # noqa: PLR0913  one argument per field
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
        """Make a transition with its id."""
        named = f"{alert_id(rule, unit, onset_ms)}/{kind}"
        if kind in (TransitionKind.RECOVERING, TransitionKind.FIRING_AGAIN):
            named = f"{named}/{at_ms}"
        return cls(named, kind, at_ms, rule, unit, onset_ms, severity, value, rule_version, reason)


@dataclass(frozen=True, slots=True)
class Alert:
    """An alert that is pending, firing or recovering.

    `since_ms` is when it fired, 0 while pending; `data` is the freshness of the data behind it. `labels` are its rule's
    labels and its own. `revision` counts the changes that another system reports of its alert.
    """

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
    suppression: tuple[SuppressionReason, ...] = field(default=())
    revision: int = 0

    @property
    def is_quiet(self) -> bool:
        """Whether nobody is notified of the alert at present."""
        return bool(self.suppression) or self.handling in (Handling.SHELVED, Handling.OUT_OF_SERVICE)
