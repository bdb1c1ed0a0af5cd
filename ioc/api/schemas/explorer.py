"""Answers of the explorer as JSON: series, contributions to a change, forecasts, SQL."""

from typing import Any, Literal, NotRequired

from typing_extensions import TypedDict

from ioc.api.schemas.kpis import TargetShape
from ioc.api.schemas.times import SpanShape


class RawSnapshotShape(TypedDict):
    """The time of the snapshot that was read."""

    taken_at: str


PeriodShape = TypedDict("PeriodShape", {"from": str | None, "to": str, "partial": Literal["", "running", "data"]})
"""The span [from, to) that a point covers; `from` is null where it has no beginning. `partial`: its period still runs
(`running`), or data begin only within it (`data`)."""


class UnitSeriesShape(TypedDict):
    """Values and samples of a unit, one for each time. `restated` are positions of restated points."""

    unit: str
    values: list[float | None]
    samples: list[int]
    restated: list[int]


class EarlierSeriesShape(TypedDict):
    """The same series a year before."""

    times: list[str]
    series: list[UnitSeriesShape]


TargetSpanShape = TypedDict(
    "TargetSpanShape",
    {
        "from": str, "to": str, "year": int, "at_least": NotRequired[float], "at_most": NotRequired[float | None],
        "basis": str,
    },
)  # fmt: skip
"""A target and the span in which it applies."""


class SeriesShape(TypedDict):
    """A KPI of several units over time. All lists of values have one item for each of `times`."""

    id: str
    step: str
    times: list[str]
    periods: list[PeriodShape]
    series: list[UnitSeriesShape]
    last_year: EarlierSeriesShape | None
    targets: list[TargetSpanShape]
    snapshot: RawSnapshotShape


class MomentValueShape(TypedDict):
    """The value of a KPI at a moment, with the window it covers."""

    time: str
    value: float | None
    samples: int
    window: SpanShape


class ContributionShape(TypedDict):
    """What a group contributed to a change: `total` in all; for a ratio by its `rate` and its `mix` (its share).

    `before` and `after` are the group's own values; `share` are its shares before and after.
    """

    key: str
    before: float | None
    after: float | None
    share: list[float]
    rate: float
    mix: float
    total: float


class GroupingShape(TypedDict):
    """Contributions by a property; `rest` sums up the groups that are not listed."""

    by: Literal["unit", "channel", "service", "status"]
    groups: list[ContributionShape]
    rest: ContributionShape | None


class PartEffectShape(TypedDict):
    """A part of a formula, and what its change contributed."""

    id: str
    before: float
    after: float
    effect: float


class ChangeShape(TypedDict):
    """What made a KPI change between two moments. The contributions of a grouping add up to the change."""

    id: str
    unit: str
    method: Literal["amount", "ratio", "formula", "no_value", "not_additive"]
    before: MomentValueShape
    after: MomentValueShape
    groupings: list[GroupingShape]
    parts: list[PartEffectShape]
    snapshot: RawSnapshotShape


class ModelScoreShape(TypedDict):
    """A model's mean absolute error and the coverage of its interval, over all backtests."""

    model: str
    mae: float
    coverage: float
    widening: float


class ForecastPointShape(TypedDict):
    """A forecast value with the interval [low, high] that holds four of five."""

    time: str
    value: float
    low: float
    high: float


class ForecastShape(TypedDict):
    """The forecast of a KPI to the end of the year.

    `reason` says why there is none, and is empty otherwise. The first of `scores` is the model in use. `chance` is the
    probability (0 to 1) of meeting the target; null without one.
    """

    id: str
    unit: str
    year: int
    reason: str
    reason_message: dict[str, Any] | None
    step_days: int
    season: int
    history: int
    origins: int
    behaviour: Literal["amount", "ratio", "level", ""]
    scores: list[ModelScoreShape]
    path: list[ForecastPointShape]
    target: TargetShape | None
    chance: float | None
    snapshot: RawSnapshotShape


class KpiSqlShape(TypedDict):
    """SQL over the lab's views that returns what a chart shows.

    `reads` is `definition` where it calculates the values, or the view of ready values that it reads, with the reason
    in `why`. `time_column` is the column for the axis of a chart.
    """

    sql: str
    reads: str
    why: str
    why_message: dict[str, Any] | None
    time_column: Literal["from", "to"]
