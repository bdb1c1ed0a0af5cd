"""Panes out of the store: one query for many measures and units, each stretch at the coarsest exact level."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import duckdb
import numpy as np

from ioc.evaluation.parts import Kind, Part
from ioc.evaluation.spans import HOURS_A_DAY, MINUTES_A_HOUR, Piece
from ioc.store.archive_views import archived_rows

_HOUR_OF = {"minute": "minute // 60", "hour": "hour", "day": "day * 24"}


@dataclass(frozen=True)
class PaneReader:
    """Reads within the cursor's transaction. `zone_hours` is the offset of the zone whose days the store keeps."""

    cursor: duckdb.DuckDBPyConnection
    archive_dir: Path
    zone_hours: int

    def read(
        self,
        kind: Kind,
        stretch: Sequence[Piece],
        measures: Collection[int],
        *,
        key: Sequence[str] = ("measure", "unit"),
        units: Collection[int] | None = None,
    ) -> Part:
        """The rows of `stretch` merged to one a key. `measures` are codes, `units` too (None: all); `key` may name
        `time` for the piece's own count of minutes, hours or days, and leave out what is to be merged."""
        group = (*key, *kind.key)
        if not stretch or not measures:
            return {name: np.zeros(0, np.int64) for name in (*group, *kind.sql)}
        where = f"measure IN ({_listed(measures)})" + ("" if units is None else f" AND unit IN ({_listed(units)})")
        table = " UNION ALL ".join(query for piece in stretch for query in self._rows_of(kind, piece, where))
        merges = ", ".join(f"{sql} AS {name}" for name, sql in kind.sql.items())
        query = f"SELECT {', '.join(group)}, {merges} FROM ({table}) GROUP BY {', '.join(group)}"
        return {name: np.asarray(values) for name, values in self.cursor.execute(query).fetchnumpy().items()}

    def codes(self, kind: str) -> dict[str, int]:
        """Codes of the words (`measure`, `unit`, `subject`) that the store has seen."""
        rows: list[tuple[str, int]] = self.cursor.execute(f"SELECT id, code FROM {kind}_codes").fetchall()
        return dict(rows)

    def _rows_of(self, kind: Kind, piece: Piece, where: str) -> Iterator[str]:
        held = "n, sum, sum_squares, least, most, last_at, last" if kind.table == "panes" else ", ".join(kind.sql)
        key = (f"{_HOUR_OF[piece.level]} AS hour" if name == "hour" else name for name in kind.key)
        columns = ", ".join(("measure", "unit", *key))
        within = f"{piece.level} >= {piece.start} AND {piece.level} < {piece.end} AND {where}"
        for source in self._sources(kind, piece):
            yield f"SELECT {columns}, {piece.level} AS time, {held} FROM {source} WHERE {within}"

    def _sources(self, kind: Kind, piece: Piece) -> Iterator[str]:
        yield f"{piece.level}_{kind.table}"
        if piece.level == "minute":
            first, last = (
                (minute // MINUTES_A_HOUR + self.zone_hours) // HOURS_A_DAY for minute in (piece.start, piece.end - 1)
            )
            if archived := archived_rows(self.cursor, self.archive_dir, kind.table, first, last):
                yield f"({archived})"


def _listed(numbers: Collection[int]) -> str:
    return ", ".join(map(str, sorted(numbers))) or "NULL"
