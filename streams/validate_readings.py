"""Check a batch of readings column by column; only invalid rows are examined one by one."""

import json
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from ioc.clock import from_ms, rfc3339, to_ms
from ioc.model.rejection import Reason, Rejection, Rejections
from ioc.model.vocabulary import MAX_AHEAD, Vocabulary
from ioc.model.window import BEGINNING
from streams.dictionary_columns import DictionaryColumn, MeasureTable

MAX_TERM_LENGTH = 200
EARLIEST_MS = to_ms(BEGINNING)
NO_TIME = int(np.iinfo(np.int64).min)
AHEAD_MS = round(MAX_AHEAD.total_seconds() * 1000)

Rows = NDArray[np.intp]


@dataclass(frozen=True)
class ReadingColumns:
    """A batch of readings as numpy columns. A null time is before all times, a null value is NaN."""

    measure: DictionaryColumn
    unit: DictionaryColumn
    subject: DictionaryColumn
    time_ms: NDArray[np.int64]
    value: NDArray[np.float64]

    @classmethod
    def of(cls, batch: pa.RecordBatch) -> "ReadingColumns":
        measure, unit, subject, time, value = batch.columns
        time = time.view(pa.int64())
        return cls(
            DictionaryColumn.of(measure),
            DictionaryColumn.of(unit),
            DictionaryColumn.of(subject),
            (time.fill_null(NO_TIME) if time.null_count else time).to_numpy(zero_copy_only=False),
            (value.fill_null(float("nan")) if value.null_count else value).to_numpy(zero_copy_only=False),
        )

    def take(self, rows: Rows) -> "ReadingColumns":
        return ReadingColumns(
            self.measure.take(rows),
            self.unit.take(rows),
            self.subject.take(rows),
            self.time_ms[rows],
            self.value[rows],
        )


def valid_rows(
    columns: ReadingColumns, measures: MeasureTable, vocabulary: Vocabulary, input_time_ms: int
) -> Rows | None:
    """Return the indices of the rows that pass every check; None when all do."""
    value, codes = columns.value, columns.measure.codes
    # An unknown measure's range is empty and a number that is not finite is in none: four checks in two comparisons.
    valid = (value >= measures.least[codes]) & (value <= measures.most[codes])
    known = columns.unit.flags(vocabulary.units.__contains__)
    if not columns.unit.all_hold(known):
        valid &= known[columns.unit.codes]
    if len(value) and (columns.time_ms.min() < EARLIEST_MS or columns.time_ms.max() > input_time_ms + AHEAD_MS):
        valid &= (columns.time_ms >= EARLIEST_MS) & (columns.time_ms <= input_time_ms + AHEAD_MS)
    if columns.subject.max_length() > MAX_TERM_LENGTH:
        short = columns.subject.flags(lambda text: len(text) <= MAX_TERM_LENGTH)
        short[-1] = True
        valid &= short[columns.subject.codes]
    return None if valid.all() else np.flatnonzero(valid)


def explain_rejections(
    columns: ReadingColumns, batch: pa.RecordBatch, invalid: Rows, vocabulary: Vocabulary, input_time_ms: int
) -> list[Rejection]:
    """Return the rejections of invalid rows.

    Each has its first fault in the order of the columns, as `ioc.wire.fields` would find it.
    """
    rejections = Rejections()
    has_value = batch.column("value").is_valid().to_numpy(zero_copy_only=False)
    for row in invalid.tolist():
        measure, unit, subject = (
            column.entries[column.codes[row]] if column.codes[row] >= 0 else None
            for column in (columns.measure, columns.unit, columns.subject)
        )
        ms = int(columns.time_ms[row])
        value = float(columns.value[row]) if has_value[row] else None
        field, reason, message = _refusal(vocabulary, measure, unit, subject, ms, value, input_time_ms)
        content = {"measure": measure, "unit": unit, "subject": subject, "time": time_text(ms), "value": value}
        rejections.add(row, field, reason, message, json.dumps(content, ensure_ascii=False).encode())
    return rejections.all()


def _refusal(  # noqa: PLR0913  one argument per column
    vocabulary: Vocabulary,
    measure: str | None,
    unit: str | None,
    subject: str | None,
    ms: int,
    value: float | None,
    input_time_ms: int,
) -> tuple[str, Reason, str]:
    declared = vocabulary.measures.get(measure or "")
    if declared is None:
        return unknown_term("measure", measure, Reason.UNKNOWN_MEASURE, f"The catalogue has no measure {measure!r}.")
    if unit not in vocabulary.units:
        return unknown_unit(unit, vocabulary)
    if subject is not None and len(subject) > MAX_TERM_LENGTH:
        return "subject", Reason.TOO_LARGE, f"`subject` is longer than {MAX_TERM_LENGTH} characters."
    out_of_time = past_fault("time", ms, input_time_ms)
    if out_of_time is not None:
        return out_of_time
    if value is None:
        return "value", Reason.MISSING_FIELD, "The field `value` is missing."
    if not np.isfinite(value):
        return "value", Reason.NOT_FINITE, f"`value` is {value}, not a finite number."
    return (
        "value",
        Reason.OUT_OF_RANGE,
        f"{value:g} {declared.unit_of_measure} is outside {declared.least:g} to {declared.most:g} of {declared.id}.",
    )


def unknown_term(field: str, text: str | None, reason: Reason, message: str) -> tuple[str, Reason, str]:
    """Return the refusal of a text that is missing or, as `message` says, unknown."""
    if not text:
        return field, Reason.MISSING_FIELD, f"The field `{field}` is missing."
    return field, reason, message


def unknown_unit(unit: str | None, vocabulary: Vocabulary) -> tuple[str, Reason, str]:
    return unknown_term("unit", unit, Reason.UNKNOWN_UNIT, vocabulary.unknown_unit(unit))


def past_fault(field: str, ms: int, input_time_ms: int) -> tuple[str, Reason, str] | None:
    """Return what is wrong with a time that must not lie in the future; None when it is valid."""
    if ms == NO_TIME:
        return field, Reason.MISSING_FIELD, f"The field `{field}` is missing."
    if ms > input_time_ms + AHEAD_MS:
        return field, Reason.TIME_IN_FUTURE, f"`{field}` is {time_text(ms)}, more than 5 minutes in the future."
    if ms < EARLIEST_MS:
        return field, Reason.TIME_TOO_OLD, f"`{field}` is {time_text(ms)}, before the year 2000."
    return None


def time_text(ms: int) -> str | int | None:
    """Return RFC 3339, the number itself where the calendar has no such day, None for no time."""
    if ms == NO_TIME:
        return None
    try:
        return rfc3339(from_ms(ms))
    except (ValueError, OverflowError, OSError):
        return ms
