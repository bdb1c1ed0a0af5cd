"""What the engine is told at a tick: the KPIs' values, and the past that some rules compare with."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from ioc.model.rule import Change, Deviation, Rule, leaves

Reals = NDArray[np.float64]
Times = NDArray[np.int64]
Codes = NDArray[np.int8]
Flags = NDArray[np.bool_]
Indices = NDArray[np.intp]

_MS = timedelta(milliseconds=1)


class DataState(IntEnum):
    """EngineState of a value, worst first; evaluation's codes, ERROR for what could not be computed at all, and
    UNREPORTED for a unit that never reported what the KPI is made of: rules on it sleep."""

    UNREPORTED = -2
    ERROR = -1
    NO_DATA = 0
    INSUFFICIENT = 1
    STALE = 2
    LIVE = 3


@dataclass(frozen=True, slots=True)
class Values:
    """One KPI: an entry a unit of `units`. `value` is NaN where there is none; `state` holds codes of DataState."""

    units: tuple[str, ...]
    value: Reals
    samples: Times
    state: Codes


@dataclass(frozen=True, slots=True)
class Usual:
    """Median and median absolute deviation of the same hour of past weeks, an entry a unit; NaN where unknown."""

    units: tuple[str, ...]
    median: Reals
    mad: Reals


@dataclass(frozen=True, slots=True)
class Needs:
    """What `Inputs` must hold for a set of rules: KPIs, KPIs with the stretch (ms) back to their earlier value, KPIs
    with the number of weeks of their usual value."""

    kpis: frozenset[str]
    earlier: frozenset[tuple[str, int]]
    usual: frozenset[tuple[str, int]]

    @classmethod
    def of(cls, rules: Iterable[Rule]) -> "Needs":
        found = [leaf for rule in rules for leaf in leaves(rule.condition)]
        return cls(
            frozenset(leaf.kpi for leaf in found),
            frozenset((leaf.kpi, milliseconds(leaf.over)) for leaf in found if isinstance(leaf, Change)),
            frozenset((leaf.kpi, leaf.weeks) for leaf in found if isinstance(leaf, Deviation)),
        )


@dataclass(frozen=True, slots=True)
class Inputs:
    """One tick. A KPI that is not in `kpis` is in error; what is not in `earlier` and `usual` (keys as in Needs) is
    unknown, and a rule that needs it neither fires nor clears."""

    now_ms: int
    kpis: Mapping[str, Values]
    earlier: Mapping[tuple[str, int], Values] = field(default_factory=dict)
    usual: Mapping[tuple[str, int], Usual] = field(default_factory=dict)


def milliseconds(length: timedelta) -> int:
    return length // _MS
