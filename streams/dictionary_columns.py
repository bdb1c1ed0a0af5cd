"""Columns of a batch as dictionary codes, and the catalogue's measures as arrays by code."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from ioc.model.measure import Measure
from ioc.model.vocabulary import Vocabulary

Flags = NDArray[np.bool_]
Codes = NDArray[np.signedinteger[Any]]
_GREATEST = float(np.finfo(np.float64).max)


@dataclass(frozen=True)
class DictionaryColumn:
    """A dictionary column: `codes[row]` is an index into `entries`, or -1 where the row or its entry is null or empty.

    So an array with one element more than `entries` can be indexed by `codes`; its last element stands for null.
    """

    codes: Codes
    entries: list[str | None]
    dictionary: pa.Array

    @classmethod
    def of(cls, column: pa.DictionaryArray) -> "DictionaryColumn":
        entries = column.dictionary.to_pylist()
        indices = column.indices
        codes = (indices.fill_null(-1) if indices.null_count else indices).to_numpy(zero_copy_only=False)
        absent = [index for index, entry in enumerate(entries) if not entry]
        if absent:
            codes = np.where(np.isin(codes, absent), np.int8(-1), codes)
        return cls(codes, entries, column.dictionary)

    @property
    def size(self) -> int:
        """The number of different codes, including null."""
        return len(self.entries) + 1

    def take(self, rows: NDArray[np.intp]) -> "DictionaryColumn":
        return DictionaryColumn(self.codes[rows], self.entries, self.dictionary)

    def flags(self, holds: Callable[[str], bool]) -> Flags:
        """Return, by code, whether the entry is not empty and `holds` is true for it."""
        return np.array(
            [entry is not None and entry != "" and holds(entry) for entry in self.entries] + [False], np.bool_
        )

    def max_length(self) -> int:
        """Return the number of characters of the longest entry."""
        return max(map(len, filter(None, self.entries)), default=0)

    def all_hold(self, flags: Flags) -> bool:
        """Return whether no row needs to be examined: every entry has the flag, and no row is null."""
        return bool(flags[:-1].all()) and (len(self.codes) == 0 or int(self.codes.min()) >= 0)


@dataclass(frozen=True)
class MeasureTable:
    """The catalogue's measures behind a dictionary's entries, by code; an unknown measure has an empty range."""

    least: NDArray[np.float64]
    most: NDArray[np.float64]
    keeps_subject: Flags
    quantiles: Flags
    distinct: Flags

    @classmethod
    def of(cls, measures: DictionaryColumn, vocabulary: Vocabulary) -> "MeasureTable":
        found: list[Measure | None] = [vocabulary.measures.get(entry or "") for entry in measures.entries]
        return cls(
            _real([max(m.least, -_GREATEST) if m else np.inf for m in found] + [np.inf]),
            _real([min(m.most, _GREATEST) if m else -np.inf for m in found] + [-np.inf]),
            _flag([m is not None and m.keeps_subject for m in found]),
            _flag([m is not None and m.quantiles for m in found]),
            _flag([m is not None and m.distinct for m in found]),
        )


def _real(numbers: Sequence[float]) -> NDArray[np.float64]:
    return np.array(numbers, np.float64)


def _flag(flags: Sequence[bool]) -> Flags:
    return np.array([*flags, False], np.bool_)


def compact(codes: Codes, dictionary: pa.Array, kind: pa.DictionaryType) -> pa.DictionaryArray:
    """Return a dictionary column of `kind` with only the entries in use; code -1 is null."""
    used = np.zeros(len(dictionary) + 1, np.bool_)
    used[codes] = True
    nulls = bool(used[-1])
    used[-1] = False
    renumbered = np.cumsum(used) - 1
    entries = dictionary if used[:-1].all() else dictionary.take(pa.array(np.flatnonzero(used)))
    indices = renumbered[codes].astype(kind.index_type.to_pandas_dtype())
    return pa.DictionaryArray.from_arrays(pa.array(indices, mask=codes < 0 if nulls else None), entries)
