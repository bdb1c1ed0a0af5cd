"""Write one tick of the historian: all that was read, in one transaction."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

import duckdb
import pyarrow as pa

from ioc.clock import from_ms
from ioc.errors import NotStorable
from ioc.messages import Message
from ioc.store.cases import CasesAppended, append_cases
from ioc.store.dead_letters import append_dead_letters
from ioc.store.dictionary_codes import DictionaryCodes
from ioc.store.exactly_once import Output
from ioc.store.keyed import append_keyed
from ioc.store.panes import PanesAppended, append_panes
from ioc.store.source_feeds import feed_rows
from ioc.store.times import naive
from ioc.topics import READINGS, TopicPartition
from ioc.wire.dead_letters import DeadLetter
from ioc.wire.headers import OutputHeaders

# Errors caused by the values that were to be written: the file is sound, and accepts others.
_FAULTS_OF_DATA = (duckdb.DataError, duckdb.IntegrityError, ArithmeticError, LookupError, TypeError, ValueError)


@dataclass(frozen=True)
class Commit:
    """The changes of a transaction.

    Measure ids with their earliest changed minute (since 1970 UTC), unit codes of panes and cases, case types; `at` is
    the time; `fed` are (source, kind, id) of what each source sent. Data that only moved (roll-up, archive) is not a
    commit.
    """

    earliest_minute: Mapping[str, int]
    units: frozenset[str]
    case_types: frozenset[str]
    at: datetime
    fed: frozenset[tuple[str, str, str]] = frozenset()

    @property
    def measures(self) -> frozenset[str]:
        return frozenset(self.earliest_minute)


@dataclass
class TickCounts:
    """Additive counts of one (source, topic, generation) in a tick; `sequence` and `last_input_ms` are the highest.

    `repeated` are applied case versions that were stored already, and applied readings that replace an earlier one.
    """

    sequence: int = 0
    received: int = 0
    applied: int = 0
    duplicate: int = 0
    repeated: int = 0
    opened: int = 0
    fenced: int = 0
    fenced_records: int = 0
    replayed: int = 0
    last_input_ms: int = 0
    rejected: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class LostInputs:
    """[from, to) inputs of a source partition that will never be applied, and why (`ioc.model.ledger.LossCause`)."""

    partition: TopicPartition
    from_offset: int
    to_offset: int
    why: str


@dataclass
class HistorianTick:
    """What was read between two commits. `applied` and `read` are the new offsets of source and output partitions."""

    outputs: list[Output] = field(default_factory=list)
    panes: list[pa.RecordBatch] = field(default_factory=list)
    keyed: list[Output] = field(default_factory=list)
    cases: list[Output] = field(default_factory=list)
    dead_letters: list[DeadLetter] = field(default_factory=list)
    losses: list[LostInputs] = field(default_factory=list)
    applied: dict[TopicPartition, int] = field(default_factory=dict)
    read: dict[TopicPartition, int] = field(default_factory=dict)
    counts: dict[tuple[str, str, int], TickCounts] = field(default_factory=dict)
    size_bytes: int = 0

    def __bool__(self) -> bool:
        return bool(self.read or self.applied or self.losses)

    def apply(self, output: Output) -> None:
        """Add the rows and counts of an admitted output."""
        head = output.headers
        counts = self._of(head)
        counts.sequence = max(counts.sequence, head.sequence)
        counts.received += head.received
        counts.applied += head.applied
        counts.duplicate += head.duplicate
        counts.last_input_ms = max(counts.last_input_ms, head.input_time_ms)
        for reason, n in head.rejected.items():
            counts.rejected[reason] = counts.rejected.get(reason, 0) + n
        self.size_bytes += output.rows.nbytes
        self.outputs.append(output)
        if head.keyed:
            self.keyed.append(output)
        elif head.topic == READINGS:
            self.panes.append(output.rows)
        elif output.rows.num_rows:
            self.cases.append(output)

    def fence(self, head: OutputHeaders) -> None:
        """Count a batch that is an echo, and its records; nothing else of it counts."""
        counts = self._of(head)
        counts.fenced += 1
        counts.fenced_records += head.received

    def replay(self, head: OutputHeaders) -> None:
        """Count an output that an agent published again."""
        self._of(head).replayed += 1

    def refuse(self, head: OutputHeaders, letter: DeadLetter, rejected: Mapping[str, int]) -> None:
        """Count rejected records, by reason, and keep their bytes."""
        counts = self._of(head)
        counts.sequence = max(counts.sequence, head.sequence)
        counts.received += sum(rejected.values())
        counts.last_input_ms = max(counts.last_input_ms, head.input_time_ms)
        for reason, n in rejected.items():
            counts.rejected[reason] = counts.rejected.get(reason, 0) + n
        self.dead_letters.append(letter)
        self.size_bytes += len(letter.content)

    def _of(self, head: OutputHeaders) -> TickCounts:
        return self.counts.setdefault((head.source, head.topic, head.generation), TickCounts())


def write_tick(
    cursor: duckdb.DuckDBPyConnection,
    codes: DictionaryCodes,
    tick: HistorianTick,
    number: int,
    at: datetime,
    zone_hours: int,
) -> Commit:
    """Write a tick in the running transaction. `number` grows with each tick of the store.

    Raises NotStorable when the store cannot hold the tick's data.
    """
    try:
        return _write_tick(cursor, codes, tick, number, at, zone_hours)
    except _FAULTS_OF_DATA as fault:
        reason = (str(fault).strip() or repr(fault)).splitlines()[0]
        raise NotStorable(Message("not_storable", reason=reason)) from fault


def _write_tick(
    cursor: duckdb.DuckDBPyConnection,
    codes: DictionaryCodes,
    tick: HistorianTick,
    number: int,
    at: datetime,
    zone_hours: int,
) -> Commit:
    panes = append_panes(cursor, codes, tick.panes) if tick.panes else PanesAppended({}, frozenset(), 0)
    earliest, units = dict(panes.earliest_minute), panes.units
    if tick.keyed:
        keyed = append_keyed(cursor, codes, tick.keyed, zone_hours)
        for output, repeated, corrected in zip(tick.keyed, keyed.repeated, keyed.corrected, strict=True):
            head = output.headers
            counts = tick.counts[head.source, head.topic, head.generation]
            counts.applied -= repeated
            counts.duplicate += repeated
            counts.repeated += corrected
        for measure, minute in keyed.earliest_minute.items():
            earliest[measure] = min(minute, earliest.get(measure, minute))
        units |= keyed.units
    cases = CasesAppended(frozenset(), frozenset(), (), ())
    if tick.cases:
        cases = append_cases(cursor, [output.rows for output in tick.cases], at, zone_hours)
        for output, repeated, opened in zip(tick.cases, cases.repeated, cases.opened, strict=True):
            head = output.headers
            counts = tick.counts[head.source, head.topic, head.generation]
            counts.repeated += repeated
            counts.opened += opened
    append_dead_letters(cursor, tick.dead_letters)
    _append(
        cursor,
        "losses",
        [(*loss.partition, loss.from_offset, loss.to_offset, loss.why, naive(at)) for loss in tick.losses],
    )
    _append(
        cursor,
        "progress",
        [
            (number, what, *partition, offset)
            for what, offsets in (("applied", tick.applied), ("read", tick.read))
            for partition, offset in offsets.items()
        ],
    )
    _append(
        cursor,
        "source_counts",
        [
            (
                *key[:2],
                key[2],
                c.sequence,
                c.received,
                c.applied,
                c.duplicate,
                c.repeated,
                c.opened,
                c.fenced,
                c.replayed,
                naive(from_ms(c.last_input_ms)),
                c.fenced_records,
            )
            for key, c in tick.counts.items()
        ],
    )
    _append(
        cursor,
        "source_rejections",
        [(*key[:2], reason, n) for key, c in tick.counts.items() for reason, n in c.rejected.items()],
    )
    feeds, late = feed_rows(tick.outputs, at, zone_hours)
    _append(cursor, "feeds", feeds)
    _append(cursor, "late_batches", late)
    fed = frozenset((source, kind, word) for source, kind, word, *_ in feeds)
    return Commit(earliest, units | cases.units, cases.case_types, at, fed)


def _append(cursor: duckdb.DuckDBPyConnection, table: str, rows: Sequence[tuple[object, ...]]) -> None:
    # As a table: the same few rows as parameters of the statement cost five times as much.
    if rows:
        columns = {f"c{number}": list(values) for number, values in enumerate(zip(*rows, strict=True))}
        cursor.register("tick_rows", pa.table(columns))
        cursor.execute(f"INSERT INTO {table} SELECT * FROM tick_rows")
        cursor.unregister("tick_rows")
