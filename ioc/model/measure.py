"""A measure: what a reading measures, as the catalogue declares it."""

from dataclasses import dataclass
from enum import StrEnum


class MeasureKind(StrEnum):
    """`gauge`: a state at a moment (a level); `delta`: an amount since the reading before (a count)."""

    GAUGE = "gauge"
    DELTA = "delta"


@dataclass(frozen=True, slots=True)
class Measure:
    """Declaration of a measure. A value outside [`least`, `most`] is unfit.

    `keeps_subject`: panes tell the subjects (stations, devices) apart; otherwise they are merged.
    `quantiles`: panes carry a histogram with ≤ 1 % relative error; `distinct`: a sketch of distinct subjects, ≤ 2 %.
    """

    id: str
    name: dict[str, str]
    unit_of_measure: str
    kind: MeasureKind
    least: float = float("-inf")
    most: float = float("inf")
    keeps_subject: bool = False
    quantiles: bool = False
    distinct: bool = False
