"""Backtest: find what a rule would have done with the history of its KPIs, all units at once.

A rule's alert depends on its own unit alone, so a backtest needs no ticks: `_alert_steps` finds all alerts of all
units from the decisions of all times at once.
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
"""A backtest lists at most this many firings; a rule that fires more often is of no use."""


@dataclass(frozen=True, slots=True)
class KpiSeries:
    """A KPI's history: arrays of times × units.

    Without `state`, a number is live and NaN is no data. Without `samples`, there were always enough.
    """

    value: Reals
    state: Codes | None = None
    samples: Times | None = None

    def at(self, steps: Indices) -> "KpiSeries":
        """Return the history at some of its times (indices)."""
        state = None if self.state is None else self.state[steps]
        return KpiSeries(self.value[steps], state, None if self.samples is None else self.samples[steps])


@dataclass(frozen=True, slots=True)
class BacktestHistory:
    """The history of several KPIs.

    `times_ms` ascend in even steps. `kpis` by id. `usual` has median and MAD of the same hour of past weeks by (KPI,
    number of weeks), arrays of times × units.
    """

    times_ms: Times
    units: tuple[str, ...]
    kpis: Mapping[str, KpiSeries]
    usual: Mapping[tuple[str, int], tuple[Reals, Reals]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Firing:
    """An alert that the rule would have made; `end_ms` is None when it lasts beyond the history."""

    unit: str
    onset_ms: int
    fired_ms: int
    end_ms: int | None


@dataclass(frozen=True, slots=True)
class Backtest:
    """Result of a backtest.

    `count` is the number of alerts, in `units` by unit; `firing_ms` is their total duration within the history.
    `firings` are the first MAX_FIRINGS in the order of time.
    """

    count: int
    firing_ms: int
    units: Mapping[str, int]
    firings: tuple[Firing, ...]


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two versions of a rule over the same history.

    Firings that overlap in the same unit are the same alert. `gone` are only in `before`, `new` only in `after`.
    """

    before: Backtest
    after: Backtest
    gone: tuple[Firing, ...]
    new: tuple[Firing, ...]


def backtest_rule(
    rule: Rule, history: BacktestHistory, targets: Mapping[str, tuple[Target, ...]], zone: ZoneInfo
) -> Backtest:
    """Run a rule over every unit of the history. A latching rule's alert ends when its condition does.

    Raises KeyError for a KPI, or a usual value, that the history lacks.
    """
    if not len(history.times_ms):
        return Backtest(0, 0, {}, ())
    parts = [_decision(leaf, rule, history, targets, zone) for leaf in leaves(rule.condition)]
    decision = combine(rule.condition, iter(parts))
    code = np.full(decision.fires.shape[::-1], _BAND, np.int8)
    code[~decision.known.T] = _UNKNOWN
    code[decision.clears.T] = _CLEARS
    code[decision.fires.T] = _FIRES
    times = history.times_ms
    unit, onset, fired, end = _alert_steps(code, times, milliseconds(rule.held_for), milliseconds(rule.keep_firing_for))
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
    """Run two versions of a rule over the same history."""
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
    first, last = (year_of(int(history.times_ms[index]), zone) for index in (0, -1))
    by_year = {year: bounds(limits_of(leaf, targets, year)) for year in range(first, last + 1)}
    rows = np.array([by_year[first]] if first == last else [by_year[year_of(int(t), zone)] for t in history.times_ms])
    return decide(signal, LimitArrays(*(rows[:, column, None] for column in range(4))))


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
    """Return the value `over_ms` before, of the last step until then; NaN where that is before the history."""
    step_ms = int(np.median(np.diff(times_ms))) if len(times_ms) > 1 else over_ms
    steps = np.searchsorted(times_ms, times_ms - over_ms, side="right") - 1
    missing = (steps < 0) | (times_ms - over_ms - times_ms[np.maximum(steps, 0)] >= step_ms)
    before = value[np.maximum(steps, 0)]
    before[missing] = np.nan
    return before


def _alert_steps(code: Codes, times: Times, held_ms: int, keep_ms: int) -> tuple[Indices, Indices, Indices, Indices]:
    """Return unit, and steps of onset, firing and end (-1: none), of each alert that `ioc.alerts.states` would make.

    `code` is units × times; the result is ordered by unit and time and needs no loop over time.

    A run of steps without clearing or unknown ones fires at most once, `held_ms` after its first firing step, whatever
    came before. An alert ends where a clearing step is not followed by a firing one for `keep_ms`, whenever it began.
    So both are found separately. Of the runs that fire before the same end, the first is the alert and the others
    belong to it.
    """
    steps = len(times)
    flat = code.reshape(-1)
    unit_end = (np.arange(len(code)) + 1) * steps

    known_steps = np.flatnonzero(flat != _BAND)
    fires = flat[known_steps] == _FIRES
    begins = np.flatnonzero(fires & ~_follows(known_steps, fires, steps))
    onsets = known_steps[begins]
    units = onsets // steps
    until = np.minimum(_next(known_steps, ~fires, begins), unit_end[units])
    firings = units * steps + np.searchsorted(times, times[onsets % steps] + held_ms)
    onsets, firings, units = (column[firings < until] for column in (onsets, firings, units))

    known = known_steps[flat[known_steps] != _UNKNOWN]
    fires = flat[known] == _FIRES
    stops = np.flatnonzero(~fires & _follows(known, fires, steps))
    clearings = known[stops]
    due = np.searchsorted(times, times[clearings % steps] + keep_ms)
    ends = _first_known(flat, clearings // steps * steps + due)
    over = (due < steps) & (ends < np.minimum(_next(known, fires, stops), unit_end[clearings // steps]))
    clearings, ends = clearings[over], ends[over]

    ending = np.searchsorted(clearings, firings, side="right")
    is_first = np.ones(len(firings), np.bool_)
    is_first[1:] = (ending[1:] != ending[:-1]) | (units[1:] != units[:-1])
    onsets, firings, units, ending = (column[is_first] for column in (onsets, firings, units, ending))
    end = np.append(ends, -1)[ending]
    return units, onsets % steps, firings % steps, np.where((end >= 0) & (end // steps == units), end % steps, -1)


def _follows(positions: Indices, marked: Flags, steps: int) -> Flags:
    """Return which of the positions have a marked one just before them, in the same unit."""
    found = np.zeros(len(positions), np.bool_)
    if len(positions):
        found[1:] = marked[:-1]
        first_of_unit = np.searchsorted(positions, np.arange(0, int(positions[-1]) + 1, steps))
        found[first_of_unit] = False
    return found


def _next(positions: Indices, marked: Flags, after: Indices) -> Indices:
    """Return the next marked position after each of those at `after`; beyond everything when there is none."""
    counted = np.cumsum(marked)[after]
    return np.append(positions[marked], np.iinfo(np.intp).max)[counted]


def _first_known(flat: Codes, positions: Indices) -> Indices:
    """Return each position, or the first after it with known data; beyond everything when there is none."""
    within = np.minimum(positions, len(flat) - 1)
    if not (flat[within] == _UNKNOWN).any():
        return positions
    known = np.flatnonzero(flat != _UNKNOWN)
    return np.append(known, np.iinfo(np.intp).max)[np.searchsorted(known, positions)]
