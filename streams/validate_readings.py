"""Checks of a batch of readings, a column at a time; only unfit rows are looked at one by one."""

import json
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from ioc.clock import from_ms, rfc3339, to_ms
from ioc.model.rejection import Reason, Rejection, Rejections
from ioc.model.vocabulary import MAX_AHEAD, Vocabulary
from ioc.model.window import BEGINNING
from streams.dictionary_columns import MeasuresOf, Words

LONGEST_WORD = 200
EARLIEST_MS = to_ms(BEGINNING)
NO_TIME = int(np.iinfo(np.int64).min)
AHEAD_MS = round(MAX_AHEAD.total_seconds() * 1000)

Rows = NDArray[np.intp]


@dataclass(frozen=True)
class Columns:
    """A batch of readings as numpy columns. A null time is before all times, a null value is not a number."""

    measure: Words
    unit: Words
    subject: Words
    time_ms: NDArray[np.int64]
    value: NDArray[np.float64]

    @classmethod
    def of(cls, batch: pa.RecordBatch) -> "Columns":
        measure, unit, subject, time, value = batch.columns
        time = time.view(pa.int64())
        return cls(
            Words.of(measure),
            Words.of(unit),
            Words.of(subject),
            (time.fill_null(NO_TIME) if time.null_count else time).to_numpy(zero_copy_only=False),
            (value.fill_null(float("nan")) if value.null_count else value).to_numpy(zero_copy_only=False),
        )

    def take(self, rows: Rows) -> "Columns":
        return Columns(
            self.measure.take(rows),
            self.unit.take(rows),
            self.subject.take(rows),
            self.time_ms[rows],
            self.value[rows],
        )


def fit_rows(columns: Columns, measures: MeasuresOf, vocabulary: Vocabulary, input_time_ms: int) -> Rows | None:
    """Places of the rows that pass every check; None when all do."""
    value, codes = columns.value, columns.measure.codes
    # An unknown measure's range is empty and a number that is not finite is in none: four checks in two comparisons.
    fit = (value >= measures.least[codes]) & (value <= measures.most[codes])
    known = columns.unit.flags(vocabulary.units.__contains__)
    if not columns.unit.all_fit(known):
        fit &= known[columns.unit.codes]
    if len(value) and (columns.time_ms.min() < EARLIEST_MS or columns.time_ms.max() > input_time_ms + AHEAD_MS):
        fit &= (columns.time_ms >= EARLIEST_MS) & (columns.time_ms <= input_time_ms + AHEAD_MS)
    if columns.subject.longest() > LONGEST_WORD:
        short = columns.subject.flags(lambda word: len(word) <= LONGEST_WORD)
        short[-1] = True
        fit &= short[columns.subject.codes]
    return None if fit.all() else np.flatnonzero(fit)


def rejections_of(
    columns: Columns, batch: pa.RecordBatch, unfit: Rows, vocabulary: Vocabulary, input_time_ms: int
) -> list[Rejection]:
    """Why each unfit row is unfit: the first reason in the order of the columns, as `ioc.wire.fields` would say."""
    rejections = Rejections()
    has_value = batch.column("value").is_valid().to_numpy(zero_copy_only=False)
    for row in unfit.tolist():
        measure, unit, subject = (
            words.entries[words.codes[row]] if words.codes[row] >= 0 else None
            for words in (columns.measure, columns.unit, columns.subject)
        )
        ms = int(columns.time_ms[row])
        value = float(columns.value[row]) if has_value[row] else None
        field, reason, message = _verdict(vocabulary, measure, unit, subject, ms, value, input_time_ms)
        content = {"measure": measure, "unit": unit, "subject": subject, "time": time_text(ms), "value": value}
        rejections.add(row, field, reason, message, json.dumps(content, ensure_ascii=False).encode())
    return rejections.all()


def _verdict(
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
        return unknown_word("measure", measure, Reason.UNKNOWN_MEASURE, f"The catalogue has no measure {measure!r}.")
    if unit not in vocabulary.units:
        return unknown_unit(unit, vocabulary)
    if subject is not None and len(subject) > LONGEST_WORD:
        return "subject", Reason.TOO_LARGE, f"`subject` is longer than {LONGEST_WORD} characters."
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


def unknown_word(field: str, word: str | None, reason: Reason, message: str) -> tuple[str, Reason, str]:
    """The verdict on a word that is missing or, as `message` says, unknown."""
    if not word:
        return field, Reason.MISSING_FIELD, f"The field `{field}` is missing."
    return field, reason, message


def unknown_unit(unit: str | None, vocabulary: Vocabulary) -> tuple[str, Reason, str]:
    return unknown_word("unit", unit, Reason.UNKNOWN_UNIT, vocabulary.unknown_unit(unit))


def past_fault(field: str, ms: int, input_time_ms: int) -> tuple[str, Reason, str] | None:
    """What is wrong with a time that must not lie in the future; None when nothing is."""
    if ms == NO_TIME:
        return field, Reason.MISSING_FIELD, f"The field `{field}` is missing."
    if ms > input_time_ms + AHEAD_MS:
        return field, Reason.TIME_IN_FUTURE, f"`{field}` is {time_text(ms)}, more than 5 minutes in the future."
    if ms < EARLIEST_MS:
        return field, Reason.TIME_TOO_OLD, f"`{field}` is {time_text(ms)}, before the year 2000."
    return None


def time_text(ms: int) -> str | int | None:
    """RFC 3339, the number itself where the calendar has no such day, None for no time."""
    if ms == NO_TIME:
        return None
    try:
        return rfc3339(from_ms(ms))
    except (ValueError, OverflowError, OSError):
        return ms
