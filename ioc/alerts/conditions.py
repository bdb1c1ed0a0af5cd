"""Decide whether each rule fires, clears, or neither: all slots at once."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from ioc.alerts.inputs import Codes, DataState, Flags, Inputs, Reals, Times, Usual, Values, milliseconds
from ioc.alerts.rule_arrays import LimitArrays, RuleArrays, Signal, limits_in, year_of
from ioc.model.rule import AllOf, AnyOf, Change, Condition, DataLack, Deviation, Lack

_TO_SIGMA = 1.4826
"""From the MAD of a normal distribution to its standard deviation."""

_LACK = {Lack.MISSING: DataState.NO_DATA, Lack.INSUFFICIENT: DataState.INSUFFICIENT, Lack.STALE: DataState.STALE}


@dataclass(frozen=True, slots=True)
class Decision:
    """Whether each entry fires or clears; never both.

    Neither is true where the signal lies between the limits (`known`), or where the data are missing (not `known`).
    """

    fires: Flags
    clears: Flags
    known: Flags


@dataclass(frozen=True, slots=True)
class SlotResults:
    """One entry per slot: the decision, the value of the rule's KPI (NaN without one), the worst DataState used."""

    decision: Decision
    value: Reals
    data: Codes


@dataclass(frozen=True, slots=True)
class _Kpi:
    """A KPI with one entry per unit of the rule arrays."""

    value: Reals
    samples: Times
    state: Codes


def evaluate_rules(arrays: RuleArrays, inputs: Inputs) -> SlotResults:
    """Evaluate every slot's condition on the inputs of a tick."""
    shape = (len(arrays.signals), len(arrays.units))
    signals, values, data = np.empty(shape), np.empty(shape), np.empty(shape, np.int8)
    kpis: dict[str, _Kpi] = {}
    for row, signal in enumerate(arrays.signals):
        if signal.kpi not in kpis:
            kpis[signal.kpi] = _spread(arrays.units, inputs.kpis.get(signal.kpi))
        kpi = kpis[signal.kpi]
        state = kpi.state
        if signal.least_samples:
            state = np.where(kpi.samples < signal.least_samples, np.minimum(state, DataState.INSUFFICIENT), state)
        signals[row] = _signal(arrays.units, signal, kpi, state, inputs)
        values[row], data[row] = kpi.value, state
    by_leaf = decide(signals.reshape(-1)[arrays.sources], limits_in(arrays, year_of(inputs.now_ms, arrays.zone)))
    slot_data = data.reshape(-1)[arrays.sources[arrays.first_leaf]]
    one = arrays.first_leaf
    decision = Decision(by_leaf.fires[one], by_leaf.clears[one], by_leaf.known[one])
    for block in arrays.blocks:
        if len(block.leaves) > 1:
            parts = [slice(part.start, part.end) for part in block.leaves]
            whole = combine(
                block.rule.condition,
                iter([Decision(by_leaf.fires[p], by_leaf.clears[p], by_leaf.known[p]) for p in parts]),
            )
            here = slice(block.start, block.end)
            decision.fires[here], decision.clears[here], decision.known[here] = whole.fires, whole.clears, whole.known
            slot_data[here] = np.min([data.reshape(-1)[arrays.sources[p]] for p in parts], axis=0)
    return SlotResults(decision, values.reshape(-1)[arrays.sources[arrays.first_leaf]], slot_data)


def decide(signal: Reals, limits: LimitArrays) -> Decision:
    """Compare signals with limits; NaN neither fires nor clears. `limits` must broadcast to the signal's shape."""
    fires = (signal > limits.fire_above) | (signal < limits.fire_below)
    clears = (signal <= limits.clear_to) & (signal >= limits.clear_from) & ~fires
    return Decision(fires, clears, ~np.isnan(signal))


