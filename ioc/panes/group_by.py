"""Group rows by small whole numbers: keys become indices into arrays, so few rows are sorted and none is hashed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ioc.panes.schema import Columns

Whole = NDArray[np.int64]
Numbers = NDArray[Any]
_MAX_KEYS = 2**62
_MAX_COUNTS_PER_ROW = 4
"""Up to so many possible keys per row, counting rows by key is faster than sorting them."""
_MAX_MARKS_PER_ROW = 32
"""Likewise for marking the keys that occur."""
_FEW_KEYS = 16_384


@dataclass(frozen=True)
class Grouping:
    """`keys[row]` is in 0 … size - 1; rows with equal keys are a group. Keys grow in the order of the columns given."""

    keys: Whole
    size: int

    @classmethod
    def of(cls, columns: Columns, key: Sequence[str]) -> Grouping:
        """Group by columns of whole numbers, of any sign; there must be a row."""
        grouping = cls(np.zeros(len(columns[key[0]]), np.int64), 1)
        for name in key:
            smallest, largest = int(columns[name].min()), int(columns[name].max())
            grouping = grouping.by(columns[name].astype(np.int64) - smallest, largest - smallest + 1)
        return grouping

    def by(self, codes: NDArray[np.signedinteger[Any]], size: int) -> Grouping:
        """Group by one more column, whose codes are 0 … size - 1."""
        if self.size <= _MAX_KEYS // size:
            return Grouping(self.keys * size + codes, self.size * size)
        # Columns whose values lie far apart: number only what occurs.
        mine, (kept, codes) = self._renumbered(), np.unique(codes, return_inverse=True)
        return Grouping(mine.keys * len(kept) + codes, mine.size * len(kept))

    def compact(self) -> Grouping:
        """Return the same groups with keys 0 … size - 1 that all occur, in the same order."""
        if self._is_dense(_MAX_COUNTS_PER_ROW):
            present = np.flatnonzero(self.counts)
        elif self._is_dense(_MAX_MARKS_PER_ROW):
            marked = np.zeros(self.size, np.bool_)
            marked[self.keys] = True
            present = np.flatnonzero(marked)
        else:
            return self._renumbered()
        if len(present) == self.size:
            return self
        index = np.empty(self.size, np.int64)
        index[present] = np.arange(len(present))
        return Grouping(index[self.keys], len(present))

    def groups(self) -> tuple[Whole, Whole]:
        """Return the keys that occur, in order, and how many rows have each."""
        if not self._is_dense(_MAX_COUNTS_PER_ROW):
            return np.unique(self.keys, return_counts=True)
        counts = self.counts
        present = np.flatnonzero(counts)
        return present, counts[present]

    def _is_dense(self, keys_per_row: int) -> bool:
        return self.size <= max(keys_per_row * len(self.keys), _FEW_KEYS)

    def _renumbered(self) -> Grouping:
        kept, indices = np.unique(self.keys, return_inverse=True)
        return Grouping(indices, len(kept))

    # The rest returns one entry per key.

    def members(self) -> Whole:
        """Return the index of one row of each group; every key must occur (see `compact`)."""
        rows = np.empty(self.size, np.int64)
        rows[self.keys] = np.arange(len(self.keys))
        return rows

    @cached_property
    def counts(self) -> Whole:
        """How many rows each key has."""
        return np.bincount(self.keys, minlength=self.size)

    def sums(self, values: Numbers) -> Numbers:
        """Return float64, or int64 for whole numbers (exact below 2^53); 0 for a key without rows."""
        sums = np.bincount(self.keys, weights=values, minlength=self.size)
        return sums.astype(np.float64 if values.dtype.kind == "f" else np.int64, copy=False)

    def minima(self, values: Numbers) -> Numbers:
        """Return the greatest number of the type (inf) for a key without rows."""
        return self._extremes(np.minimum, values)

    def maxima(self, values: Numbers) -> Numbers:
        """Return the least number of the type (-inf) for a key without rows."""
        return self._extremes(np.maximum, values)

    def first(self, times: Numbers, values: Numbers) -> tuple[Numbers, Numbers]:
        """Return the earliest time of each group, and the smallest value at that time."""
        return self._timed(np.minimum, times, values)

    def last(self, times: Numbers, values: Numbers) -> tuple[Numbers, Numbers]:
        """Return the latest time of each group, and the largest value at that time."""
        return self._timed(np.maximum, times, values)

    def _timed(self, extreme: np.ufunc, times: Numbers, values: Numbers) -> tuple[Numbers, Numbers]:
        found = self._extremes(extreme, times)
        rows = np.flatnonzero(times == found[self.keys])
        at_that_time = Grouping(self.keys[rows], self.size)
        return found, (at_that_time.minima if extreme is np.minimum else at_that_time.maxima)(values[rows])

    def _extremes(self, extreme: np.ufunc, values: Numbers) -> Numbers:
        lowest, highest = _limits(values.dtype)
        found = np.full(self.size, highest if extreme is np.minimum else lowest, values.dtype)
        extreme.at(found, self.keys, values)
        return found


def _limits(dtype: np.dtype[Any]) -> tuple[float, float]:
    if dtype.kind == "f":
        return -np.inf, np.inf
    limits = np.iinfo(dtype)
    return limits.min, limits.max
