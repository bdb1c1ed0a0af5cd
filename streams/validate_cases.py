"""Check a batch of cases column by column; only invalid rows and their attributes are examined one by one."""

import json
from dataclasses import dataclass
from typing import Any

import numpy as np
import orjson
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from ioc.errors import RecordUnfit
from ioc.model.rejection import Reason, Rejection, Rejections
from ioc.model.vocabulary import Vocabulary
from ioc.wire.attributes import check_attributes
from ioc.wire.schemas import CASES
from ioc.wire.whole_days import day_of, is_whole_day
from streams.dictionary_columns import DictionaryColumn, Flags
from streams.validate_readings import (
    AHEAD_MS,
    EARLIEST_MS,
    MAX_TERM_LENGTH,
    NO_TIME,
    past_fault,
    time_text,
    unknown_term,
    unknown_unit,
)

Times = NDArray[np.int64]
Refusal = tuple[str, str, str]
_CALENDAR_MS = (-62_135_596_800_000, 253_402_300_799_999)  # years 1 to 9999
_TIMES = ("received_at", "due_at", "closed_at", "updated_at")
_TEXTS = ("case_type", "unit", "status", "channel", "service")


@dataclass(frozen=True)
class CheckedCases:
    """The valid rows in their order (`schemas.CASES`), and rejections with the row as index."""

    cases: pa.RecordBatch
    rejections: list[Rejection]


def check(batch: pa.RecordBatch, vocabulary: Vocabulary, input_time_ms: int) -> CheckedCases:
    """Check a batch of cases (`schemas.CASES`); `input_time_ms` is when the broker received it."""
    columns = {name: DictionaryColumn.of(batch.column(name)) for name in _TEXTS}
    times = {name: _times(batch.column(name)) for name in _TIMES}
    for name, moved in _within_days(times).items():
        if not np.array_equal(moved, times[name]):
            column = pa.array(moved, pa.int64(), mask=moved == NO_TIME).cast(CASES.field(name).type)
            batch, times[name] = batch.set_column(CASES.get_field_index(name), CASES.field(name), column), moved
    valid = _valid_texts(columns, vocabulary) & _valid_ids(batch.column("case_id")) & _valid_times(times, input_time_ms)
    rows = _Rows(batch, columns, times, vocabulary, input_time_ms)
    valid &= rows.valid_attributes(valid)
    if valid.all():
        return CheckedCases(batch, [])
    rejections = Rejections()
    for row in np.flatnonzero(~valid).tolist():
        rejections.add(row, *rows.rejection(row))
    return CheckedCases(batch.filter(pa.array(valid)), rejections.all())


def _valid_texts(columns: dict[str, DictionaryColumn], vocabulary: Vocabulary) -> Flags:
    kind, status = columns["case_type"], columns["status"]
    # Status fits case type: a table of all pairs of the two dictionaries, null the last row and column.
    allowed = np.zeros((kind.size, status.size), np.bool_)
    for row, name in enumerate(kind.entries):
        declared = vocabulary.case_types.get(name or "")
        if declared is not None:
            allowed[row, :-1] = [text in declared.statuses for text in status.entries]
    valid: Flags = allowed[kind.codes, status.codes]
    valid &= columns["unit"].flags(vocabulary.units.__contains__)[columns["unit"].codes]
    for name in ("channel", "service"):
        if columns[name].max_length() > MAX_TERM_LENGTH:
            short = columns[name].flags(lambda text: len(text) <= MAX_TERM_LENGTH)
            short[-1] = True
            valid &= short[columns[name].codes]
    return valid


def _valid_ids(case_id: pa.StringArray) -> Flags:
    length = pc.fill_null(pc.utf8_length(case_id), 0).to_numpy(zero_copy_only=False)
    valid: Flags = (length > 0) & (length <= MAX_TERM_LENGTH)
    return valid


def _times(column: pa.TimestampArray) -> Times:
    whole = column.view(pa.int64())
    times: Times = (whole.fill_null(NO_TIME) if whole.null_count else whole).to_numpy(zero_copy_only=False)
    return times


def _within_days(times: dict[str, Times]) -> dict[str, Times]:
    """Move times that are known by the day only on within their day, as `ioc.wire.fields` does.

    A case is not closed before it was received on that day, and its last update is not before either.
    """
    received, closed, updated = times["received_at"], times["closed_at"], times["updated_at"]
    early = is_whole_day(closed) & (closed < received) & (day_of(closed) == day_of(received))
    closed = np.where(early, received, closed)
    latest = updated
    for other in (received, closed):
        latest = np.where(day_of(other) == day_of(updated), np.maximum(latest, other), latest)
    return {"closed_at": closed, "updated_at": np.where(is_whole_day(updated), latest, updated)}


