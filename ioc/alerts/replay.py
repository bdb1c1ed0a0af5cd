"""Backtest: what a rule would have done with the history of its KPIs, all units at once.

A rule's alert depends on its own unit alone, and changes only where what the data say changes, or where a time is up.
So each unit's history is cut into runs of equal decisions, and the n-th runs of all units are taken together.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from zoneinfo import ZoneInfo

import numpy as np

from ioc.alerts.conditions import Decision, combine, decide, deviation, lack_signal
from ioc.alerts.inputs import Codes, DataState, Flags, Places, Reals, Times, milliseconds
from ioc.alerts.plan import LimitArrays, bounds, limits_of, year_of
from ioc.model.kpi import Target
from ioc.model.rule import Change, DataLack, Deviation, Leaf, Rule, TargetMissed, leaves

_UNKNOWN, _BAND, _CLEARS, _FIRES = range(4)
_IDLE, _PENDING, _FIRING, _RECOVERING = range(4)


@dataclass(frozen=True, slots=True)
class Past:
    """A KPI's history: arrays of times × units. Without `state`, a number is live and NaN is no data; without
    `samples`, there were always enough."""

    value: Reals
    state: Codes | None = None
    samples: Times | None = None


@dataclass(frozen=True, slots=True)
class History:
    """`times_ms` ascending, in even steps; `kpis` by id; `usual` holds median and MAD of the same hour of past weeks by
    KPI and number of weeks, arrays of times × units."""

    times_ms: Times
    units: tuple[str, ...]
    kpis: Mapping[str, Past]
    usual: Mapping[tuple[str, int], tuple[Reals, Reals]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Firing:
    """An alert that would have been; `end_ms` is None when it lasts beyond the history."""

    unit: str
    onset_ms: int
    fired_ms: int
    end_ms: int | None


@dataclass(frozen=True, slots=True)
class Backtest:
    """`firings` in the order of their times; `firing_ms` adds them up, to the end of the history where they last;
    `units` counts those by unit."""

    firings: tuple[Firing, ...]
    firing_ms: int
    units: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two versions of a rule over the same history. Firings are the same alert when they overlap in the same unit;
    `gone` are only before, `new` only after."""

    before: Backtest
    after: Backtest
    gone: tuple[Firing, ...]
    new: tuple[Firing, ...]


def replay(rule: Rule, history: History, targets: Mapping[str, tuple[Target, ...]], zone: ZoneInfo) -> Backtest:
    """For every unit of the history. A latching rule's alert is taken to end when its condition does. Raises KeyError
    for a KPI, or a usual value, that the history lacks."""
    if not len(history.times_ms):
        return Backtest((), 0, {})
    parts = [_decision(leaf, rule, history, targets, zone) for leaf in leaves(rule.condition)]
    said = combine(rule.condition, iter(parts))
    code = np.full(said.fires.shape, _BAND, np.int8)
    code[~said.known] = _UNKNOWN
    code[said.clears] = _CLEARS
    code[said.fires] = _FIRES
    found = _Machine(history.times_ms, milliseconds(rule.held_for), milliseconds(rule.keep_firing_for)).run(code)
    firings = tuple(
        Firing(history.units[unit], onset, fired, None if end < 0 else end)
        for fired, unit, onset, end in sorted((fired, unit, onset, end) for unit, onset, fired, end in found)
    )
    last = int(history.times_ms[-1])
    units: dict[str, int] = {}
    for one in firings:
        units[one.unit] = units.get(one.unit, 0) + 1
    return Backtest(firings, sum((last if f.end_ms is None else f.end_ms) - f.fired_ms for f in firings), units)


def compare(
    before: Rule, after: Rule, history: History, targets: Mapping[str, tuple[Target, ...]], zone: ZoneInfo
) -> Comparison:
    """Both versions over the same history."""
    old, new = replay(before, history, targets, zone), replay(after, history, targets, zone)
    return Comparison(old, new, _without(old.firings, new.firings), _without(new.firings, old.firings))


def _without(firings: Iterable[Firing], others: Iterable[Firing]) -> tuple[Firing, ...]:
    by_unit: dict[str, list[Firing]] = {}
    for one in others:
        by_unit.setdefault(one.unit, []).append(one)
    return tuple(one for one in firings if not any(_overlap(one, other) for other in by_unit.get(one.unit, ())))


def _overlap(one: Firing, other: Firing) -> bool:
    starts_before_end = other.end_ms is None or one.fired_ms < other.end_ms
    return starts_before_end and (one.end_ms is None or other.fired_ms < one.end_ms)


