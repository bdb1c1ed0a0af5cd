"""Keep readings of a source that corrects itself single: the historian keeps them by key and does not merge them."""

import numpy as np
import pyarrow as pa

from ioc.model.vocabulary import Vocabulary
from ioc.wire.schemas import KEYED_READINGS, SUBJECT, TERM, TIME
from ioc.wire.sketches import buckets_of, registers_of
from streams.dictionary_columns import Flags, MeasureTable, compact
from streams.reduce import Reduced
from streams.validate_readings import ReadingColumns, explain_rejections, valid_rows


def keep_single(batch: pa.RecordBatch, vocabulary: Vocabulary, input_time_ms: int) -> Reduced:
    """Return the valid readings of a batch (`schemas.KEYED_READINGS`), in their order.

    They are checked as `reduce` checks them.
    """
    columns = ReadingColumns.of(batch)
    measures = MeasureTable.of(columns.measure, vocabulary)
    valid = valid_rows(columns, measures, vocabulary, input_time_ms)
    if valid is None:
        return Reduced(_rows(columns, measures), [], batch.num_rows)
    invalid = np.setdiff1d(np.arange(batch.num_rows), valid, assume_unique=True)
    rejections = list(explain_rejections(columns, batch, invalid, vocabulary, input_time_ms))
    return Reduced(_rows(columns.take(valid), measures), rejections, len(valid))


def _rows(columns: ReadingColumns, measures: MeasureTable) -> pa.RecordBatch:
    measure, subject = columns.measure.codes, columns.subject.codes
    distinct = measures.distinct[measure] & (subject >= 0)
    if columns.subject.entries:
        register, rank = registers_of([text or "" for text in columns.subject.entries])
    else:
        register = rank = np.zeros(1, np.int64)
    return pa.RecordBatch.from_arrays(
        [
            compact(measure, columns.measure.dictionary, TERM),
            compact(columns.unit.codes, columns.unit.dictionary, TERM),
            compact(subject, columns.subject.dictionary, SUBJECT)
            if len(columns.subject.dictionary)
            else pa.nulls(len(subject), pa.string()).dictionary_encode().cast(SUBJECT),
            pa.array(columns.time_ms).cast(TIME),
            pa.array(columns.value),
            pa.array(measures.keeps_subject[measure]),
            _where(measures.quantiles[measure], buckets_of(columns.value), pa.int16()),
            _where(distinct, register[subject], pa.int16()),
            _where(distinct, rank[subject], pa.int8()),
        ],
        schema=KEYED_READINGS,
    )


def _where(holds: Flags, values: np.ndarray, kind: pa.DataType) -> pa.Array:
    """Return the values where the flag is set, null elsewhere."""
    return pa.array(values.astype(kind.to_pandas_dtype()), kind, mask=~holds)
