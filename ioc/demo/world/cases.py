"""Tables of simulated cases with all their steps, and the versions of them that are seen in an interval."""

from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np

from ioc.demo import calendar
from ioc.demo.noise import Floats, Ints
from ioc.demo.places import World
from ioc.demo.world.readings import moment_ms

NEVER = -1
RECEIVED = 0


@dataclass(frozen=True)
class CaseCodes:
    """What the codes of a case table stand for.

    `attributes` are JSON objects. `after_closing` is the number of steps after the closing, such as the publication of
    an answer.
    """

    case_type: str
    prefix: str
    statuses: tuple[str, ...]
    channels: tuple[str, ...]
    services: tuple[str, ...]
    attributes: tuple[str, ...]
    after_closing: int = 0


@dataclass(frozen=True)
class Cases:
    """Columns of equal length, one row per case; `day` and `number` (from 1, within unit and day) make its id.

    `step_ms` and `step_status` have one column per step, in order of time. NEVER marks a step that does not occur, and
    a missing due time. The first step is the receipt, `closing` the closing. `attributes` hold while the case is open,
    `attributes_closed` afterwards.
    """

    words: CaseCodes
    unit: Ints
    day: Ints
    number: Ints
    channel: Ints
    service: Ints
    attributes: Ints
    attributes_closed: Ints
    due_ms: Ints
    step_ms: Ints
    step_status: Ints

    def __len__(self) -> int:
        return len(self.unit)

    @property
    def closing(self) -> int:
        """The step that closes a case."""
        return int(self.step_ms.shape[1]) - 1 - self.words.after_closing

    @classmethod
    def joined(cls, parts: Sequence["Cases"]) -> "Cases":
        """Return the cases of all parts, of one case type; there is at least one part."""
        columns = zip(*(part.columns() for part in parts), strict=True)
        return cls(parts[0].words, *(np.concatenate(column) for column in columns))

    def columns(self) -> tuple[Ints, ...]:
        """Return all columns, in the order of the fields."""
        return tuple(getattr(self, field.name) for field in fields(self)[1:])

    def rows(self, kept: Ints) -> "Cases":
        """Return the cases at these indices, in this order."""
        return Cases(self.words, *(column[kept] for column in self.columns()))

    def case_id(self, row: int) -> str:
        """Return the id of a case."""
        day = calendar.date_of(int(self.day[row]))
        return f"{self.words.prefix}{self.unit[row] + 10:02d}-{day:%y%m%d}-{self.number[row]:04d}"

    def versions(self, from_ms: int, to_ms: int, visible_after_ms: Ints | int = 0) -> "Versions":
        """Return the versions that are first seen in [from_ms, to_ms), in the order in which they are seen."""
        seen = self.step_ms + np.asarray(visible_after_ms).reshape(-1, 1)
        rows, steps = np.nonzero((self.step_ms != NEVER) & (seen >= from_ms) & (seen < to_ms))
        order = np.lexsort((steps, rows, seen[rows, steps]))
        return Versions(self, rows[order], steps[order], seen[rows, steps][order])


@dataclass(frozen=True)
class Versions:
    """Rows and steps of `cases`, with the moment at which each version is first seen."""

    cases: Cases
    row: Ints
    step: Ints
    seen_ms: Ints

    @classmethod
    def joined(cls, parts: Sequence["Versions"]) -> "Versions":
        """Return parts of one case type (at least one) as one table, in the order in which they are seen."""
        begins = np.cumsum([0, *(len(part.cases) for part in parts[:-1])])
        row = np.concatenate([part.row + begin for part, begin in zip(parts, begins, strict=True)])
        step = np.concatenate([part.step for part in parts])
        seen = np.concatenate([part.seen_ms for part in parts])
        order = np.lexsort((step, row, seen))
        return cls(Cases.joined([part.cases for part in parts]), row[order], step[order], seen[order])

    def __len__(self) -> int:
        return len(self.row)

    def compact(self) -> "Versions":
        """Return the same versions without the cases that have none here."""
        kept, row = np.unique(self.row, return_inverse=True)
        return Versions(self.cases.rows(kept), row.astype(np.int64), self.step, self.seen_ms)

    def version(self, index: int) -> "CaseVersion":
        """Return one version."""
        cases, row, step = self.cases, int(self.row[index]), int(self.step[index])
        words, closed = cases.words, step >= cases.closing
        return CaseVersion(
            case_id=cases.case_id(row),
            unit=int(cases.unit[row]),
            status=words.statuses[cases.step_status[row, step]],
            channel=words.channels[cases.channel[row]],
            service=words.services[cases.service[row]],
            attributes=words.attributes[(cases.attributes_closed if closed else cases.attributes)[row]],
            received_ms=int(cases.step_ms[row, RECEIVED]),
            due_ms=int(cases.due_ms[row]) if cases.due_ms[row] != NEVER else None,
            closed_ms=int(cases.step_ms[row, cases.closing]) if closed else None,
            updated_ms=int(cases.step_ms[row, step]),
            seen_ms=int(self.seen_ms[index]),
        )


@dataclass(frozen=True)
class CaseVersion:
    """One version of one case; `unit` is an index in `World.units`, `attributes` a JSON object."""

    case_id: str
    unit: int
    status: str
    channel: str
    service: str
    attributes: str
    received_ms: int
    due_ms: int | None
    closed_ms: int | None
    updated_ms: int
    seen_ms: int


def spread_over_days(per_cell: Ints, units: Ints, days: Ints) -> tuple[Ints, Ints, Ints]:
    """Return unit, day and number (from 1) of each case, from the number of cases of each (day, unit)."""
    flat = per_cell.ravel()
    day, unit = np.meshgrid(days, units, indexing="ij")
    ends = np.cumsum(flat)
    number = np.arange(ends[-1] if len(ends) else 0, dtype=np.int64) - np.repeat(ends - flat, flat) + 1
    return np.repeat(unit.ravel(), flat), np.repeat(day.ravel(), flat), number


def choose(shares: tuple[float, ...], chance: Floats) -> Ints:
    """Return indices in `shares` (which add up to 1), chosen by uniform numbers in [0, 1)."""
    return np.asarray(np.searchsorted(np.cumsum(shares)[:-1], chance, side="right"), np.int64)


def working_moment(world: World, day: Ints, chance: Floats) -> Ints:
    """Return moments in the office hours of days: more in the morning, none at lunch."""
    hour = np.interp(chance, (0, 0.55, 0.5501, 1), (7.75, 11.4, 13.5, 16.75))
    return moment_ms(world, day, np.asarray(hour))
