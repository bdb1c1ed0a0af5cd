"""The vocabulary as arrays, and the columns of a batch as codes into it."""

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
class Words:
    """A dictionary column: `codes[row]` is a place in `entries`, or -1 where the row or its word is null or empty.

    So an array with one element more than `entries` can be indexed by `codes`, its last element standing for null.
    """

    codes: Codes
    entries: list[str | None]
    dictionary: pa.Array

    @classmethod
    def of(cls, column: pa.DictionaryArray) -> "Words":
        entries = column.dictionary.to_pylist()
        indices = column.indices
        codes = (indices.fill_null(-1) if indices.null_count else indices).to_numpy(zero_copy_only=False)
        absent = [place for place, word in enumerate(entries) if not word]
        if absent:
            codes = np.where(np.isin(codes, absent), np.int8(-1), codes)
        return cls(codes, entries, column.dictionary)

    @property
    def size(self) -> int:
        """Number of different codes, null among them."""
        return len(self.entries) + 1

    def take(self, rows: NDArray[np.intp]) -> "Words":
        return Words(self.codes[rows], self.entries, self.dictionary)

    def flags(self, fits: Callable[[str], bool]) -> Flags:
        """By code: whether the word is there and fits."""
        return np.array([word is not None and word != "" and fits(word) for word in self.entries] + [False], np.bool_)

    def longest(self) -> int:
        """Characters of the longest word."""
        return max(map(len, filter(None, self.entries)), default=0)

    def all_fit(self, fit: Flags) -> bool:
        """Whether no row needs to be looked at: every word of the dictionary fits, and none is null."""
        return bool(fit[:-1].all()) and (len(self.codes) == 0 or int(self.codes.min()) >= 0)


@dataclass(frozen=True)
class MeasuresOf:
    """The catalogue's measures behind a dictionary's entries, by code; an unknown measure has an empty range."""

    least: NDArray[np.float64]
    most: NDArray[np.float64]
    keeps_subject: Flags
    quantiles: Flags
    distinct: Flags

    @classmethod
    def of(cls, words: Words, vocabulary: Vocabulary) -> "MeasuresOf":
        found: list[Measure | None] = [vocabulary.measures.get(word or "") for word in words.entries]
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
    """A dictionary column of `kind` with only the entries in use; code -1 is null."""
    used = np.zeros(len(dictionary) + 1, np.bool_)
    used[codes] = True
    nulls = bool(used[-1])
    used[-1] = False
    renumbered = np.cumsum(used) - 1
    entries = dictionary if used[:-1].all() else dictionary.take(pa.array(np.flatnonzero(used)))
    indices = renumbered[codes].astype(kind.index_type.to_pandas_dtype())
    return pa.DictionaryArray.from_arrays(pa.array(indices, mask=codes < 0 if nulls else None), entries)
