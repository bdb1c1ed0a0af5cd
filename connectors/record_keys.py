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
NO_KEY = 0
WINDOW_S = 600.0
_MOST_KEYS = 100_000
_MIX = np.uint64(0x9E3779B97F4A7C15)
_SHIFT = np.uint64(32)


def reading_keys(batch: pa.RecordBatch, measures: Mapping[str, Measure]) -> Keys:
    """A 64-bit key a row, NO_KEY where the reading has none."""
    keys = _mixed([_words(batch, name) for name in ("measure", "unit", "subject")] + [_times(batch, "time")])
    words = batch.column("measure").dictionary.to_pylist()
    gauge = np.array([w in measures and measures[w].kind is MeasureKind.GAUGE for w in words] + [False])
    codes = batch.column("measure").indices.fill_null(len(words)).to_numpy(zero_copy_only=False)
    keyed = gauge[codes] | batch.column("subject").is_valid().to_numpy(zero_copy_only=False)
    return np.where(keyed, keys, np.uint64(NO_KEY))


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
    """Keys of the last WINDOW_S seconds or more by arrival, at most 2 × _MOST_KEYS of them; the oldest go first."""

    def __init__(self) -> None:
        self._newer: set[int] = set()
        self._older: set[int] = set()
        self._turned_s = 0.0

    def take(self, keys: Keys, now_s: float) -> npt.NDArray[np.bool_]:
        """True for each row not seen before; all are seen from now on. `now_s` is any clock that only grows."""
        if now_s - self._turned_s > WINDOW_S or len(self._newer) > _MOST_KEYS:
            self._older, self._newer, self._turned_s = self._newer, set(), now_s
        fresh = np.ones(len(keys), np.bool_)
        listed = keys.tolist()
        distinct = set(listed)
        distinct.discard(NO_KEY)
        all_keyed_differ = len(distinct) == len(keys) - int(np.count_nonzero(keys == NO_KEY))
        if all_keyed_differ and self._newer.isdisjoint(distinct) and self._older.isdisjoint(distinct):
            self._newer |= distinct
            return fresh
        for row, key in enumerate(listed):
            if key == NO_KEY:
                continue
            if key in self._newer or key in self._older:
                fresh[row] = False
            else:
                self._newer.add(key)
        return fresh

    def forget(self, keys: Keys) -> None:
        """The rows were not kept after all."""
        self._newer.difference_update(keys.tolist())


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
