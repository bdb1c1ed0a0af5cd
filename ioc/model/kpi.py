"""KPIs: their definitions, expressions and values."""

from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from enum import StrEnum

from ioc.model.unit import UnitLevel
from ioc.model.window import Window


class Freshness(StrEnum):
    """How complete and recent the data behind a value are.

    `live`: enough samples, recent; `stale`: the newest sample is older than the limit; `insufficient`: fewer samples
    than the definition requires; `no_data`: none in the window.
    """

    LIVE = "live"
    STALE = "stale"
    INSUFFICIENT = "insufficient"
    NO_DATA = "no_data"


class RollUp(StrEnum):
    """How the province's value is computed from its communes.

    `merge`: from all panes or cases together (right for means, ratios, quantiles); `sum` or `mean` of the communes'
    values; `none`: each unit has only its own value.
    """

    MERGE = "merge"
    SUM = "sum"
    MEAN = "mean"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class MeasureAggregate:
    """An aggregate of a measure's readings.

    `take`: count, sum, mean, min, max, last, rate, stddev, quantile, distinct, nowcast. `per` is the duration that a
    rate is stated for; `q` in (0, 1) is the quantile. `last` over several subjects is the mean of their last values.
    """

    measure: str
    take: str
    per: timedelta | None = None
    q: float | None = None


@dataclass(frozen=True, slots=True)
class CaseCount:
    """The number of cases of a type that meet `where` (SQL over the case's columns; `now` is the moment of evaluation).

    `at` names the time column that must lie in the window; it is empty for a state at this moment.
    """

    of: str
    where: str
    at: str = ""


@dataclass(frozen=True, slots=True)
class CaseSum:
    """The sum of a numeric attribute `field` over the cases that meet `where`."""

    of: str
    field: str
    where: str
    at: str = ""


@dataclass(frozen=True, slots=True)
class CaseDistinct:
    """The number of different values of `field` among the cases that meet `where`.

    `field` is service, channel or an attribute.
    """

    of: str
    field: str
    where: str
    at: str = ""


@dataclass(frozen=True, slots=True)
class CaseRatio:
    """The percentage of the cases meeting `over` that also meet `where`. Samples are the cases meeting `over`."""

    of: str
    where: str
    over: str
    at: str = ""


@dataclass(frozen=True, slots=True)
class CaseTime:
    """The time between two columns of a case, in units of `per`; `until` is `now` for the age of open cases.

    `take`: mean, min, max, quantile. When `working`, whole working days are counted and `per` is a number of them.
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
    """Arithmetic over other KPIs and constants: + - * / ( ), numbers, min(), max(), scale().

    A division by zero gives `when_zero`, or no data when that is None. The samples are the fewest of any part; the
    freshness is that of the stalest part. `parts` are ids of KPIs, `constants` ids of constants; the value of a
    constant is the one in force at the end of the window.
    """

    text: str
    parts: tuple[str, ...]
    when_zero: float | None = None
    constants: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ConstantValue:
    """The value of a constant from a day on, in the province's zone.

    It holds until the day `until`; None: until the next value.
    """

    valid_from: date
    value: float
    basis: str
    until: date | None = None


@dataclass(frozen=True, slots=True)
class Constant:
    """A figure that a decision sets and another may change: a price, a threshold, a cap.

    `values` are in order of time.
    """

    id: str
    name: dict[str, str]
    values: tuple[ConstantValue, ...]

    def at(self, day: date) -> float | None:
        """Return the value in force on a day, None when there is none."""
        held = [value for value in self.values if value.valid_from <= day]
        if not held or (held[-1].until is not None and day >= held[-1].until):
            return None
        return held[-1].value


Expression = MeasureAggregate | CaseCount | CaseSum | CaseDistinct | CaseRatio | CaseTime | Formula


@dataclass(frozen=True, slots=True)
class Target:
    """The value that a KPI should reach in a year; exactly one of the two bounds is set."""

    year: int
    at_least: float | None = None
    at_most: float | None = None
    basis: str = ""


@dataclass(frozen=True, slots=True)
class Band:
    """A name for values from `bound` upwards (`above`: strictly above it); the last band of a KPI has no bound."""

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
    """One `[[kpi]]` of a definition file, or one window of it.

    `version` is a short hash of everything that affects its values. `per` are the levels of unit that have a value.
    `family` is the id of the `[[kpi]]` with several windows, empty for a KPI with one. `share`: the formula divides a
    part by its whole, so no value exceeds 100 %.
    """

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
        """Return the target of the year, or of the latest earlier year that has one."""
        return max((target for target in self.targets if target.year <= year), key=lambda t: t.year, default=None)

    def band_of(self, value: float) -> Band | None:
        """Return the band of a value; the value is rounded to nine digits, so that a sum of shares of 90 % is 90."""
        return next((band for band in self.bands if band.holds(round(value, 9))), None)


@dataclass(frozen=True, slots=True)
class KpiValue:
    """One value of one KPI for one unit, as published.

    `value` is None unless there is enough data; `as_of` is the time of the newest data behind it, None without data;
    the window is half-open; `samples` counts readings or cases. `restated_at` is when the value of the KPI's latest
    closed period last changed after it had been published, or None. `reported` is False while the unit never reported
    what the KPI is made of.
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
