"""Pane aggregates of all windows, updated from second to second.

Each window is the merge of a closed part, up to a few minutes ago, and the minutes since. A tick reads only those
minutes again, once for all windows; of the closed part, only what leaves the window, what a new period begins, or what
late data changed is read again. The window of a period that is over is closed as a whole.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np

from ioc.evaluation.pane_reader import LevelRange, PaneReader, split_by_level
from ioc.model.window import Window
from ioc.panes.merge import concatenate, merge_rows
from ioc.panes.schema import READ, Columns, select_rows

_OPEN_MINUTES = 3
_SHARED_MINUTES = _OPEN_MINUTES + 3
"""A window that is updated at most this many minutes late still finds what it needs; a later one reads everything
again.
"""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_KEY = ("measure", "unit")


def minute_of(moment: datetime) -> int:
    """Whole minutes since 1970 UTC."""
    return (moment - _EPOCH) // timedelta(minutes=1)


def hour_before(end: datetime) -> int:
    """Return the hour since 1970 UTC in which the last minute before `end` lies."""
    return (minute_of(end.astimezone(UTC)) - 1) // 60


@dataclass
class _WindowState:
    """A window's closed part.

    It has the rows of `measures` (codes) in [start, cut), for a period that is over in [start, end).
    """

    window: Window
    measures: set[int] = field(default_factory=set)
    start: int = 0
    end: int = 0
    closed: Columns = field(default_factory=dict)


class OpenMinutes:
    """The rows of one kind in the last minutes, up to the end of the current one; `rows` is replaced, never changed."""

    def __init__(self, kind: str, measures: Collection[str]) -> None:
        self._shape = READ[kind]
        self._measures = frozenset(measures)
        self._codes: dict[str, int] = {}
        self.since = self.to = 0
        self.rows: Columns = {}

    def advance(self, reader: PaneReader, codes: Mapping[str, int], changed: Collection[str], now: datetime) -> None:
        """Read what changed since the last call. `codes`: see `PaneWindows.advance`."""
        to = minute_of(now.astimezone(UTC)) + 1
        known = {measure: codes[measure] for measure in self._measures if measure in codes}
        again = {known[measure] for measure in changed if measure in known}
        if (to, known) != (self.to, self._codes):
            self.since, self.to, self._codes = to - _SHARED_MINUTES, to, known
            self.rows = self._read(reader, set(known.values()))
        elif again:
            self.rows = _replaced(self.rows, self._read(reader, again), again)

    def _read(self, reader: PaneReader, measures: set[int]) -> Columns:
        return reader.read(self._shape, [LevelRange("minute", self.since, self.to)], measures, key=("time", *_KEY))


class PaneWindows:
    """Aggregates of one kind of rows over several windows. Not safe for several threads."""

    def __init__(self, kind: str, wanted: Mapping[Window, Collection[str]], zone: ZoneInfo) -> None:
        """Make the windows; `wanted` holds the ids of the measures that each window needs."""
        self._shape = READ[kind]
        self._wanted = wanted
        self._zone = zone
        self._kept = {window: _WindowState(window) for window in wanted}
        self._cut = self._to = 0
        self._open: Columns = {}
        self._codes: dict[str, int] = {}

    @property
    def key(self) -> tuple[str, ...]:
        return (*_KEY, *self._shape.key)

    def advance(
        self,
        reader: PaneReader,
        open_minutes: OpenMinutes,
        codes: Mapping[str, int],
        earliest: Mapping[str, int],
        now: datetime,
    ) -> set[str]:
        """Apply what changed since the last call; return the ids of the measures whose aggregates may differ.

        `open_minutes` have been advanced to `now`, `codes` are the store's codes of measures, `earliest` the changed
        measures with their earliest changed minute.
        """
        known = {measure: codes[measure] for measure in self._measures() if measure in codes}
        if open_minutes.to < self._to or open_minutes.since > self._cut or known != self._codes:
            self._cut = self._to = 0  # the clock was set back or stopped for long, or a measure is new
            self._codes = known
        changed = {measure: minute for measure, minute in earliest.items() if measure in known}
        is_new_minute = open_minutes.to != self._to
        if not is_new_minute and not changed:
            return set()
        mine = select_rows(open_minutes.rows, np.isin(open_minutes.rows["measure"], list(known.values())))
        if is_new_minute:
            self._turn(reader, mine, open_minutes.to, now)
        self._open = select_rows(mine, mine["time"] >= self._cut)
        self._reclose(reader, {known[measure]: minute for measure, minute in changed.items()})
        return set(known if is_new_minute else changed)

    def rows(self, window: Window, measures: Collection[str]) -> Columns:
        """Return the window's rows of the measures.

        A key may occur twice: in the closed part and in the open minutes.
        """
        kept = self._kept[window]
        listed = np.array(sorted(self._codes[measure] for measure in measures if measure in self._codes), np.int64)
        since = (self._open["time"] >= kept.start) & (not window.closed) if self._open else np.zeros(0, np.bool_)
        found = [part for part in (kept.closed, select_rows(self._open, since)) if part]
        picked = [select_rows(part, np.isin(part["measure"], listed)) for part in found]
        return {name: np.concatenate([part[name] for part in picked]) for name in (*self.key, *self._shape.values)}

    def _measures(self) -> set[str]:
        return {measure for measures in self._wanted.values() for measure in measures}

    def _turn(self, reader: PaneReader, minutes: Columns, to: int, now: datetime) -> None:
        """Move minutes that are no longer open into the closed parts, and remove from them what a window left."""
        cut, past = to - _OPEN_MINUTES, self._cut
        moved = select_rows(minutes, (minutes["time"] >= past) & (minutes["time"] < cut))
        self._cut, self._to = cut, to
        for window, kept in self._kept.items():
            before = kept.start
            kept.start, kept.end = map(minute_of, window.bounds(now, self._zone))
            kept.measures = {self._codes[measure] for measure in self._wanted[window] if measure in self._codes}
            if not past or not before <= kept.start <= before + _SHARED_MINUTES:
                kept.closed = self._read_closed(reader, kept, kept.measures)
            elif not window.closed:
                mine = select_rows(moved, np.isin(moved["measure"], list(kept.measures)))
                kept.closed = merge_rows(concatenate([kept.closed, mine]), self._shape, self.key)
                left = reader.read(self._shape, _minutes(before, kept.start), kept.measures, key=("measure",))
                if gone := set(left["measure"].tolist()):
                    kept.closed = _replaced(kept.closed, self._read_closed(reader, kept, gone), gone)

    def _reclose(self, reader: PaneReader, changed: Mapping[int, int]) -> None:
        """Read changed measures again in every window that their late data reaches.

        `changed` has their earliest minutes.
        """
        for window, kept in self._kept.items():
            until = kept.end if window.closed else self._cut
            if late := {measure for measure, minute in changed.items() if minute < until} & kept.measures:
                kept.closed = _replaced(kept.closed, self._read_closed(reader, kept, late), late)

    def _read_closed(self, reader: PaneReader, kept: _WindowState, measures: set[int]) -> Columns:
        end = kept.end if kept.window.closed else max(self._cut, kept.start)
        stretch = split_by_level(kept.start, end, reader.zone_hours)
        return reader.read(self._shape, stretch, measures)


def _minutes(start: int, end: int) -> list[LevelRange]:
    return [LevelRange("minute", start, end)] if start < end else []


def _replaced(part: Columns, fresh: Columns, measures: Iterable[int]) -> Columns:
    """Return `part` with its rows of the measures replaced by `fresh`."""
    stay = select_rows(part, ~np.isin(part["measure"], list(measures)))
    return {name: np.concatenate([stay[name], fresh[name]]) for name in fresh}
