"""Keep the versions of cases that a system can return now, in the order in which they are seen."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from ioc.demo.calendar import MS_A_DAY
from ioc.demo.habits import RunsLate
from ioc.demo.noise import Ints
from ioc.demo.places import World
from ioc.demo.world import dossiers, life_cycles, petitions
from ioc.demo.world.cases import Cases, CaseVersion, Versions
from ioc.demo.world.profile_files import CaseProfile
from ioc.demo.world.readings import local

KEPT_MS = 14 * MS_A_DAY
"""A system returns versions of the last two weeks; the centre has asked for them long before."""
_WEEK = 7


@dataclass(frozen=True)
class CaseKind:
    """One kind of cases.

    `make` returns those received on local days in [first, last). `seen_after_ms` returns how long their steps take to
    be seen. `max_open_days` are the calendar days after which every case is closed.
    """

    make: Callable[[World, int, int], Cases]
    seen_after_ms: Callable[[World, Cases], Ints | int]
    max_open_days: int


DOSSIERS = CaseKind(dossiers.dossiers, lambda _world, _cases: 0, dossiers.MAX_OPEN_DAYS)
PETITIONS = CaseKind(petitions.petitions, RunsLate().seen_after_ms, petitions.MAX_OPEN_DAYS)


def profiled(profile: CaseProfile) -> CaseKind:
    """Return the kind of a profile's cases, whose steps are seen at once."""
    return CaseKind(
        lambda world, first_day, last_day: life_cycles.cases(world, profile, first_day, last_day),
        lambda _world, _cases: 0,
        profile.max_open_days,
    )


class CaseBook:
    """The versions seen from `began_at_ms` on; they are made again when a local day begins."""

    def __init__(self, world: World, kind: CaseKind, began_at_ms: int) -> None:
        self._world, self._kind, self._began_at_ms = world, kind, began_at_ms
        self._day = -1
        self._versions: Versions | None = None

    def between(self, since_ms: int, now_ms: int, first: int, count: int) -> tuple[list[CaseVersion], int]:
        """Return `count` of the versions seen in [since_ms, now_ms] from number `first` on, and the number of all."""
        versions = self._of_today(now_ms)
        low = int(np.searchsorted(versions.seen_ms, since_ms, side="left"))
        high = int(np.searchsorted(versions.seen_ms, now_ms, side="right"))
        page = range(min(low + first, high), min(low + first + count, high))
        return [versions.version(index) for index in page], max(high - low, 0)

    def _of_today(self, now_ms: int) -> Versions:
        day = int(local(self._world, np.array([now_ms]))[0][0])
        if self._versions is None or day != self._day:
            kept_from_ms = max(self._began_at_ms, now_ms - KEPT_MS)
            first_day = int(local(self._world, np.array([kept_from_ms]))[0][0]) - self._kind.max_open_days
            # Week by week, since most of what is made is dropped at once.
            weeks = [
                self._seen(week, min(week + _WEEK, day + 1), kept_from_ms, now_ms + 2 * MS_A_DAY)
                for week in range(first_day, day + 1, _WEEK)
            ]
            self._day, self._versions = day, Versions.joined(weeks)
        return self._versions

    def _seen(self, first_day: int, last_day: int, from_ms: int, to_ms: int) -> Versions:
        cases = self._kind.make(self._world, first_day, last_day)
        return cases.versions(from_ms, to_ms, self._kind.seen_after_ms(self._world, cases)).compact()
