"""Record keys: how a record that a source repeats is known again.

A reading with a subject, or of a gauge, is the same if measure, unit, subject and time are; a delta without a subject
has no key, since several events may share a millisecond. A case version is the same if all its content is.
"""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import blake2b

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from ioc.model.measure import Measure, MeasureKind

Keys = npt.NDArray[np.uint64]
NO_KEY = np.uint64(0)
WINDOW_S = 600.0
_MOST_KEYS = 100_000
_MANY = 4096
_MIX = np.uint64(0x9E3779B97F4A7C15)
_SHIFT = np.uint64(32)


def reading_keys(batch: pa.RecordBatch, measures: Mapping[str, Measure]) -> Keys:
    """A 64-bit key a row, NO_KEY where the reading has none."""
    keys = _mixed([_words(batch, name) for name in ("measure", "unit", "subject")] + [_times(batch, "time")])
    words = batch.column("measure").dictionary.to_pylist()
    gauge = np.array([w in measures and measures[w].kind is MeasureKind.GAUGE for w in words] + [False])
    codes = batch.column("measure").indices.fill_null(len(words)).to_numpy(zero_copy_only=False)
    keyed = gauge[codes] | batch.column("subject").is_valid().to_numpy(zero_copy_only=False)
    return np.where(keyed, keys, NO_KEY)


def case_keys(batch: pa.RecordBatch) -> Keys:
    """A 64-bit key a row, over all columns."""
    columns = []
    for field in batch.schema:
        if pa.types.is_timestamp(field.type):
            columns.append(_times(batch, field.name))
        elif pa.types.is_dictionary(field.type):
            columns.append(_words(batch, field.name))
        else:
            columns.append(np.array([_hash(word) for word in batch.column(field.name).to_pylist()], np.uint64))
    return _mixed(columns)


class RecordKeys:
    """Keys of the last WINDOW_S seconds or more by arrival, some 2 × _MOST_KEYS of them; the oldest go first.

    Few rows at a time are kept in a set; many in sorted arrays, where Python objects would cost ten times as much.
    """

    def __init__(self) -> None:
        self._few: set[int] = set()
        self._newer: Keys = np.empty(0, np.uint64)
        self._older: Keys = self._newer
        self._turned_s = 0.0

    def take(self, keys: Keys, now_s: float) -> npt.NDArray[np.bool_]:
        """True for each row not seen before; all are seen from now on. `now_s` is any clock that only grows."""
        if now_s - self._turned_s > WINDOW_S or len(self._newer) + len(self._few) > _MOST_KEYS:
            self._settle()
            self._older, self._newer, self._turned_s = self._newer, np.empty(0, np.uint64), now_s
        if len(keys) >= _MANY:
            self._settle()
            ordered = np.sort(keys)
            ordered = ordered[np.searchsorted(ordered, NO_KEY, "right") :]
            if not (ordered[1:] == ordered[:-1]).any() and not self._known(ordered).any():
                self._newer = np.sort(np.concatenate((self._newer, ordered)))
                return np.ones(len(keys), np.bool_)
        fresh = ~self._known(keys)
        for row in np.flatnonzero(fresh & (keys != NO_KEY)):
            key = int(keys[row])
            fresh[row] = key not in self._few
            self._few.add(key)
        taken: npt.NDArray[np.bool_] = fresh | (keys == NO_KEY)
        return taken

    def forget(self, keys: Keys) -> None:
        """The rows were not kept after all."""
        self._few.difference_update(keys.tolist())
        self._newer = np.setdiff1d(self._newer, keys)

    def _settle(self) -> None:
        if self._few:
            few = np.fromiter(self._few, np.uint64, len(self._few))
            self._newer = np.sort(np.concatenate((self._newer, few)))
            self._few = set()

    def _known(self, keys: Keys) -> npt.NDArray[np.bool_]:
        known = np.zeros(len(keys), np.bool_)
        for kept in (self._newer, self._older):
            if len(kept):
                known |= kept[np.minimum(np.searchsorted(kept, keys), len(kept) - 1)] == keys
        return known


def _hash(word: str | None) -> int:
    return 0 if word is None else int.from_bytes(blake2b(word.encode(), digest_size=8).digest(), "little")


def _words(batch: pa.RecordBatch, name: str) -> Keys:
    column = batch.column(name)
    words = np.array([_hash(word) for word in column.dictionary.to_pylist()] + [0], np.uint64)
    codes = column.indices.cast(pa.int32()).fill_null(len(words) - 1).to_numpy(zero_copy_only=False)
    coded: Keys = words[codes]
    return coded


def _times(batch: pa.RecordBatch, name: str) -> Keys:
    times: Keys = batch.column(name).cast(pa.int64()).fill_null(-1).to_numpy(zero_copy_only=False).astype(np.uint64)
    return times


def _mixed(columns: list[Keys]) -> Keys:
    mixed = np.full(len(columns[0]), 1, np.uint64)
    for column in columns:
        mixed = (mixed ^ column) * _MIX
        mixed ^= mixed >> _SHIFT
    return np.where(mixed == NO_KEY, np.uint64(1), mixed)