def _decision(
    leaf: Leaf, rule: Rule, history: History, targets: Mapping[str, tuple[Target, ...]], zone: ZoneInfo
) -> Decision:
    past = history.kpis[leaf.kpi]
    state = _state(past, rule.least_samples)
    signal = np.where(state == DataState.LIVE, past.value, np.nan)
    if isinstance(leaf, DataLack):
        signal = lack_signal(leaf.lack, state)
    elif isinstance(leaf, Change):
        live = np.where(_state(past, 0) == DataState.LIVE, past.value, np.nan)
        signal = signal - _earlier(history.times_ms, live, milliseconds(leaf.over))
    elif isinstance(leaf, Deviation):
        signal = deviation(signal, *history.usual[leaf.kpi, leaf.weeks])
    if not isinstance(leaf, TargetMissed):
        return decide(signal, LimitArrays(*(np.array(bound) for bound in bounds(limits_of(leaf, targets, 0)))))
    first, last = (year_of(int(history.times_ms[place]), zone) for place in (0, -1))
    by_year = {year: bounds(limits_of(leaf, targets, year)) for year in range(first, last + 1)}
    rows = np.array([by_year[first]] if first == last else [by_year[year_of(int(t), zone)] for t in history.times_ms])
    return decide(signal, LimitArrays(*(rows[:, place, None] for place in range(4))))


def _state(past: Past, least_samples: int) -> Codes:
    state = past.state
    if state is None:
        state = np.where(np.isnan(past.value), np.int8(DataState.NO_DATA), np.int8(DataState.LIVE))
    state = np.where(np.isinf(past.value), np.int8(DataState.ERROR), state)
    if least_samples and past.samples is not None:
        few = past.samples < least_samples
        state = np.where(few, np.minimum(state, np.int8(DataState.INSUFFICIENT)), state)
    return state


def _earlier(times_ms: Times, value: Reals, over_ms: int) -> Reals:
    """The value `over_ms` before, of the last step until then; NaN where that is before the history."""
    step_ms = int(np.median(np.diff(times_ms))) if len(times_ms) > 1 else over_ms
    places = np.searchsorted(times_ms, times_ms - over_ms, side="right") - 1
    missing = (places < 0) | (times_ms - over_ms - times_ms[np.maximum(places, 0)] >= step_ms)
    before = value[np.maximum(places, 0)]
    before[missing] = np.nan
    return before


class _Machine:
    """The states of `ioc.alerts.states`, run by run."""

    def __init__(self, times_ms: Times, held_ms: int, keep_ms: int) -> None:
        self._times = times_ms
        self._held_ms = held_ms
        self._keep_ms = keep_ms
        self._found: list[tuple[int, int, int, int]] = []

    def run(self, code: Codes) -> list[tuple[int, int, int, int]]:
        """Unit, onset, firing, end (-1: none) of each alert, from codes of times × units."""
        by_unit = np.ascontiguousarray(code.T)
        size, steps = by_unit.shape
        begins = np.ones(by_unit.shape, np.bool_)
        np.not_equal(by_unit[:, 1:], by_unit[:, :-1], out=begins[:, 1:])
        units, starts = np.nonzero(begins)
        codes = by_unit[units, starts]
        first = np.searchsorted(units, np.arange(size + 1))
        ends = np.append(starts[1:], steps)
        ends[first[1:] - 1] = steps
        self._phase = np.zeros(size, np.int8)
        self._onset, self._fired, self._cleared = (np.zeros(size, np.int64) for _ in range(3))
        count = np.diff(first)
        for number in range(int(count.max())):
            having = np.flatnonzero(count > number)
            runs = first[having] + number
            self._take(having, codes[runs], starts[runs], ends[runs])
        for unit in np.flatnonzero(self._phase >= _FIRING).tolist():
            self._found.append((unit, int(self._onset[unit]), int(self._fired[unit]), -1))
        return self._found

    def _take(self, units: Places, codes: Codes, starts: Places, ends: Places) -> None:
        phase, times = self._phase, self._times
        before = phase[units]
        fires = codes == _FIRES
        clears = codes == _CLEARS
        begin = fires & (before == _IDLE)
        self._onset[units[begin]] = times[starts[begin]]
        pending = begin | ((before == _PENDING) & (fires | (codes == _BAND)))
        phase[units[(before == _PENDING) & ~pending]] = _IDLE
        phase[units[begin]] = _PENDING
        phase[units[fires & (before == _RECOVERING)]] = _FIRING
        lets_go = clears & (before == _FIRING)
        self._cleared[units[lets_go]] = times[starts[lets_go]]
        phase[units[lets_go]] = _RECOVERING
        recovering = lets_go | ((before == _RECOVERING) & (clears | (codes == _BAND)))
        if pending.any():
            self._ripen(units[pending], starts[pending], ends[pending])
        if recovering.any():
            self._end(units[recovering], starts[recovering], ends[recovering])

    def _ripen(self, units: Places, starts: Places, ends: Places) -> None:
        at = np.maximum(starts, np.searchsorted(self._times, self._onset[units] + self._held_ms))
        ripe: Flags = at < ends
        self._fired[units[ripe]] = self._times[at[ripe]]
        self._phase[units[ripe]] = _FIRING

    def _end(self, units: Places, starts: Places, ends: Places) -> None:
        at = np.maximum(starts, np.searchsorted(self._times, self._cleared[units] + self._keep_ms))
        over: Flags = at < ends
        for unit, moment in zip(units[over].tolist(), self._times[at[over]].tolist(), strict=True):
            self._found.append((unit, int(self._onset[unit]), int(self._fired[unit]), moment))
        self._phase[units[over]] = _IDLE