def combine(condition: Condition, of_leaves: Iterator[Decision]) -> Decision:
    """Combine the decisions of a condition's leaves, in their order; arrays of any shape.

    What one member decides by itself holds although another is unknown.
    """
    if not isinstance(condition, AllOf | AnyOf):
        return next(of_leaves)
    members = [combine(member, of_leaves) for member in condition.members]
    every, some = (np.logical_and.reduce, np.logical_or.reduce)
    if isinstance(condition, AnyOf):
        every, some = some, every
    fires = every([member.fires for member in members])
    clears = some([member.clears for member in members])
    return Decision(fires, clears, fires | clears | np.logical_and.reduce([member.known for member in members]))


def lack_signal(lack: Lack, state: Codes) -> Reals:
    """Return 1 where the data have this lack, 0 where they do not, NaN where a worse lack hides it."""
    wanted = _LACK[lack]
    return np.where(state == wanted, 1.0, np.where(state > wanted, 0.0, np.nan))


def deviation(value: Reals, median: Reals, mad: Reals) -> Reals:
    """Return the robust z-score; infinite where the past has no spread and the value differs."""
    with np.errstate(divide="ignore", invalid="ignore"):
        score = (value - median) / (_TO_SIGMA * mad)
    return np.where((mad == 0) & (value == median), 0.0, score)


def _signal(units: tuple[str, ...], signal: Signal, kpi: _Kpi, state: Codes, inputs: Inputs) -> Reals:
    leaf = signal.leaf
    if isinstance(leaf, DataLack):
        return lack_signal(leaf.lack, state)
    live = np.where(state == DataState.LIVE, kpi.value, np.nan)
    if isinstance(leaf, Change):
        earlier = inputs.earlier.get((leaf.kpi, milliseconds(leaf.over)))
        before = _spread(units, earlier)
        return live - np.where(before.state == DataState.LIVE, before.value, np.nan)
    if isinstance(leaf, Deviation):
        past = inputs.usual.get((leaf.kpi, leaf.weeks))
        if past is None:
            return np.full(len(units), np.nan)
        return deviation(live, _by_unit(units, past, past.median), _by_unit(units, past, past.mad))
    return live


def _spread(units: tuple[str, ...], column: Values | None) -> _Kpi:
    """Return a KPI by unit of the rule arrays.

    A missing KPI is in error, and so is an infinite value. A unit without an entry has no data.
    """
    size = len(units)
    if column is None:
        return _Kpi(np.full(size, np.nan), np.zeros(size, np.int64), np.full(size, DataState.ERROR, np.int8))
    value, samples, state = column.value, column.samples, column.state
    if column.units is not units and column.units != units:
        indices = _indices(units, column.units)
        value, samples, state = np.full(size, np.nan), np.zeros(size, np.int64), np.zeros(size, np.int8)
        here = [index for index in indices if index >= 0]
        there = [entry for entry, index in enumerate(indices) if index >= 0]
        value[here], samples[here], state[here] = column.value[there], column.samples[there], column.state[there]
    infinite = np.isinf(value)
    if infinite.any():
        state = np.where(infinite, np.int8(DataState.ERROR), state)
        value = np.where(infinite, np.nan, value)
    unclear = (state == DataState.LIVE) & np.isnan(value)
    return _Kpi(value, samples, np.where(unclear, np.int8(DataState.NO_DATA), state) if unclear.any() else state)


def _by_unit(units: tuple[str, ...], past: Usual, entries: Reals) -> Reals:
    if past.units is units or past.units == units:
        return entries
    spread = np.full(len(units), np.nan)
    for entry, index in enumerate(_indices(units, past.units)):
        if index >= 0:
            spread[index] = entries[entry]
    return spread


def _indices(units: tuple[str, ...], others: tuple[str, ...]) -> list[int]:
    """Return the index of each of `others` in `units`; -1 for an unknown unit."""
    index_of = {code: index for index, code in enumerate(units)}
    return [index_of.get(code, -1) for code in others]
