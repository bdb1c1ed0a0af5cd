"""What a case system can show now: the versions of its cases since the centre was connected, by the time seen."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from ioc.demo.calendar import MS_A_DAY
from ioc.demo.habits import RunsLate
from ioc.demo.noise import Ints
from ioc.demo.places import World
from ioc.demo.world import dossiers, petitions
from ioc.demo.world.cases import Cases, Version, Versions
from ioc.demo.world.readings import local

KEPT_MS = 14 * MS_A_DAY
"""A system shows versions of the last two weeks; the centre has asked for them long before."""


@dataclass(frozen=True)
class CaseKind:
    """How cases of a type are made for local days in [first, last), how long their steps take to be seen (ms), and
    the most calendar days a case stays open."""

    make: Callable[[World, int, int], Cases]
    seen_after_ms: Callable[[World, Cases], Ints | int]
    longest_days: int


DOSSIERS = CaseKind(dossiers.dossiers, lambda _world, _cases: 0, dossiers.LONGEST_DAYS)
PETITIONS = CaseKind(petitions.petitions, RunsLate().seen_after_ms, petitions.LONGEST_DAYS)


class CaseBook:
    """Versions seen from `began_at_ms` on, made anew when a local day begins."""

    def __init__(self, world: World, kind: CaseKind, began_at_ms: int) -> None:
        self._world, self._kind, self._began_at_ms = world, kind, began_at_ms
        self._day = -1
        self._versions: Versions | None = None

    def between(self, since_ms: int, now_ms: int, first: int, count: int) -> tuple[list[Version], int]:
        """Versions seen in [since_ms, now_ms], in that order: `count` of them from the `first` on, and how many
        there are in all."""
        versions = self._of_today(now_ms)
        low = int(np.searchsorted(versions.seen_ms, since_ms, side="left"))
        high = int(np.searchsorted(versions.seen_ms, now_ms, side="right"))
        page = range(min(low + first, high), min(low + first + count, high))
        return [versions.version(place) for place in page], max(high - low, 0)

    def _of_today(self, now_ms: int) -> Versions:
        day = int(local(self._world, np.array([now_ms]))[0][0])
        if self._versions is None or day != self._day:
            kept_from_ms = max(self._began_at_ms, now_ms - KEPT_MS)
            first_day = int(local(self._world, np.array([kept_from_ms]))[0][0]) - self._kind.longest_days
            cases = self._kind.make(self._world, first_day, day + 1)
            self._day = day
            self._versions = _alone(
                cases.versions(kept_from_ms, now_ms + 2 * MS_A_DAY, self._kind.seen_after_ms(self._world, cases))
            )
        return self._versions


def _alone(versions: Versions) -> Versions:
    """Without the cases that have no version here, which are most."""
    kept, row = np.unique(versions.row, return_inverse=True)
    return Versions(versions.cases.rows(kept), row.astype(np.int64), versions.step, versions.seen_ms)