def _valid_times(times: dict[str, Times], input_time_ms: int) -> Flags:
    def past(moments: Times) -> Flags:
        within: Flags = (moments >= EARLIEST_MS) & (moments <= input_time_ms + AHEAD_MS)
        return within

    due, closed = times["due_at"], times["closed_at"]
    valid = past(times["received_at"]) & past(times["updated_at"])
    valid &= (closed == NO_TIME) | (past(closed) & (closed >= times["received_at"]))
    valid &= (due == NO_TIME) | ((due >= _CALENDAR_MS[0]) & (due <= _CALENDAR_MS[1]))
    return valid


@dataclass(frozen=True)
class _Rows:
    """Single rows of the batch, for what cannot be checked on a whole column."""

    batch: pa.RecordBatch
    columns: dict[str, DictionaryColumn]
    times: dict[str, Times]
    vocabulary: Vocabulary
    input_time_ms: int

    def valid_attributes(self, valid: Flags) -> Flags:
        """Return whether a row's attributes are absent or valid; rows that are invalid anyway are skipped."""
        column = self.batch.column("attributes")
        if column.null_count == len(column):
            return np.ones(len(column), np.bool_)
        encoded = column.dictionary_encode()
        kind = self.columns["case_type"]
        present = valid & encoded.is_valid().to_numpy(zero_copy_only=False)
        place = encoded.indices.fill_null(0).to_numpy(zero_copy_only=False).astype(np.int64)
        pairs, back = np.unique(place[present] * kind.size + kind.codes[present], return_inverse=True)
        texts = encoded.dictionary.to_pylist()
        verdicts = [self._attributes_fault(texts[pair // kind.size], kind.entries[pair % kind.size]) for pair in pairs]
        passes = np.ones(len(column), np.bool_)
        passes[present] = np.array([verdict is None for verdict in verdicts], np.bool_)[back]
        return passes

    def _attributes_fault(self, text: str, case_type: str | None) -> Refusal | None:
        try:
            attributes = orjson.loads(text)
            check_attributes(attributes, self.vocabulary.case_types[case_type or ""])
        except orjson.JSONDecodeError as fault:
            return "attributes", Reason.WRONG_TYPE, f"`attributes` is not JSON: {fault}."
        except RecordUnfit as fault:
            return fault.field, fault.reason, str(fault)
        return None

    def rejection(self, row: int) -> tuple[str, str, str, bytes]:
        """Return field, reason and sentence of an invalid row, and the row as JSON.

        The reason is the first fault in the order of `ioc.wire.fields`.
        """
        record: dict[str, Any] = {name: self._text(name, row) for name in _TEXTS}
        record |= {name: time_text(int(self.times[name][row])) for name in _TIMES}
        record |= {name: self.batch.column(name)[row].as_py() for name in ("case_id", "attributes")}
        field, reason, message = self._refusal(record, row)
        content = json.dumps({name: record[name] for name in CASES.names}, ensure_ascii=False)
        return field, reason, message, content.encode()

    def _text(self, name: str, row: int) -> str | None:
        code = self.columns[name].codes[row]
        return self.columns[name].entries[code] if code >= 0 else None

    def _refusal(self, record: dict[str, Any], row: int) -> Refusal:
        kind, unit, status = record["case_type"], record["unit"], record["status"]
        declared = self.vocabulary.case_types.get(kind or "")
        if declared is None:
            message = f"The catalogue has no case type {kind!r}."
            return unknown_term("case_type", kind, Reason.UNKNOWN_CASE_TYPE, message)
        if not record["case_id"]:
            return "case_id", Reason.MISSING_FIELD, "The field `case_id` is missing."
        for name in ("case_id", "channel", "service"):
            if record[name] and len(record[name]) > MAX_TERM_LENGTH:
                return name, Reason.TOO_LARGE, f"`{name}` is longer than {MAX_TERM_LENGTH} characters."
        if unit not in self.vocabulary.units:
            return unknown_unit(unit, self.vocabulary)
        if status not in declared.statuses:
            message = f"Status {status!r} is none of {', '.join(declared.statuses)}."
            return unknown_term("status", status, Reason.UNKNOWN_STATUS, message)
        return self._time_fault(row) or self._attributes_fault(record["attributes"], kind) or _NO_FAULT

    def _time_fault(self, row: int) -> Refusal | None:
        for name in ("received_at", "updated_at", "closed_at"):
            ms = int(self.times[name][row])
            fault = None if name == "closed_at" and ms == NO_TIME else past_fault(name, ms, self.input_time_ms)
            if fault is not None:
                return fault
        closed, due = int(self.times["closed_at"][row]), int(self.times["due_at"][row])
        if closed != NO_TIME and closed < self.times["received_at"][row]:
            return "closed_at", Reason.TIME_ORDER, "`closed_at` is before `received_at`."
        if due != NO_TIME and not _CALENDAR_MS[0] <= due <= _CALENDAR_MS[1]:
            return "due_at", Reason.WRONG_TYPE, f"`due_at` is {due} ms, out of the calendar."
        return None


_NO_FAULT: Refusal = ("", Reason.MALFORMED, "The record does not valid.")
