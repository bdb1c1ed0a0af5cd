"""Inputs of a tick: the values of KPIs, and the past values that some rules compare with."""

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
    """State of a value, worst first.

    These are evaluation's codes, and two more: ERROR for a value that could not be computed, and UNREPORTED for a unit
    that never reported what the KPI is made of; rules do not fire on it.
    """

    UNREPORTED = -2
    ERROR = -1
    NO_DATA = 0
    INSUFFICIENT = 1
    STALE = 2
    LIVE = 3


@dataclass(frozen=True, slots=True)
class Values:
    """One KPI: arrays with one entry per unit. `value` is NaN where there is none, `state` has codes of DataState."""

    units: tuple[str, ...]
    value: Reals
    samples: Times
    state: Codes


@dataclass(frozen=True, slots=True)
class Usual:
    """Median and median absolute deviation of the same hour of past weeks, one entry per unit; NaN where unknown."""

    units: tuple[str, ...]
    median: Reals
    mad: Reals


@dataclass(frozen=True, slots=True)
class Needs:
    """What `Inputs` must contain for a set of rules.

    `earlier` has (KPI, how far back in ms), `usual` has (KPI, number of weeks).
    """

    kpis: frozenset[str]
    earlier: frozenset[tuple[str, int]]
    usual: frozenset[tuple[str, int]]

    @classmethod
    def of(cls, rules: Iterable[Rule]) -> "Needs":
        """Return the needs of these rules."""
        found = [leaf for rule in rules for leaf in leaves(rule.condition)]
        return cls(
            frozenset(leaf.kpi for leaf in found),
            frozenset((leaf.kpi, milliseconds(leaf.over)) for leaf in found if isinstance(leaf, Change)),
            frozenset((leaf.kpi, leaf.weeks) for leaf in found if isinstance(leaf, Deviation)),
        )


@dataclass(frozen=True, slots=True)
class Inputs:
    """Values at one tick.

    A KPI that is missing in `kpis` is in error. Values missing in `earlier` and `usual` (keys as in Needs) are
    unknown: a rule that needs them neither fires nor clears.
    """

    now_ms: int
    kpis: Mapping[str, Values]
    earlier: Mapping[tuple[str, int], Values] = field(default_factory=dict)
    usual: Mapping[tuple[str, int], Usual] = field(default_factory=dict)


def milliseconds(length: timedelta) -> int:
    """Return a duration in whole milliseconds."""
    return length // _MS
