"""Sketches of a batch's panes: lists of buckets and registers, encoded as in `ioc.wire.sketches`."""

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from ioc.panes.group_by import Grouping
from ioc.wire.schemas import BUCKETS, REGISTERS
from ioc.wire.sketches import PRECISION, buckets_of, registers_of
from streams.dictionary_columns import Flags, MeasureTable
from streams.validate_readings import ReadingColumns

Whole = NDArray[np.int64]
_RANK_BITS = 6


def bucket_lists(columns: ReadingColumns, measures: MeasureTable, panes: NDArray[np.intp], size: int) -> pa.ListArray:
    """Return `schemas.BUCKETS` of panes 0 … size - 1, in the order of buckets; null where the measure has no quantiles.

    `panes[row]` is the pane that a row of `columns` belongs to.
    """
    rows = _rows(measures.quantiles, columns)
    if rows is None:
        return pa.nulls(size, BUCKETS)
    bucket = buckets_of(columns.value[rows]).astype(np.int64)
    lowest = int(bucket.min())
    width = int(bucket.max()) - lowest + 1
    keys, counts = Grouping(panes[rows], size).by(bucket - lowest, width).groups()
    pane, bucket = np.divmod(keys, width)
    buckets = pa.array((bucket + lowest).astype(np.int16))
    return _lists(pane, pa.StructArray.from_arrays([buckets, pa.array(counts.astype(np.int32))], ["bucket", "n"]), size)


def register_lists(columns: ReadingColumns, measures: MeasureTable, panes: NDArray[np.intp], size: int) -> pa.ListArray:
    """Return `schemas.REGISTERS` of panes 0 … size - 1, each register once.

    Null where subjects are not counted or not named.
    """
    rows = _rows(measures.distinct, columns)
    if rows is None or not columns.subject.entries:
        return pa.nulls(size, REGISTERS)
    subject = columns.subject.codes[rows]
    named = rows[subject >= 0]
    grouping = Grouping(panes[named], size).by(columns.subject.codes[named], columns.subject.size)
    pane, subject = np.divmod(grouping.groups()[0], columns.subject.size)
    register, rank = registers_of([word or "" for word in columns.subject.entries])
    keys = (pane << PRECISION | register[subject]) << _RANK_BITS | rank[subject]
    keys.sort()
    greatest = np.ones(len(keys), np.bool_)  # the last of equal panes and registers has the greatest rank
    greatest[:-1] = keys[1:] >> _RANK_BITS != keys[:-1] >> _RANK_BITS
    keys = keys[greatest]
    pane, register = keys >> (PRECISION + _RANK_BITS), keys >> _RANK_BITS & (2**PRECISION - 1)
    ranks = pa.array((keys & (2**_RANK_BITS - 1)).astype(np.int8))
    return _lists(
        pane, pa.StructArray.from_arrays([pa.array(register.astype(np.int16)), ranks], ["register", "rank"]), size
    )


def _rows(flags: Flags, columns: ReadingColumns) -> NDArray[np.intp] | None:
    """Return the rows whose measure has the flag, None when there are none."""
    if not flags.any():
        return None
    rows = np.flatnonzero(flags[columns.measure.codes])
    return rows if len(rows) else None


def _lists(pane: Whole, values: pa.StructArray, size: int) -> pa.ListArray:
    """Return lists of the values of each pane, which are in the order of panes; null for a pane without values."""
    counts = np.bincount(pane, minlength=size)
    offsets = np.concatenate(([0], np.cumsum(counts))).astype(np.int32)
    return pa.ListArray.from_arrays(pa.array(offsets), values, type=_LIST_OF[values.type], mask=pa.array(counts == 0))


_LIST_OF = {kind.value_type: kind for kind in (BUCKETS, REGISTERS)}
