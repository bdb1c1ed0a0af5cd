"""Compact kept rows: merge the rows of a time that was rolled up in several pieces."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import ClassVar

import duckdb

from ioc.panes.merge import merge_rows
from ioc.panes.schema import STORED, RowShape
from ioc.store import rows

GROWN_BY = 20_000
"""Rows a time of a level must have got before it is compacted while still open."""
MAX_TOTAL = 2**63 - 1
_SHAPE = {shape.table: shape for shape in STORED}

Bucket = tuple[str, str, int]
"""Level, table, time."""


@dataclass
class CompactionQueue:
    """Counts how many rows, in how many pieces, each (level, table, time) got since it was last compacted."""

    rows: Counter[Bucket] = field(default_factory=Counter)
    pieces: Counter[Bucket] = field(default_factory=Counter)
    compacted: dict[Bucket, int] = field(default_factory=dict)

    def note(self, touched: Mapping[tuple[str, str], Sequence[int]]) -> None:
        """Count what a roll-up wrote; `touched` is what `roll_up` returns."""
        for (level, kind), times in touched.items():
            for time, n in Counter(times).items():
                self.rows[level, kind, time] += n
                self.pieces[level, kind, time] += 1

    def add(self, left: Mapping[Bucket, int]) -> None:
        """Add times that are in several pieces, as `FragmentedTimes` finds them."""
        for bucket, n in left.items():
            self.rows[bucket] += n
            self.pieces[bucket] += 2

    def due(self, now: Mapping[str, int]) -> Bucket | None:
        """Return what to compact next, None when there is nothing to gain; `now` is the current time of each level.

        A closed time is compacted when it has several pieces, an open one when it has grown fourfold.
        """
        for bucket, pieces in self.pieces.items():
            level, _, time = bucket
            had = self.compacted.get(bucket, 0)
            if pieces + (had > 0) < 2:
                continue
            if time < now[level] or self.rows[bucket] >= max(GROWN_BY, 4 * had):
                return bucket
        return None

    def done(self, bucket: Bucket, size: int, now: Mapping[str, int]) -> None:
        """Note that `size` rows are left.

        A closed time is forgotten unless more rows come; these are then a second piece.
        """
        self.rows.pop(bucket, None)
        self.pieces.pop(bucket, None)
        self.compacted[bucket] = size
        for old in [b for b in self.compacted if b[2] < now[b[0]] - 3]:
            del self.compacted[old]

    def forget_single(self, now: Mapping[str, int]) -> None:
        """Forget closed times with one piece, which are compact already."""
        for bucket in [b for b, n in self.pieces.items() if n < 2 and b[2] < now[b[0]] - 3]:
            self.rows.pop(bucket)
            self.pieces.pop(bucket)


class FragmentedTimes:
    """Finds times that an earlier run has left in several pieces: newest first, a limited number per step."""

    _STEPS: ClassVar = {"minute": 24 * 60, "hour": 30 * 24, "day": 400}

    def __init__(self) -> None:
        self._left: list[tuple[str, RowShape, int | None]] = [
            (level, shape, None) for level in self._STEPS for shape in STORED
        ]

    @property
    def is_done(self) -> bool:
        return not self._left

    def step(self, cursor: duckdb.DuckDBPyConnection) -> dict[Bucket, int]:
        """Return times with more than one row per key in the next range, and their rows."""
        level, shape, until = self._left.pop()
        table, key = f"kept_{level}_{shape.table}", ", ".join(name for name in shape.key if name != "time")
        bounds = cursor.execute(f"SELECT min({level}), max({level}) FROM {table}").fetchall()[0]
        if bounds[0] is None:
            return {}
        until = bounds[1] + 1 if until is None else until
        since = max(bounds[0], until - self._STEPS[level])
        if since > bounds[0]:
            self._left.append((level, shape, since))
        found = cursor.execute(
            f"SELECT {level}, sum(n)::BIGINT FROM (SELECT {level}, count(*) AS n FROM {table} "
            f"WHERE {level} >= ? AND {level} < ? GROUP BY {level}, {key}) GROUP BY {level} HAVING max(n) > 1",
            [since, until],
        ).fetchall()
        return {(level, shape.table, time): n for time, n in found}


def compact(cursor: duckdb.DuckDBPyConnection, bucket: Bucket) -> int:
    """Merge the kept rows of one time, in the running transaction; return how many are left."""
    level, name, time = bucket
    shape, table = _SHAPE[name], f"kept_{level}_{name}"
    found = rows.fetch(cursor, table, level, shape, f"{level} = ?", [time])
    if not rows.count(found):
        return 0
    merged = merge_rows(found, shape)
    if rows.count(merged) < rows.count(found):
        cursor.execute(f"DELETE FROM {table} WHERE {level} = ?", [time])
        rows.insert(cursor, table, level, merged)
    return rows.count(merged)


def compact_positions(cursor: duckdb.DuckDBPyConnection) -> None:
    """Merge the rows of `progress`, `source_counts`, `source_rejections` and `feeds` to one per key."""
    for table, columns, merged in (
        ("progress", "tick, what, topic, partition, next_offset",
         "max(tick), what, topic, partition, arg_max(next_offset, tick) FROM progress GROUP BY what, topic, partition"),
        ("source_counts",
         "source, topic, generation, sequence, received, applied, duplicate, repeated, opened, fenced, replayed, "
         "last_input_at, fenced_records",
         f"source, topic, generation, max(sequence), {_totals('received', 'applied', 'duplicate', 'repeated')}, "
         f"{_totals('opened', 'fenced', 'replayed')}, max(last_input_at), {_totals('fenced_records')} "
         "FROM source_counts "
         "GROUP BY source, topic, generation"),
        ("feeds", "source, kind, word, rows, first_at, last_at",
         f"source, kind, word, {_totals('rows')}, min(first_at), max(last_at) FROM feeds GROUP BY source, kind, word"),
        ("source_rejections", "source, topic, reason, n",
         f"source, topic, reason, {_totals('n')} FROM source_rejections GROUP BY source, topic, reason"),
    ):  # fmt: skip
        cursor.execute(f"CREATE OR REPLACE TEMP TABLE merged AS SELECT {merged}")
        cursor.execute(f"DELETE FROM {table}")
        cursor.execute(f"INSERT INTO {table} ({columns}) SELECT * FROM merged")


def _totals(*columns: str) -> str:
    """Return sums that stop at the end of 64 bits, where DuckDB would refuse the whole statement."""
    return ", ".join(f"least(sum({column}), {MAX_TOTAL})::BIGINT" for column in columns)
