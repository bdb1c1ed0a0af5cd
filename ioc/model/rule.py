"""A rule: when something about a KPI is an alert, how grave, and who minds it."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import time, timedelta
from enum import StrEnum

from ioc.model.unit import UnitLevel


class Severity(StrEnum):
    """In the order of gravity. `rank` 1 is the gravest; it is shown beside colour and shape (diamond, triangle, square,
    circle)."""

    CRITICAL = "critical"
    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"

    @property
    def rank(self) -> int:
        return list(Severity).index(self) + 1


SEVERITY_NAMES = {
    "vi": {"critical": "Nghiêm trọng", "high": "Cao", "medium": "Trung bình", "low": "Thấp"},
    "en": {"critical": "Critical", "high": "High", "medium": "Medium", "low": "Low"},
}
"""The one name of each severity, by language."""


class Lack(StrEnum):
    """What may be wrong with a KPI's data; the words of its freshness."""

    MISSING = "missing"
    STALE = "stale"
    INSUFFICIENT = "insufficient"


@dataclass(frozen=True, slots=True)
class Limits:
    """Fires strictly above `fires_above` or strictly below `fires_below` (both set: outside a band). Clears strictly
    below `clears_below` and strictly above `clears_above`; where one of these is None, as soon as it does not fire."""

    fires_above: float | None = None
    fires_below: float | None = None
    clears_below: float | None = None
    clears_above: float | None = None


@dataclass(frozen=True, slots=True)
class Threshold:
    """The KPI's value against limits."""

    kpi: str
    limits: Limits


@dataclass(frozen=True, slots=True)
class Change:
    """The KPI's value now minus its value `over` ago, against limits."""

    kpi: str
    over: timedelta
    limits: Limits


@dataclass(frozen=True, slots=True)
class Deviation:
    """Robust z-score (value - median) / (1.4826 * MAD) against the same hour of the `weeks` weeks before, against
    limits. Without spread in those weeks any other value is infinitely far."""

    kpi: str
    weeks: int
    limits: Limits


@dataclass(frozen=True, slots=True)
class DataLack:
    """The KPI's data are missing, stale, or too few."""

    kpi: str
    lack: Lack


@dataclass(frozen=True, slots=True)
class TargetMissed:
    """The KPI's value is worse than its target of the year."""

    kpi: str


Leaf = Threshold | Change | Deviation | DataLack | TargetMissed


@dataclass(frozen=True, slots=True)
class AllOf:
    """Fires when every member fires, clears when one clears."""

    members: tuple["Condition", ...]


@dataclass(frozen=True, slots=True)
class AnyOf:
    """Fires when one member fires, clears when every one clears."""

    members: tuple["Condition", ...]


Condition = Leaf | AllOf | AnyOf


def leaves(condition: Condition) -> Iterator[Leaf]:
    """In the order in which they are written."""
    if isinstance(condition, AllOf | AnyOf):
        for member in condition.members:
            yield from leaves(member)
    else:
        yield condition


@dataclass(frozen=True, slots=True)
class ActiveHours:
    """Part of a day, half-open, in the province's zone, over midnight when `until` is not after `since`. `weekdays` are
    0 (Monday) to 6; `working_days` leaves out days off and takes in days made up for, by the province's calendar."""

    since: time
    until: time
    weekdays: frozenset[int] = frozenset(range(7))
    working_days: bool = False


@dataclass(frozen=True, slots=True)
class Rule:
    """One `[[rule]]` of a pack.

    `units` is a level of unit, or codes. `held_for`: how long the condition must be known to hold before it fires;
    `keep_firing_for`: how long it must have cleared before the alert ends. Data with fewer than `least_samples` neither
    fire nor clear. Outside `active` (empty: always) an alert makes no noise. A latching alert ends only once somebody
    has acknowledged it. `version` is a short hash of what changes when it fires.
    """

    id: str
    name: dict[str, str]
    sector: str
    condition: Condition
    units: UnitLevel | tuple[str, ...]
    severity: Severity
    version: str
    held_for: timedelta = timedelta()
    keep_firing_for: timedelta = timedelta()
    least_samples: int = 0
    active: tuple[ActiveHours, ...] = ()
    labels: Mapping[str, str] = field(default_factory=dict)
    procedure: str = ""
    owner: str = ""
    latching: bool = False

    @property
    def kpi(self) -> str:
        """The KPI that the alert shows: that of the first leaf."""
        return next(leaves(self.condition)).kpi


RESERVED_LABELS = ("rule", "kpi", "unit", "sector", "severity", "owner", "source")
"""Labels that every alert has by itself."""
