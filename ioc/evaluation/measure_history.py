"""Aggregates of a measure at many moments: each pane is read once, at the coarsest level that is exact."""

from collections import defaultdict
from collections.abc import Iterable, Sequence

import numpy as np

from ioc.evaluation.aggregate_functions import Moments, Vectors, Whole
from ioc.evaluation.case_versions import Moment, Targets
from ioc.evaluation.evaluation_plan import KIND_OF
from ioc.evaluation.pane_reader import LevelRange, PaneReader, split_by_level
from ioc.evaluation.pane_windows import hour_before, minute_of
from ioc.evaluation.vectors import aggregate_vectors
from ioc.model.kpi import MeasureAggregate
from ioc.panes.schema import READ, Columns, RowShape

# Ranges that lie closer together than this are read as one: scanning a little more costs less than a second scan.
_GAP = {"minute": 240, "hour": 48, "day": 31}


def pane_series(
    reader: PaneReader,
    expression: MeasureAggregate,
    targets: Targets,
    moments: Sequence[Moment],
) -> Vectors:
    """Return one entry per (moment, target) in row-major order."""
    size = len(moments) * targets.size
    measure = reader.codes("measure").get(expression.measure)
    if measure is None:
        nothing = np.zeros(size, np.int64)
        return Vectors(np.full(size, np.nan), nothing, nothing - 1, nothing > 0)
    unit_codes = reader.codes("unit")
    cells = _Cells(reader, measure, [unit_codes.get(unit, -1) for unit in targets.units], targets.merged)
    stretches = [split_by_level(minute_of(m.window_from), minute_of(m.window_to), reader.zone_hours) for m in moments]
    part, positions = cells.rows(READ["panes"], stretches)
    found = Moments.of(part, positions, size)
    kind = KIND_OF.get(expression.take, "")
    extra, extra_places = cells.rows(READ[kind], stretches) if kind else (None, positions)
    passed = np.repeat([(m.window_to - m.window_from).total_seconds() for m in moments], targets.size)
    newest = np.repeat(np.array([hour_before(m.window_to) for m in moments], np.int64), targets.size)
    return aggregate_vectors(expression, found, kind, extra, extra_places, passed_s=passed, newest_hour=newest)


class _Cells:
    """The panes of one measure and some units, by cell: a minute, an hour or a day."""

    def __init__(self, reader: PaneReader, measure: int, units: Sequence[int], merged: bool) -> None:
        self._reader = reader
        self._measure = measure
        self._units = units
        self._merged = merged

    def rows(self, shape: RowShape, stretches: Sequence[Sequence[LevelRange]]) -> tuple[Columns, Whole]:
        """Return the rows of every stretch, and the entry of each: stretch × target.

        A row occurs once per stretch that holds it.
        """
        by_level: dict[str, list[tuple[int, LevelRange]]] = defaultdict(list)
        for stretch, its_pieces in enumerate(stretches):
            for piece in its_pieces:
                by_level[piece.level].append((stretch, piece))
        key = ("time",) if self._merged else ("time", "unit")
        found: list[tuple[Columns, Whole]] = []
        for level, wanted in by_level.items():
            union = _union(level, (piece for _, piece in wanted))
            part = self._reader.read(shape, union, [self._measure], key=key, units=self._units)
            order = np.argsort(part["time"], kind="stable")
            part = {name: values[order] for name, values in part.items()}
            found.append(self._spread(part, wanted))
        whole = {name: np.concatenate([part[name] for part, _ in found]) for name in (*shape.key, *shape.values)}
        return whole, np.concatenate([positions for _, positions in found])

    def _spread(self, part: Columns, wanted: Sequence[tuple[int, LevelRange]]) -> tuple[Columns, Whole]:
        first = np.searchsorted(part["time"], [piece.start for _, piece in wanted])
        count = np.searchsorted(part["time"], [piece.end for _, piece in wanted]) - first
        # Row numbers of all pieces, one after the other.
        before = np.concatenate(([0], np.cumsum(count)[:-1])).astype(np.int64)
        row = np.arange(int(count.sum())) + np.repeat(first - before, count)
        stretch = np.repeat(np.array([stretch for stretch, _ in wanted], np.int64), count)
        spread = {name: values[row] for name, values in part.items()}
        if self._merged:
            return spread, stretch
        position = {code: position for position, code in enumerate(self._units)}
        target = np.array([position[code] for code in spread["unit"].tolist()], np.int64)
        return spread, stretch * len(self._units) + target


def _union(level: str, given: Iterable[LevelRange]) -> list[LevelRange]:
    """Return few ranges of one level that cover all the given ones, and a little between them."""
    union: list[LevelRange] = []
    for piece in sorted(given, key=lambda piece: piece.start):
        if union and piece.start <= union[-1].end + _GAP[level]:
            union[-1] = LevelRange(level, union[-1].start, max(union[-1].end, piece.end))
        else:
            union.append(piece)
    return union
