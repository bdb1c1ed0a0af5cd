"""Panes as columns, and their merge: pure, vectorised, of any order and repetition of batches.

Columns are numpy arrays of one length. `time` counts minutes, hours or days, as the table they are of.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

Columns = dict[str, np.ndarray]

PANE_KEY = ("measure", "unit", "subject", "time")
BUCKET_KEY = ("measure", "unit", "time", "bucket")
REGISTER_KEY = ("measure", "unit", "time", "register")
_DENSE = 1 << 21


def concatenate(parts: Sequence[Columns]) -> Columns:
    """All rows of the parts, which must have the same columns. Raises ValueError for no parts."""
    return parts[0] if len(parts) == 1 else {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


@dataclass(frozen=True)
class Kind:
    """Panes, buckets or registers: their key, what is beside measure, unit and time, how rows of a key become one."""

    name: str
    key: tuple[str, ...]
    columns: tuple[str, ...]
    merge: Callable[[Columns], Columns]


def merge_panes(panes: Columns) -> Columns:
    """One row a (measure, unit, subject, time). Of equal times the smallest value is first and the largest is last."""
    at, merged, size = _group(panes, PANE_KEY)
    merged["n"] = np.bincount(at, panes["n"], size).astype(np.int64)
    merged["sum"] = np.bincount(at, panes["sum"], size)
    merged["sum_squares"] = np.bincount(at, panes["sum_squares"], size)
    merged["least"] = _reduced(np.minimum, at, panes["least"], size)
    merged["most"] = _reduced(np.maximum, at, panes["most"], size)
    for extreme, when, what in ((np.minimum, "first_at", "first"), (np.maximum, "last_at", "last")):
        merged[when] = _reduced(extreme, at, panes[when], size)
        holds = panes[when] == merged[when][at]
        merged[what] = _reduced(extreme, at[holds], panes[what][holds], size)
    return merged


def merge_buckets(buckets: Columns) -> Columns:
    """One row a (measure, unit, time, bucket), n added."""
    at, merged, size = _group(buckets, BUCKET_KEY)
    merged["n"] = np.bincount(at, buckets["n"], size).astype(np.int64)
    return merged


def merge_registers(registers: Columns) -> Columns:
    """One row a (measure, unit, time, register), the greatest rank."""
    at, merged, size = _group(registers, REGISTER_KEY)
    merged["rank"] = _reduced(np.maximum, at, registers["rank"], size)
    return merged


KINDS = (
    Kind(
        "panes",
        PANE_KEY,
        ("subject", "n", "sum", "sum_squares", "least", "most", "first_at", "first", "last_at", "last"),
        merge_panes,
    ),
    Kind("buckets", BUCKET_KEY, ("bucket", "n"), merge_buckets),
    Kind("registers", REGISTER_KEY, ("register", "rank"), merge_registers),
)


def hours_of(columns: Columns) -> Columns:
    """The same rows with their minutes as hours since 1970 UTC; not yet merged."""
    return columns | {"time": columns["time"] // 60}


def days_of(columns: Columns, zone_hours: int) -> Columns:
    """The same rows with their hours as days since 1970 of a zone; not yet merged."""
    return columns | {"time": (columns["time"] + zone_hours) // 24}


def _group(columns: Columns, key: Sequence[str]) -> tuple[np.ndarray, Columns, int]:
    """The group of each row, the key columns of the groups (in order of the key), and how many groups there are."""
    least = [int(columns[name].min()) for name in key]
    spans = [int(columns[name].max()) - low + 1 for name, low in zip(key, least, strict=True)]
    packed, rows_of = _packed(columns, key, least, spans)
    if rows_of <= _DENSE:
        # A mark per possible key beats sorting the rows by far when the keys lie close together.
        marked = np.zeros(rows_of, bool)
        marked[packed] = True
        present = np.flatnonzero(marked)
        rank = np.empty(rows_of, np.int64)
        rank[present] = np.arange(len(present))
        at = rank[packed]
    else:
        present, at = np.unique(packed, return_inverse=True)
    some_row = np.empty(len(present), np.int64)
    some_row[at] = np.arange(len(at))
    return at, {name: columns[name][some_row] for name in key}, len(present)


def _packed(columns: Columns, key: Sequence[str], least: Sequence[int], spans: Sequence[int]) -> tuple[np.ndarray, int]:
    """The key of each row as one number below the returned bound."""
    packed = np.zeros(len(columns[key[0]]), np.int64)
    bound = 1
    for name, low, span in zip(key, least, spans, strict=True):
        place = columns[name].astype(np.int64) - low
        if bound * span >= 1 << 62:
            # Far apart in time and of many subjects: number only what occurs.
            held, packed = np.unique(packed, return_inverse=True)
            known, place = np.unique(place, return_inverse=True)
            bound, span = len(held), len(known)
        packed = packed * span + place
        bound *= span
    return packed, bound


def _reduced(extreme: np.ufunc, at: np.ndarray, values: np.ndarray, size: int) -> np.ndarray:
    reduced = np.empty(size, values.dtype)
    reduced[at] = values
    extreme.at(reduced, at, values)
    return reduced
