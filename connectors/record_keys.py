"""Record keys: how a record that a source sends again is known.

A reading with a subject, or of a gauge, has the key (measure, unit, subject, time); a delta without a subject has none,
since several events may share a millisecond. The key of a case version is all its content.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from hashlib import blake2b

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from ioc.model.measure import Measure, MeasureKind

Keys = npt.NDArray[np.uint64]
Marks = npt.NDArray[np.uint32]
NO_KEY = np.uint64(0)
_MIX = np.uint64(0x9E3779B97F4A7C15)
_SHIFT = np.uint64(32)


def reading_keys(batch: pa.RecordBatch, measures: Mapping[str, Measure]) -> Keys:
    """A 64-bit key per row, NO_KEY where the reading has none."""
    keys = mixed([_words(batch, name) for name in ("measure", "unit", "subject")] + [_times(batch, "time")])
    words = batch.column("measure").dictionary.to_pylist()
    gauge = np.array([w in measures and measures[w].kind is MeasureKind.GAUGE for w in words] + [False])
    codes = batch.column("measure").indices.fill_null(len(words)).to_numpy(zero_copy_only=False)
    keyed = gauge[codes] | batch.column("subject").is_valid().to_numpy(zero_copy_only=False)
    return np.where(keyed, keys, NO_KEY)


def reading_marks(batch: pa.RecordBatch) -> Marks:
    """A 32-bit number per row that differs where the value does; never 0."""
    values = batch.column("value").fill_null(0.0).to_numpy(zero_copy_only=False) + 0.0  # of -0.0 makes 0.0
    bits = values.view(np.uint64) * _MIX
    bits ^= bits >> _SHIFT
    marks: Marks = (bits * _MIX >> _SHIFT).astype(np.uint32) | np.uint32(1)
    return marks


def case_keys(batch: pa.RecordBatch) -> Keys:
    """A 64-bit key per row, over all columns."""
    columns = []
    for field in batch.schema:
        if pa.types.is_timestamp(field.type):
            columns.append(_times(batch, field.name))
        elif pa.types.is_dictionary(field.type):
            columns.append(_words(batch, field.name))
        else:
            columns.append(np.array([_hash(word) for word in batch.column(field.name).to_pylist()], np.uint64))
    return mixed(columns)


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


def mixed(columns: Sequence[Keys]) -> Keys:
    """One key per row out of several columns; never NO_KEY."""
    combined = np.full(len(columns[0]), 1, np.uint64)
    for column in columns:
        combined = (combined ^ column) * _MIX
        combined ^= combined >> _SHIFT
    return np.where(combined == NO_KEY, np.uint64(1), combined)
