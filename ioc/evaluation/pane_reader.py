"""Read panes from the store: one query for many measures and units, each range at the coarsest exact level."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import duckdb
import numpy as np

from ioc.panes.roll_up import HOURS_PER_DAY, MINUTES_PER_HOUR
from ioc.panes.schema import Columns, RowShape
from ioc.store.archive_views import archived_rows

_HOUR_OF = {"minute": "minute // 60", "hour": "hour", "day": "day * 24"}


@dataclass(frozen=True, slots=True)
class LevelRange:
    """Panes of one level (`minute`, `hour`, `day`) in [start, end), counted since 1970 as the level is.

    Minutes and hours are counted in UTC, days in the province's zone.
    """

    level: str
    start: int
    end: int


def split_by_level(start: int, end: int, zone_hours: int) -> list[LevelRange]:
    """Split [start, end), in minutes since 1970 UTC, into ranges of the coarsest levels that fit.

    Each minute lies in exactly one range. `zone_hours` is the zone's offset from UTC. Empty for an empty interval.
    """
    first_hour, last_hour = -(-start // MINUTES_PER_HOUR), end // MINUTES_PER_HOUR
    if first_hour >= last_hour:
        return _not_empty(LevelRange("minute", start, end))
    first_day, last_day = -(-(first_hour + zone_hours) // HOURS_PER_DAY), (last_hour + zone_hours) // HOURS_PER_DAY
    minutes = _not_empty(
        LevelRange("minute", start, first_hour * MINUTES_PER_HOUR),
        LevelRange("minute", last_hour * MINUTES_PER_HOUR, end),
    )
    if first_day >= last_day:
        return [*minutes, LevelRange("hour", first_hour, last_hour)]
    return minutes + _not_empty(
        LevelRange("hour", first_hour, first_day * HOURS_PER_DAY - zone_hours),
        LevelRange("day", first_day, last_day),
        LevelRange("hour", last_day * HOURS_PER_DAY - zone_hours, last_hour),
    )


def _not_empty(*ranges: LevelRange) -> list[LevelRange]:
    return [each for each in ranges if each.start < each.end]


@dataclass(frozen=True)
class PaneReader:
    """Reads within the cursor's transaction. `zone_hours` is the offset of the zone whose days the store keeps."""

    cursor: duckdb.DuckDBPyConnection
    archive_dir: Path
    zone_hours: int

    def read(
        self,
        shape: RowShape,
        stretch: Sequence[LevelRange],
        measures: Collection[int],
        *,
        key: Sequence[str] = ("measure", "unit"),
        units: Collection[int] | None = None,
    ) -> Columns:
        """Return the rows of `stretch` merged to one per key.

        `measures` are codes, `units` too (None: all). `key` may include `time`, the range's own count of minutes, hours
        or days, and omit what is to be merged.
        """
        group = (*key, *shape.key)
        if not stretch or not measures:
            return {name: np.zeros(0, np.int64) for name in (*group, *shape.values)}
        where = f"measure IN ({_listed(measures)})" + ("" if units is None else f" AND unit IN ({_listed(units)})")
        table = " UNION ALL ".join(query for piece in stretch for query in self._rows_of(shape, piece, where))
        merges = ", ".join(_merge_sql(shape))
        query = f"SELECT {', '.join(group)}, {merges} FROM ({table}) GROUP BY {', '.join(group)}"
        return {name: np.asarray(values) for name, values in self.cursor.execute(query).fetchnumpy().items()}

    def codes(self, kind: str) -> dict[str, int]:
        """Return the codes of the ids (`measure`, `unit`, `subject`) that the store knows."""
        rows: list[tuple[str, int]] = self.cursor.execute(f"SELECT id, code FROM {kind}_codes").fetchall()
        return dict(rows)

    def _rows_of(self, shape: RowShape, piece: LevelRange, where: str) -> Iterator[str]:
        held = "n, sum, sum_squares, least, most, last_at, last" if shape.table == "panes" else ", ".join(shape.values)
        key = (f"{_HOUR_OF[piece.level]} AS hour" if name == "hour" else name for name in shape.key)
        columns = ", ".join(("measure", "unit", *key))
        within = f"{piece.level} >= {piece.start} AND {piece.level} < {piece.end} AND {where}"
        for source in self._sources(shape, piece):
            yield f"SELECT {columns}, {piece.level} AS time, {held} FROM {source} WHERE {within}"

    def _sources(self, shape: RowShape, piece: LevelRange) -> Iterator[str]:
        yield f"{piece.level}_{shape.table}"
        if piece.level == "minute":
            first, last = (
                (minute // MINUTES_PER_HOUR + self.zone_hours) // HOURS_PER_DAY
                for minute in (piece.start, piece.end - 1)
            )
            if archived := archived_rows(self.cursor, self.archive_dir, shape.table, first, last):
                yield f"({archived})"

    def _day_of(self, minute: int) -> int:
        return (minute // MINUTES_PER_HOUR + self.zone_hours) // HOURS_PER_DAY


def _merge_sql(shape: RowShape) -> Iterator[str]:
    """Yield the SQL of each column that merges."""
    for name, merge in shape.merges.items():
        as_type = "::BIGINT" if name == "n" else ""
        yield f"{merge}({shape.stored_as.get(name, name)}){as_type} AS {name}"
    for pair in shape.timed:
        yield f"{pair.merge}({pair.time}) AS {pair.time}"
        yield f"arg_{pair.merge}({pair.value}, {{'a': {pair.time}, 'b': {pair.value}}}) AS {pair.value}"


def _listed(numbers: Collection[int]) -> str:
    return ", ".join(map(str, sorted(numbers))) or "NULL"
