"""Rules: when the value of a KPI is an alert, how severe it is, and who is responsible for it."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import time, timedelta
from enum import StrEnum

from ioc.model.unit import UnitLevel


class Severity(StrEnum):
    """The severity of an alert, most severe first.

    `rank` 1 is the most severe; it is shown beside colour and shape (diamond, triangle, square, circle).
    """

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
"""The name of each severity, by language."""


class Lack(StrEnum):
    """What may be wrong with a KPI's data."""

    MISSING = "missing"
    STALE = "stale"
    INSUFFICIENT = "insufficient"


@dataclass(frozen=True, slots=True)
class Limits:
    """Limits with hysteresis.

    The rule fires strictly above `fires_above` or strictly below `fires_below` (both set: outside a band). It clears
    strictly below `clears_below` and strictly above `clears_above`; where one of these is None, as soon as it does not
    fire.
    """

    fires_above: float | None = None
    fires_below: float | None = None
    clears_below: float | None = None
    clears_above: float | None = None


@dataclass(frozen=True, slots=True)
class Threshold:
    """Compare the KPI's value with limits."""

    kpi: str
    limits: Limits


@dataclass(frozen=True, slots=True)
class Change:
    """Compare the KPI's value now minus its value `over` ago with limits."""

    kpi: str
    over: timedelta
    limits: Limits


@dataclass(frozen=True, slots=True)
class Deviation:
    """Compare a robust z-score with limits.

    It is (value - median) / (1.4826 * MAD) of the same hour in the last `weeks` weeks. Without spread in those weeks
    any other value is infinitely far away.
    """

    kpi: str
    weeks: int
    limits: Limits


@dataclass(frozen=True, slots=True)
class DataLack:
    """The KPI's data are missing, stale or too few."""

    kpi: str
    lack: Lack


@dataclass(frozen=True, slots=True)
class TargetMissed:
    """The KPI's value is worse than its target of the year."""

    kpi: str


Leaf = Threshold | Change | Deviation | DataLack | TargetMissed


@dataclass(frozen=True, slots=True)
class AllOf:
    """Fire when all members fire, clear when one clears."""

    members: tuple["Condition", ...]


@dataclass(frozen=True, slots=True)
class AnyOf:
    """Fire when one member fires, clear when all clear."""

    members: tuple["Condition", ...]


Condition = Leaf | AllOf | AnyOf


def leaves(condition: Condition) -> Iterator[Leaf]:
    """Yield the conditions without members, in the order in which they are written."""
    if isinstance(condition, AllOf | AnyOf):
        for member in condition.members:
            yield from leaves(member)
    else:
        yield condition


@dataclass(frozen=True, slots=True)
class ActiveHours:
    """Part of a day, half-open, in the province's zone; over midnight when `until` is not after `since`.

    `weekdays` are 0 (Monday) to 6; `working_days` excludes days off and includes weekend days that are worked, by the
    province's calendar.
    """

    since: time
    until: time
    weekdays: frozenset[int] = frozenset(range(7))
    working_days: bool = False


@dataclass(frozen=True, slots=True)
class Rule:
    """One `[[rule]]` of a definition file.

    `units` is a level of unit, or codes. `held_for`: how long the condition must hold before the rule fires;
    `keep_firing_for`: how long it must have cleared before the alert ends. Data with fewer than `least_samples` samples
    neither fire nor clear it. Outside `active` (empty: always) its alerts are quiet. A latching alert ends only after
    somebody has acknowledged it. `version` is a short hash of everything that affects when it fires.
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
        """The KPI that the alert shows: that of the first condition."""
        return next(leaves(self.condition)).kpi


RESERVED_LABELS = ("rule", "kpi", "unit", "sector", "severity", "owner", "source")
"""Labels that every alert has."""
