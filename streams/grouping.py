"""Group-by over small whole numbers: keys become places in arrays, so no row is sorted or hashed."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Whole = NDArray[np.int64]
Real = NDArray[np.float64]
_MOST_KEYS = 2**62
_SPARSE = 4
_SMALL = 16_384


@dataclass(frozen=True)
class Grouping:
    """`keys[row]` in 0 … size - 1; rows of equal keys are a group. Keys grow in the order of the columns given."""

    keys: Whole
    size: int

    def by(self, codes: NDArray[np.signedinteger[Any]], size: int) -> "Grouping":
        """Grouped by one column more, whose codes are 0 … size - 1."""
        keys, before = (self.keys, self.size) if self.size <= _MOST_KEYS // size else self._renumbered()
        return Grouping(keys * size + codes, before * size)

    @property
    def is_dense(self) -> bool:
        """Whether arrays by key are about as small as the rows."""
        return self.size <= max(_SPARSE * len(self.keys), _SMALL)

    def dense(self) -> "Grouping":
        """The same groups, dense; keys that no row has fall away where they are many."""
        return self if self.is_dense else Grouping(*self._renumbered())

    def groups(self) -> tuple[Whole, Whole]:
        """The keys that rows have, in order, and how many rows have each."""
        if not self.is_dense:
            return np.unique(self.keys, return_counts=True)
        counts = self.counts()
        present = np.flatnonzero(counts)
        return present, counts[present]

    def _renumbered(self) -> tuple[Whole, int]:
        kept, places = np.unique(self.keys, return_inverse=True)
        return places, len(kept)

    def counts(self) -> Whole:
        return np.bincount(self.keys, minlength=self.size)

    def sums(self, values: Real) -> Real:
        return np.bincount(self.keys, weights=values, minlength=self.size).astype(np.float64, copy=False)

    def least(self, values: Real) -> Real:
        least = np.full(self.size, np.inf)
        np.minimum.at(least, self.keys, values)
        return least

    def most(self, values: Real) -> Real:
        most = np.full(self.size, -np.inf)
        np.maximum.at(most, self.keys, values)
        return most

    def first(self, times: NDArray[np.int32], values: Real) -> tuple[NDArray[np.int32], Real]:
        """Least time of each group, and the least of the values at that time."""
        first = np.full(self.size, np.iinfo(np.int32).max, np.int32)
        np.minimum.at(first, self.keys, times)
        then = np.flatnonzero(times == first[self.keys])
        return first, Grouping(self.keys[then], self.size).least(values[then])

    def last(self, times: NDArray[np.int32], values: Real) -> tuple[NDArray[np.int32], Real]:
        """Greatest time of each group, and the greatest of the values at that time."""
        last = np.full(self.size, -1, np.int32)
        np.maximum.at(last, self.keys, times)
        then = np.flatnonzero(times == last[self.keys])
        return last, Grouping(self.keys[then], self.size).most(values[then])
