"""Backtest: what a rule would have done with the history of its KPIs, all units at once.

A rule's alert depends on its own unit alone, so a backtest needs no ticks: `_lives` finds all alerts of all units from
the decisions of all times at once.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from zoneinfo import ZoneInfo

import numpy as np

from ioc.alerts.conditions import Decision, combine, decide, deviation, lack_signal
from ioc.alerts.inputs import Codes, DataState, Flags, Indices, Reals, Times, milliseconds
from ioc.alerts.rule_arrays import LimitArrays, bounds, limits_of, year_of
from ioc.model.kpi import Target
from ioc.model.rule import Change, DataLack, Deviation, Leaf, Rule, TargetMissed, leaves

_UNKNOWN, _BAND, _CLEARS, _FIRES = range(4)

MAX_FIRINGS = 20_000
"""A backtest lists so many; a rule that fires more often is no rule."""


@dataclass(frozen=True, slots=True)
class KpiSeries:
    """A KPI's history: arrays of times × units. Without `state`, a number is live and NaN is no data; without
    `samples`, there were always enough."""

    value: Reals
    state: Codes | None = None
    samples: Times | None = None

    def at(self, places: Indices) -> "KpiSeries":
        """At some of its times."""
        state = None if self.state is None else self.state[places]
        return KpiSeries(self.value[places], state, None if self.samples is None else self.samples[places])


@dataclass(frozen=True, slots=True)
class BacktestHistory:
    """`times_ms` ascending, in even steps; `kpis` by id; `usual` holds median and MAD of the same hour of past weeks by
    KPI and number of weeks, arrays of times × units."""

    times_ms: Times
    units: tuple[str, ...]
    kpis: Mapping[str, KpiSeries]
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
    """`count` of alerts, also by unit in `units`; `firing_ms` adds them up, to the end of the history where they last;
    `firings` are the first MAX_FIRINGS in the order of their times."""

    count: int
    firing_ms: int
    units: Mapping[str, int]
    firings: tuple[Firing, ...]


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two versions of a rule over the same history. Firings are the same alert when they overlap in the same unit;
    `gone` are only before, `new` only after."""

    before: Backtest
    after: Backtest
    gone: tuple[Firing, ...]
    new: tuple[Firing, ...]


def backtest_rule(
    rule: Rule, history: BacktestHistory, targets: Mapping[str, tuple[Target, ...]], zone: ZoneInfo
) -> Backtest:
    """For every unit of the history. A latching rule's alert is taken to end when its condition does. Raises KeyError
    for a KPI, or a usual value, that the history lacks."""
    if not len(history.times_ms):
        return Backtest(0, 0, {}, ())
    parts = [_decision(leaf, rule, history, targets, zone) for leaf in leaves(rule.condition)]
    said = combine(rule.condition, iter(parts))
    code = np.full(said.fires.shape[::-1], _BAND, np.int8)
    code[~said.known.T] = _UNKNOWN
    code[said.clears.T] = _CLEARS
    code[said.fires.T] = _FIRES
    times = history.times_ms
    unit, onset, fired, end = _lives(code, times, milliseconds(rule.held_for), milliseconds(rule.keep_firing_for))
    by_time = np.lexsort((unit, fired))[:MAX_FIRINGS]
    rows = zip(*(column[by_time].tolist() for column in (unit, times[onset], times[fired], end)), strict=True)
    counts = np.bincount(unit, minlength=len(history.units)).tolist()
    return Backtest(
        count=len(unit),
        firing_ms=int((times[end] - times[fired]).sum()),
        units={code: count for code, count in zip(history.units, counts, strict=True) if count},
        firings=tuple(Firing(history.units[u], o, f, None if e < 0 else int(times[e])) for u, o, f, e in rows),
    )


def compare(
    before: Rule, after: Rule, history: BacktestHistory, targets: Mapping[str, tuple[Target, ...]], zone: ZoneInfo
) -> Comparison:
    """Both versions over the same history."""
    old, new = backtest_rule(before, history, targets, zone), backtest_rule(after, history, targets, zone)
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
    leaf: Leaf, rule: Rule, history: BacktestHistory, targets: Mapping[str, tuple[Target, ...]], zone: ZoneInfo
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


def _state(past: KpiSeries, least_samples: int) -> Codes:
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


def _lives(code: Codes, times: Times, held_ms: int, keep_ms: int) -> tuple[Indices, Indices, Indices, Indices]:
    """Unit, and steps of onset, firing and end (-1: none), of each alert that `ioc.alerts.states` would have, by unit
    and time, from codes of units × times; without a loop over time.

    A stretch without clearing or unknown steps fires at most once, `held_ms` after its first firing step, whatever was
    before. An alert ends where a clearing step is not followed by a firing one for `keep_ms`, whenever it began. So
    both are found apart; of the stretches that fire before the same end, the first is the alert, the others are in it.
    """
    steps = len(times)
    flat = code.reshape(-1)
    unit_end = (np.arange(len(code)) + 1) * steps

    said = np.flatnonzero(flat != _BAND)
    fires = flat[said] == _FIRES
    begins = np.flatnonzero(fires & ~_follows(said, fires, steps))
    onsets = said[begins]
    units = onsets // steps
    until = np.minimum(_next(said, ~fires, begins), unit_end[units])
    ripe = units * steps + np.searchsorted(times, times[onsets % steps] + held_ms)
    onsets, ripe, units = (column[ripe < until] for column in (onsets, ripe, units))

    known = said[flat[said] != _UNKNOWN]
    fires = flat[known] == _FIRES
    stops = np.flatnonzero(~fires & _follows(known, fires, steps))
    lets_go = known[stops]
    due = np.searchsorted(times, times[lets_go % steps] + keep_ms)
    ends = _first_known(flat, lets_go // steps * steps + due)
    over = (due < steps) & (ends < np.minimum(_next(known, fires, stops), unit_end[lets_go // steps]))
    lets_go, ends = lets_go[over], ends[over]

    ending = np.searchsorted(lets_go, ripe, side="right")
    is_first = np.ones(len(ripe), np.bool_)
    is_first[1:] = (ending[1:] != ending[:-1]) | (units[1:] != units[:-1])
    onsets, ripe, units, ending = (column[is_first] for column in (onsets, ripe, units, ending))
    end = np.append(ends, -1)[ending]
    return units, onsets % steps, ripe % steps, np.where((end >= 0) & (end // steps == units), end % steps, -1)


def _follows(places: Indices, marked: Flags, steps: int) -> Flags:
    """Which of the places have a marked one just before them, in the same unit."""
    found = np.zeros(len(places), np.bool_)
    if len(places):
        found[1:] = marked[:-1]
        first_of_unit = np.searchsorted(places, np.arange(0, int(places[-1]) + 1, steps))
        found[first_of_unit] = False
    return found


def _next(places: Indices, marked: Flags, after: Indices) -> Indices:
    """The next marked place after each of those at `after` in the list; beyond everything when there is none."""
    counted = np.cumsum(marked)[after]
    return np.append(places[marked], np.iinfo(np.intp).max)[counted]


def _first_known(flat: Codes, places: Indices) -> Indices:
    """Each place, or the first behind it at which the data say something; beyond everything when there is none."""
    within = np.minimum(places, len(flat) - 1)
    if not (flat[within] == _UNKNOWN).any():
        return places
    known = np.flatnonzero(flat != _UNKNOWN)
    return np.append(known, np.iinfo(np.intp).max)[np.searchsorted(known, places)]
