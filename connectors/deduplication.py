"""Find the records of a source that are repeats, and those that contradict what was sent before.

A reading with a subject, or of a gauge, has the key (measure, unit, subject, time); a delta without a subject has none,
since several events may share a millisecond. The key of a case version is all its content. What a known key means is
the source's choice (connectors/same_key.py).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from hashlib import blake2b

import numpy as np
import pyarrow as pa

from connectors.batching import SCHEMAS, Intake
from connectors.known_keys import (
    CONFLICT,
    FRESH,
    NO_KEY,
    NO_ROWS,
    REPEAT,
    KeyFile,
    KeyRows,
    Keys,
    KnownKeys,
    Marks,
    marks_of,
    mix_columns,
)
from connectors.row_keys import Flags
from connectors.same_key import SameKey
from ioc import topics
from ioc.clock import from_ms, rfc3339
from ioc.errors import BatchMalformed
from ioc.model.measure import Measure, MeasureKind
from ioc.model.rejection import Reason, Rejection
from ioc.wire import arrow

_OTHER_VALUE = 'came before with another value; if the source corrects itself, set same_key = "correction".'
_TOO_EARLY = (
    "lies before {since}, when the source began to correct itself; what it sent until then is part of sums and cannot "
    "be replaced."
)


@dataclass(frozen=True)
class DeduplicatedIntake:
    """An intake without its repeats.

    Records that contradict a known key are among its rejections, and alone in `conflicts`. `duplicates` counts the
    repeats by topic. `keys` are to be remembered.
    """

    intake: Intake
    duplicates: Mapping[str, int] = field(default_factory=dict)
    conflicts: Sequence[Rejection] = ()
    keys: KeyRows = NO_ROWS


class Deduplicator:
    """The keys of what one source has sent. Not thread-safe.

    `measures` returns the measures in force, which tell gauges from deltas. `restore` and `save` read and write `file`.
    """

    def __init__(self, same_key: SameKey, measures: Callable[[], Mapping[str, Measure]], file: KeyFile) -> None:
        self._same_key = same_key
        self._measures = measures
        self._known = KnownKeys()
        self._file = file
        self._unsaved: list[KeyRows] = []

    def remove_repeats(self, intake: Intake, corrects_from_ms: int = 0) -> DeduplicatedIntake:
        """Return the new part of an intake; all its keys are known from now on.

        In a source that corrects itself, readings timed before `corrects_from_ms` are refused.
        """
        kept, duplicates, conflicts, keys = intake, dict[str, int](), list[Rejection](), list[KeyRows]()
        if corrects_from_ms and intake.readings is not None and intake.readings.num_rows:
            early = _is_early(intake.readings, corrects_from_ms)
            if early.any():
                sentence = _TOO_EARLY.format(since=rfc3339(from_ms(corrects_from_ms)))
                conflicts += _conflicts(intake.readings, np.flatnonzero(early), intake, sentence)
                kept = kept.with_batch(topics.READINGS, intake.readings.filter(pa.array(~early)))
        for topic in SCHEMAS:
            batch = intake.batch(topic)
            if batch is None or not batch.num_rows or not self._remembers(topic):
                continue
            verdicts, added = self._known.classify(self._rows_of(topic, batch))
            keys.append(added)
            if (verdicts == FRESH).all():
                continue
            kept = kept.with_batch(topic, batch.filter(pa.array(verdicts == FRESH)))
            duplicates[topic] = int(np.count_nonzero(verdicts == REPEAT))
            conflicts += _conflicts(batch, np.flatnonzero(verdicts == CONFLICT), intake, _OTHER_VALUE)
        if len(intake.row_keys):
            keys.append(self._known.classify(unmarked(intake.row_keys))[1])
        if conflicts:
            kept = replace(kept, rejections=(*kept.rejections, *conflicts))
        return DeduplicatedIntake(kept, duplicates, conflicts, KeyRows.joined(keys))

    def contradicts(self, readings: pa.RecordBatch, corrects_from_ms: int = 0) -> Flags:
        """Return for each reading whether `remove_repeats` would refuse it; no key becomes known."""
        if corrects_from_ms:
            return _is_early(readings, corrects_from_ms)
        if not self._remembers(topics.READINGS):
            return np.zeros(readings.num_rows, np.bool_)
        return self._known.contradicts(self._rows_of(topics.READINGS, readings))

    def knows(self, row_keys: Keys) -> tuple[Flags, Flags]:
        """Return for each row key whether it is known, and whether it would be forgotten next."""
        return self._known.knows(row_keys)

    def forget(self, keys: KeyRows) -> None:
        """Forget keys whose records were not kept after all."""
        self._known.forget(keys.keys)

    def restore(self) -> None:
        """Learn the keys that an earlier process wrote to the file."""
        self._known.restore(self._file.load())

    def learn(self, topic: str, value: bytes) -> KeyRows:
        """Learn and return the keys of a message in the log or the spool; none of one that cannot be read."""
        try:
            batch, _ = arrow.decode(value, SCHEMAS[topic])
            rows = [unmarked(np.frombuffer(arrow.row_keys_of(value), np.uint64))]
        except BatchMalformed:
            return NO_ROWS
        if self._remembers(topic):
            rows.append(self._rows_of(topic, batch))
        return KeyRows.joined([self._known.classify(some)[1] for some in rows if len(some)])

    def acknowledged(self, keys: KeyRows) -> None:
        """Note that the records of these keys are in the log; `save` writes them."""
        if len(keys):
            self._unsaved.append(keys)

    def save(self) -> None:
        """Write the keys of what is in the log. Raises OSError; then they are written with the next ones."""
        if self._unsaved:
            self._file.append(KeyRows.joined(self._unsaved))
            self._unsaved = []

    def _remembers(self, topic: str) -> bool:
        return self._same_key is SameKey.REPEAT or (self._same_key is SameKey.CORRECTION and topic == topics.CASES)

    def _rows_of(self, topic: str, batch: pa.RecordBatch) -> KeyRows:
        if topic == topics.READINGS:
            return KeyRows(reading_keys(batch, self._measures()), reading_marks(batch))
        return unmarked(case_keys(batch))


def reading_keys(batch: pa.RecordBatch, measures: Mapping[str, Measure]) -> Keys:
    """Return a key per row, NO_KEY where the reading has none."""
    keys = mix_columns([_texts(batch, name) for name in ("measure", "unit", "subject")] + [_times(batch, "time")])
    ids = batch.column("measure").dictionary.to_pylist()
    gauge = np.array([one in measures and measures[one].kind is MeasureKind.GAUGE for one in ids] + [False])
    codes = batch.column("measure").indices.fill_null(len(ids)).to_numpy(zero_copy_only=False)
    keyed = gauge[codes] | batch.column("subject").is_valid().to_numpy(zero_copy_only=False)
    return np.where(keyed, keys, NO_KEY)


def reading_marks(batch: pa.RecordBatch) -> Marks:
    """Return a mark per row, which differs where the value does."""
    return marks_of(batch.column("value").fill_null(0.0).to_numpy(zero_copy_only=False))


def case_keys(batch: pa.RecordBatch) -> Keys:
    """Return a key per row, over all columns."""
    columns = []
    for column in batch.schema:
        if pa.types.is_timestamp(column.type):
            columns.append(_times(batch, column.name))
        elif pa.types.is_dictionary(column.type):
            columns.append(_texts(batch, column.name))
        else:
            columns.append(np.array([_hash(text) for text in batch.column(column.name).to_pylist()], np.uint64))
    return mix_columns(columns)


def unmarked(keys: Keys) -> KeyRows:
    """Return keys whose records have no value to compare."""
    return KeyRows(keys, np.zeros(len(keys), np.uint32))


def _hash(text: str | None) -> int:
    return 0 if text is None else int.from_bytes(blake2b(text.encode(), digest_size=8).digest(), "little")


def _texts(batch: pa.RecordBatch, name: str) -> Keys:
    column = batch.column(name)
    hashes = np.array([_hash(text) for text in column.dictionary.to_pylist()] + [0], np.uint64)
    codes = column.indices.cast(pa.int32()).fill_null(len(hashes) - 1).to_numpy(zero_copy_only=False)
    coded: Keys = hashes[codes]
    return coded


def _times(batch: pa.RecordBatch, name: str) -> Keys:
    times: Keys = batch.column(name).cast(pa.int64()).fill_null(-1).to_numpy(zero_copy_only=False).astype(np.uint64)
    return times


def _is_early(readings: pa.RecordBatch, corrects_from_ms: int) -> Flags:
    early: Flags = readings.column("time").cast(pa.int64()).to_numpy(zero_copy_only=False) < corrects_from_ms
    return early


def _conflicts(batch: pa.RecordBatch, rows: np.ndarray, intake: Intake, why: str) -> Iterable[Rejection]:
    """Yield a rejection for each of the readings; where the intake has no indices for them, they come after all."""
    after = max([intake.records, *(r.index + 1 for r in intake.rejections)])
    for row in rows.tolist():
        reading = {name: batch.column(name)[row].as_py() for name in batch.schema.names}
        reading["time"] = rfc3339(reading["time"])
        index = intake.reading_indices[row] if intake.reading_indices else after + row
        sentence = f"{reading['measure']} of {reading['unit']} at {reading['time']} {why}"
        content = json.dumps(reading, ensure_ascii=False).encode(errors="replace")
        yield Rejection(index, "value", Reason.KEY_CONFLICT, sentence, content)
