"""Readings of a source that corrects itself, one row each: what panes would merge, the historian keeps by key."""

import numpy as np
import pyarrow as pa

from ioc.model.vocabulary import Vocabulary
from ioc.wire.schemas import KEYED_READINGS, SUBJECT, TERM, TIME
from ioc.wire.sketches import buckets_of, registers_of
from streams.dictionary_columns import Flags, MeasuresOf, compact
from streams.reduce import Reduced
from streams.validate_readings import Columns, fit_rows, rejections_of


def keep_single(batch: pa.RecordBatch, vocabulary: Vocabulary, input_time_ms: int) -> Reduced:
    """The fit readings (`schemas.KEYED_READINGS`, in their order) of a batch, checked as `reduce` checks it."""
    columns = Columns.of(batch)
    measures = MeasuresOf.of(columns.measure, vocabulary)
    fit = fit_rows(columns, measures, vocabulary, input_time_ms)
    if fit is None:
        return Reduced(_rows(columns, measures), [], batch.num_rows)
    unfit = np.setdiff1d(np.arange(batch.num_rows), fit, assume_unique=True)
    rejections = list(rejections_of(columns, batch, unfit, vocabulary, input_time_ms))
    return Reduced(_rows(columns.take(fit), measures), rejections, len(fit))


def _rows(columns: Columns, measures: MeasuresOf) -> pa.RecordBatch:
    measure, subject = columns.measure.codes, columns.subject.codes
    distinct = measures.distinct[measure] & (subject >= 0)
    if columns.subject.entries:
        register, rank = registers_of([word or "" for word in columns.subject.entries])
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
    """The values where the flag is set, null elsewhere."""
    return pa.array(values.astype(kind.to_pandas_dtype()), kind, mask=~holds)
