"""A KPI: its definition, and a value of it."""

from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from enum import StrEnum

from ioc.model.unit import UnitLevel
from ioc.model.window import Window


class Freshness(StrEnum):
    """`live`: enough samples, recent; `stale`: the newest sample is older than the limit; `insufficient`: fewer samples
    than the definition asks; `no_data`: none at all in the window."""

    LIVE = "live"
    STALE = "stale"
    INSUFFICIENT = "insufficient"
    NO_DATA = "no_data"


class RollUp(StrEnum):
    """How a province's value comes from its communes: `merge` panes or cases and compute anew (right for means, ratios,
    quantiles), `sum` or `mean` of the communes' values, or `none`: the KPI speaks of its own unit only."""

    MERGE = "merge"
    SUM = "sum"
    MEAN = "mean"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class MeasureAggregate:
    """`take`: count, sum, mean, min, max, last, rate, stddev, quantile, distinct.

    `per` is the length that a rate is of; `q` in (0, 1) the quantile. `last` over several subjects is their mean.
    """

    measure: str
    take: str
    per: timedelta | None = None
    q: float | None = None


@dataclass(frozen=True, slots=True)
class CaseCount:
    """Cases of a type that meet `where` (SQL over the case's columns; `now` is the moment of evaluation).

    `at` names the time column that must lie in the window; empty for a state that holds now.
    """

    of: str
    where: str
    at: str = ""


@dataclass(frozen=True, slots=True)
class CaseSum:
    """Sum of a numeric attribute `field` over the cases that meet `where`."""

    of: str
    field: str
    where: str
    at: str = ""


@dataclass(frozen=True, slots=True)
class CaseDistinct:
    """How many different values `field` (service, channel, or an attribute) has among the cases that meet `where`."""

    of: str
    field: str
    where: str
    at: str = ""


@dataclass(frozen=True, slots=True)
class CaseRatio:
    """100 × cases that meet `where` and `over`, by cases that meet `over`. Samples are the cases of `over`."""

    of: str
    where: str
    over: str
    at: str = ""


@dataclass(frozen=True, slots=True)
class CaseTime:
    """Time between two columns of a case, in units of `per`; `until` is `now` for the age of what is open.

    `take`: mean, min, max, quantile. When `working`, whole working days are counted, and `per` is a number of those.
    """

    of: str
    since: str
    until: str
    where: str
    take: str
    per: timedelta
    at: str = ""
    q: float | None = None
    working: bool = False


@dataclass(frozen=True, slots=True)
class Formula:
    """Arithmetic over other KPIs' and constants' ids: + - * / ( ), numbers, min(), max(), scale(). A division by zero
    gives `when_zero`, or no data when that is None. Samples are the least of its parts'; it is as stale as its stalest
    part. `parts` are KPIs, `constants` those whose value in force at the end of the window takes part."""

    text: str
    parts: tuple[str, ...]
    when_zero: float | None = None
    constants: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ConstantValue:
    """What a constant is from a day on (in the province's zone), until the day `until` (None: the next value's)."""

    valid_from: date
    value: float
    basis: str
    until: date | None = None


@dataclass(frozen=True, slots=True)
class Constant:
    """A figure that a decision set and another may change: a price, a threshold, a cap. `values` by time, apart."""

    id: str
    name: dict[str, str]
    values: tuple[ConstantValue, ...]

    def at(self, day: date) -> float | None:
        """The value in force on a day, None when there is none."""
        held = [value for value in self.values if value.valid_from <= day]
        if not held or (held[-1].until is not None and day >= held[-1].until):
            return None
        return held[-1].value


Expression = MeasureAggregate | CaseCount | CaseSum | CaseDistinct | CaseRatio | CaseTime | Formula


@dataclass(frozen=True, slots=True)
class Target:
    """What a KPI should reach in a year; exactly one of the two bounds is set."""

    year: int
    at_least: float | None = None
    at_most: float | None = None
    basis: str = ""


@dataclass(frozen=True, slots=True)
class Band:
    """A word for values from `bound` up (`above`: strictly); the last band of a KPI has no bound."""

    name: dict[str, str]
    bound: float | None = None
    above: bool = False

    def holds(self, value: float) -> bool:
        return self.bound is None or value > self.bound or (value == self.bound and not self.above)


@dataclass(frozen=True, slots=True)
class Reference:
    """A figure to compare with: the country's, or one of the past."""

    name: dict[str, str]
    value: float
    at: date
    basis: str


EVERY_PLACE = (UnitLevel.PROVINCE, UnitLevel.COMMUNE)


@dataclass(frozen=True, slots=True)
class KpiDefinition:
    """One `[[kpi]]` of a pack, or one window of it. `version` is a short hash of what changes its values; `per` are the
    levels of unit it speaks of, other units have no value of it; `family` is the id of the `[[kpi]]` that has several
    windows, empty for one with its own; `share`: the formula divides a part by its whole, so that no value lies above
    100 %."""

    id: str
    sector: str
    name: dict[str, str]
    unit_of_measure: str
    window: Window
    window_text: str
    expression: Expression
    version: str
    roll_up: RollUp = RollUp.MERGE
    targets: tuple[Target, ...] = ()
    fresh_within: timedelta | None = None
    min_samples: int = 1
    digits: int = 1
    basis: str = ""
    short_name: dict[str, str] = field(default_factory=dict)
    per: tuple[UnitLevel, ...] = EVERY_PLACE
    bands: tuple[Band, ...] = ()
    references: tuple[Reference, ...] = ()
    family: str = ""
    share: bool = False

    def target_of(self, year: int) -> Target | None:
        """The target of the year, or of the latest year before it that has one."""
        return max((target for target in self.targets if target.year <= year), key=lambda t: t.year, default=None)

    def band_of(self, value: float) -> Band | None:
        """The band that a value lies in; sums of shares are taken to nine digits, so that 90 is 90."""
        return next((band for band in self.bands if band.holds(round(value, 9))), None)


@dataclass(frozen=True, slots=True)
class KpiValue:
    """One value of one KPI for one unit, as published.

    `value` is None unless there is data enough; `as_of` is the time of the newest data behind it, None without data;
    `window` is half-open; `samples` counts readings or cases; `restated_at` is when the latest closed period of the
    KPI (the one it speaks of, or the one before the running one) last got another value than was published, or None.
    `reported` is False while the unit never reported what the KPI is made of.
    """

    id: str
    unit: str
    value: float | None
    unit_of_measure: str
    as_of: datetime | None
    window_from: datetime
    window_to: datetime
    samples: int
    freshness: Freshness
    target: Target | None
    definition_version: str
    restated_at: datetime | None = None
    reported: bool = True
