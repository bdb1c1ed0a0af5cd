"""Record which source feeds what, and which batches reach into closed days: a few rows per batch."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ioc.clock import from_ms, to_ms
from ioc.store.exactly_once import Output
from ioc.store.times import naive
from ioc.topics import READINGS

MEASURE, CASE_TYPE = "measure", "case_type"
_CASE_TIMES = ("received_at", "due_at", "closed_at", "updated_at")
_MS_A_DAY = 86_400_000
_MS_AN_HOUR = 3_600_000
_MS_A_MINUTE = 60_000


@dataclass(frozen=True, slots=True)
class BatchFeed:
    """What one batch brought of one measure or case type: how many readings or case versions.

    `samples` are those that reach into days before the one in which it was applied, `late` those of them that came
    late, `first_day` and `last_day` the days reached (since 1970, of the zone).
    """

    kind: str
    word: str
    rows: int
    samples: int = 0
    late: int = 0
    first_day: int = 0
    last_day: int = 0


FeedRow = tuple[str, str, str, int, datetime, datetime]
LateRow = tuple[datetime, str, str, int, int, str, str, int, int, int, int]


def feed_rows(outputs: Iterable[Output], at: datetime, zone_hours: int) -> tuple[list[FeedRow], list[LateRow]]:
    """Return rows of `feeds` and `late_batches` for outputs that are applied at `at`."""
    fed: dict[tuple[str, str, str], tuple[int, int, int]] = {}
    late: list[LateRow] = []
    today_ms = (to_ms(at) + zone_hours * _MS_AN_HOUR) // _MS_A_DAY * _MS_A_DAY - zone_hours * _MS_AN_HOUR
    for output in outputs:
        head = output.headers
        for found in _of_batch(output, today_ms, zone_hours):
            key = (head.source, found.kind, found.word)
            rows, first, last = fed.get(key, (0, head.input_time_ms, head.input_time_ms))
            fed[key] = (rows + found.rows, min(first, head.input_time_ms), max(last, head.input_time_ms))
            if found.samples:
                place = (head.source, head.topic, head.partition, head.offset)
                reached = (found.samples, found.late, found.first_day, found.last_day)
                late.append((naive(at), *place, found.kind, found.word, *reached))
    feeds = [(*key, rows, naive(from_ms(first)), naive(from_ms(last))) for key, (rows, first, last) in fed.items()]
    return feeds, late


def read_feeds(cursor: duckdb.DuckDBPyConnection) -> dict[tuple[str, str], set[str]]:
    """Return the sources of each (kind, id)."""
    found: dict[tuple[str, str], set[str]] = {}
    for kind, word, source in cursor.execute("SELECT DISTINCT kind, word, source FROM feeds").fetchall():
        found.setdefault((kind, word), set()).add(source)
    return found


def read_last_fed(cursor: duckdb.DuckDBPyConnection) -> dict[str, int]:
    """Return when each source last sent anything, ms since 1970."""
    return dict(cursor.execute("SELECT source, epoch_ms(max(last_at)) FROM feeds GROUP BY source").fetchall())


def _of_batch(output: Output, today_ms: int, zone_hours: int) -> Iterator[BatchFeed]:
    batch = output.rows
    if not batch.num_rows:
        return
    if output.headers.keyed:
        earliest = latest = reported = batch.column("time").cast(pa.int64()).to_numpy()
        kind, words, n = MEASURE, batch.column("measure"), np.ones(batch.num_rows, np.int64)
    elif output.headers.topic == READINGS:
        minutes = batch.column("minute").to_numpy()
        earliest = latest = reported = minutes * np.int64(_MS_A_MINUTE)
        kind, words, n = MEASURE, batch.column("measure"), batch.column("n").to_numpy()
    else:
        times = [pc.cast(batch.column(name), pa.int64()) for name in _CASE_TIMES]
        earliest = pc.min_element_wise(*times, skip_nulls=True).to_numpy(zero_copy_only=False)
        before = [pc.if_else(pc.less(column, today_ms), column, None) for column in times]
        latest = pc.fill_null(pc.max_element_wise(*before, skip_nulls=True), 0).to_numpy(zero_copy_only=False)
        reported = times[-1].to_numpy(zero_copy_only=False)
        kind, words, n = CASE_TYPE, batch.column("case_type"), np.ones(batch.num_rows, np.int64)
    codes, names = words.indices.to_numpy(zero_copy_only=False), words.dictionary.to_pylist()
    reaches = earliest < today_ms
    any_reaches = bool(reaches.any())
    counts = np.bincount(codes, n, len(names))
    for code in np.flatnonzero(counts).tolist():
        if not any_reaches or not (mine := reaches & (codes == code)).any():
            yield BatchFeed(kind, names[code], int(counts[code]))
            continue
        ends = earliest[mine].min(), latest[mine].max()
        first, last = ((int(ms) + zone_hours * _MS_AN_HOUR) // _MS_A_DAY for ms in ends)
        late = n[mine & (reported < today_ms)].sum()
        yield BatchFeed(kind, names[code], int(counts[code]), int(n[mine].sum()), int(late), first, last)
