"""Whom and when a history speaks of."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Moment:
    """A point in time with the window that ends there."""

    time: datetime
    window_from: datetime
    window_to: datetime


@dataclass(frozen=True, slots=True)
class Targets:
    """Units, each for itself, or all merged into one."""

    units: tuple[str, ...]
    merged: bool

    @property
    def size(self) -> int:
        return 1 if self.merged else len(self.units)


def merged_targets(units: Iterable[str]) -> Targets:
    """All of a province, as one."""
    return Targets(tuple(units), merged=True)
