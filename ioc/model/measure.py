"""Measures: what readings measure, as the catalogue declares it."""

from dataclasses import dataclass
from enum import StrEnum


class MeasureKind(StrEnum):
    """`gauge` is a state at a moment (a level), `delta` an amount since the previous reading (a count)."""

    GAUGE = "gauge"
    DELTA = "delta"


@dataclass(frozen=True, slots=True)
class Measure:
    """The declaration of a measure. A value outside [`least`, `most`] is rejected.

    `keeps_subject`: panes are kept per subject (station, device); otherwise subjects are merged.
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
