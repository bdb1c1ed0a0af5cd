"""Columns of panes, buckets and registers, and how each column merges.

Rows are columns of one length: a mapping from name to numpy array. `time` counts minutes, hours or days since 1970;
`first_at`, `last_at` and `newest` are milliseconds since 1970 UTC.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from numpy.typing import NDArray

Columns = dict[str, NDArray[Any]]


class Merge(StrEnum):
    """How the values of one column merge; the text is also the name of the SQL aggregate."""

    SUM = "sum"
    MIN = "min"
    MAX = "max"


@dataclass(frozen=True, slots=True)
class TimedValue:
    """A value and its time, in two columns.

    MIN keeps the earliest time and, of equal times, the smallest value; MAX keeps the latest time and, of equal times,
    the largest value.
    """

    time: str
    value: str
    merge: Merge


@dataclass(frozen=True, slots=True)
class RowShape:
    """The shape of rows of one kind.

    `table` is `panes`, `buckets` or `registers`; `key` are the columns that tell rows apart; `merges` and `timed` say
    how the other columns merge. `stored_as` gives the column of the table where it has another name.
    """

    table: str
    key: tuple[str, ...]
    merges: Mapping[str, Merge]
    timed: tuple[TimedValue, ...] = ()
    stored_as: Mapping[str, str] = field(default_factory=dict)

    @property
    def columns(self) -> tuple[str, ...]:
        """All columns besides measure, unit and time."""
        return (*(name for name in self.key if name not in ("measure", "unit", "time")), *self.values)

    @property
    def values(self) -> tuple[str, ...]:
        """All columns that merge."""
        return (*self.merges, *(name for pair in self.timed for name in (pair.time, pair.value)))


_COUNT = {"n": Merge.SUM}
_MOMENTS = {"n": Merge.SUM, "sum": Merge.SUM, "sum_squares": Merge.SUM, "least": Merge.MIN, "most": Merge.MAX}
_FIRST = TimedValue("first_at", "first", Merge.MIN)
_LAST = TimedValue("last_at", "last", Merge.MAX)

PANES = RowShape("panes", ("measure", "unit", "subject", "time"), _MOMENTS, (_FIRST, _LAST))
BUCKETS = RowShape("buckets", ("measure", "unit", "time", "bucket"), _COUNT)
REGISTERS = RowShape("registers", ("measure", "unit", "time", "register"), {"rank": Merge.MAX})
STORED = (PANES, BUCKETS, REGISTERS)
"""The rows that the store keeps, for each of minutes, hours and days."""

# What aggregate functions read, by name. The key stands beside measure and unit, and time is merged.
READ = {
    "panes": RowShape("panes", (), {**_MOMENTS, "newest": Merge.MAX}, stored_as={"newest": "last_at"}),
    "subjects": RowShape("panes", ("subject",), _COUNT, (_LAST,)),
    "buckets": RowShape("buckets", ("bucket",), _COUNT),
    "hours": RowShape("panes", ("hour",), {"n": Merge.SUM, "sum": Merge.SUM}),
    "registers": RowShape("registers", ("register",), {"rank": Merge.MAX}),
}


def select_rows(columns: Columns, rows: NDArray[Any]) -> Columns:
    """Return the rows of a mask, or of indices."""
    return {name: values[rows] for name, values in columns.items()}
