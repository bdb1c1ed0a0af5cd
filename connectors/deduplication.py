"""Which records of a source are repeats, and which contradict what was sent before. What the source says decides."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import pyarrow as pa

from connectors.batching import SCHEMAS, Intake
from connectors.known_keys import CONFLICT, FRESH, NO_ROWS, REPEAT, KeyFile, KeyRows, KnownKeys
from connectors.record_keys import Keys, case_keys, reading_keys, reading_marks
from connectors.row_keys import Flags
from connectors.same_key import SameKey
from ioc import topics
from ioc.clock import from_ms, rfc3339
from ioc.errors import BatchMalformed
from ioc.model.measure import Measure
from ioc.model.rejection import Reason, Rejection
from ioc.wire import arrow

_OTHER_VALUE = 'came before with another value; if the source corrects itself, set same_key = "correction".'
_TOO_EARLY = (
    "lies before {since}, when the source began to correct itself: what it sent until then is in sums, and cannot be "
    "replaced."
)


@dataclass(frozen=True)
class Judged:
    """An intake without its repeats; what contradicts a known key is among its rejections, and alone in `conflicts`.
    `duplicates` by topic; `keys` are to be remembered."""

    intake: Intake
    duplicates: Mapping[str, int] = field(default_factory=dict)
    conflicts: Sequence[Rejection] = ()
    keys: KeyRows = NO_ROWS


class Repeats:
    """The keys of what one source has sent. `measures` gives the measures in force, which tell gauges from deltas.

    Not thread-safe; `save` and `learn` read and write files.
    """

    def __init__(self, same_key: SameKey, measures: Callable[[], Mapping[str, Measure]], file: KeyFile) -> None:
        self._same_key = same_key
        self._measures = measures
        self._known = KnownKeys()
        self._file = file
        self._unsaved: list[KeyRows] = []

    def judge(self, intake: Intake, corrects_from_ms: int = 0) -> Judged:
        """Return the part of an intake that is new; all of it is known from now on. Of a source that corrects itself,
        readings timed before `corrects_from_ms` are refused."""
        kept, dropped, conflicts, keys = intake, dict[str, int](), list[Rejection](), list[KeyRows]()
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
            verdicts, added = self._known.judge(self._rows_of(topic, batch))
            keys.append(added)
            if (verdicts == FRESH).all():
                continue
            kept = kept.with_batch(topic, batch.filter(pa.array(verdicts == FRESH)))
            dropped[topic] = int(np.count_nonzero(verdicts == REPEAT))
            conflicts += _conflicts(batch, np.flatnonzero(verdicts == CONFLICT), intake, _OTHER_VALUE)
        if len(intake.row_keys):
            keys.append(self._known.judge(unmarked(intake.row_keys))[1])
        if conflicts:
            kept = replace(kept, rejections=(*kept.rejections, *conflicts))
        return Judged(kept, dropped, conflicts, KeyRows.joined(keys))

    def contradicts(self, readings: pa.RecordBatch, corrects_from_ms: int = 0) -> Flags:
        """Whether each reading would be refused by `judge`; none becomes known by it."""
        if corrects_from_ms:
            return _is_early(readings, corrects_from_ms)
        if not self._remembers(topics.READINGS):
            return np.zeros(readings.num_rows, np.bool_)
        return self._known.contradicts(self._rows_of(topics.READINGS, readings))

    def knows(self, row_keys: Keys) -> tuple[Flags, Flags]:
        """Whether each row key is known, and whether it would be forgotten next."""
        return self._known.knows(row_keys)

    def forget(self, keys: KeyRows) -> None:
        """The records were not kept after all."""
        self._known.forget(keys.keys)

    def restore(self) -> None:
        """Take what an earlier process has written."""
        self._known.restore(self._file.load())

    def learn(self, topic: str, value: bytes) -> KeyRows:
        """The keys of a message that is in the log or in the spool; of one that cannot be read none."""
        try:
            batch, _ = arrow.decode(value, SCHEMAS[topic])
            rows = [unmarked(np.frombuffer(arrow.row_keys_of(value), np.uint64))]
        except BatchMalformed:
            return NO_ROWS
        if self._remembers(topic):
            rows.append(self._rows_of(topic, batch))
        return KeyRows.joined([self._known.judge(some)[1] for some in rows if len(some)])

    def acknowledged(self, keys: KeyRows) -> None:
        """The records of these keys are in the log."""
        if len(keys):
            self._unsaved.append(keys)

    def save(self) -> None:
        """Write the keys of what is in the log. Raises OSError; they are written with the next ones then."""
        if self._unsaved:
            self._file.append(KeyRows.joined(self._unsaved))
            self._unsaved = []

    def _remembers(self, topic: str) -> bool:
        return self._same_key is SameKey.REPEAT or (self._same_key is SameKey.CORRECTION and topic == topics.CASES)

    def _rows_of(self, topic: str, batch: pa.RecordBatch) -> KeyRows:
        if topic == topics.READINGS:
            return KeyRows(reading_keys(batch, self._measures()), reading_marks(batch))
        return unmarked(case_keys(batch))


def _is_early(readings: pa.RecordBatch, corrects_from_ms: int) -> Flags:
    early: Flags = readings.column("time").cast(pa.int64()).to_numpy(zero_copy_only=False) < corrects_from_ms
    return early


def unmarked(keys: Keys) -> KeyRows:
    return KeyRows(keys, np.zeros(len(keys), np.uint32))


def _conflicts(batch: pa.RecordBatch, rows: np.ndarray, intake: Intake, why: str) -> Iterable[Rejection]:
    """A refusal for each of the readings. Where the intake does not tell their places, they come behind all others."""
    behind = max([intake.records, *(r.index + 1 for r in intake.rejections)])
    for row in rows.tolist():
        reading = {name: batch.column(name)[row].as_py() for name in batch.schema.names}
        reading["time"] = rfc3339(reading["time"])
        place = intake.reading_places[row] if intake.reading_places else behind + row
        sentence = f"{reading['measure']} of {reading['unit']} at {reading['time']} {why}"
        content = json.dumps(reading, ensure_ascii=False).encode(errors="replace")
        yield Rejection(place, "value", Reason.KEY_CONFLICT, sentence, content)
