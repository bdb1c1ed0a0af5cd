"""Working days of offices: Monday to Friday without days off, and the weekend days that make up for some of them."""

from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from enum import StrEnum
from functools import cached_property

_DAY = timedelta(days=1)
_SATURDAY = 5


class YearState(StrEnum):
    """How well the days off of a year are known.

    `decided`: by decisions in force; `expected`: by the law, but a decision may still swap days; `computed`: by the
    law, and nobody has checked them.
    """

    DECIDED = "decided"
    EXPECTED = "expected"
    COMPUTED = "computed"


@dataclass(frozen=True, slots=True)
class Mark:
    """Why a day is off, or is worked although it is a weekend day. `certain` is False where the basis was not seen."""

    name: dict[str, str]
    basis: str
    certain: bool = True


@dataclass(frozen=True)
class Calendar:
    """Working days and days off from `first` to `last` (both included), in the province's zone.

    `off` may hold weekend days, `worked` only weekend days. A year that is not in `years` is computed.
    """

    first: date
    last: date
    off: Mapping[date, Mark] = field(default_factory=dict)
    worked: Mapping[date, Mark] = field(default_factory=dict)
    years: Mapping[int, YearState] = field(default_factory=dict)

    def is_working(self, day: date) -> bool:
        """Return whether offices work on `day`. Raises ValueError for a day outside the calendar, as all methods do."""
        self._known(day)
        return day in self.worked or (day.weekday() < _SATURDAY and day not in self.off)

    def working_days(self, since: date, until: date) -> int:
        """Count the working days after `since` up to and including `until`; negative when `until` is earlier."""
        self._known(since)
        self._known(until)
        return bisect_right(self._days, until) - bisect_right(self._days, since)

    def add_working_days(self, since: date, days: int) -> date:
        """Return the `days`-th working day after `since`; `since` itself for 0."""
        self._known(since)
        if days < 0:
            raise ValueError(f"{days} working days cannot be added; count from the other day.")
        if days == 0:
            return since
        place = bisect_right(self._days, since) + days - 1
        if place >= len(self._days):
            raise ValueError(f"{days} working days after {since} lie behind {self.last}, where the calendar ends.")
        return self._days[place]

    def state_of(self, year: int) -> YearState:
        """Return how well the days off of a year are known. Raises ValueError for a year outside the calendar."""
        self._known(date(year, 1, 1))
        return self.years.get(year, YearState.COMPUTED)

    def is_certain(self, day: date) -> bool:
        """Return whether a decision in force, whose basis was seen, makes `day` a working day or a day off."""
        mark = self.off.get(day) or self.worked.get(day)
        return self.state_of(day.year) is YearState.DECIDED and (mark is None or mark.certain)

    @cached_property
    def _days(self) -> list[date]:
        everyone = (self.first + _DAY * n for n in range((self.last - self.first).days + 1))
        return [day for day in everyone if self.is_working(day)]

    def _known(self, day: date) -> None:
        if not self.first <= day <= self.last:
            raise ValueError(f"{day} lies outside {self.first} to {self.last}, which the calendar knows.")
