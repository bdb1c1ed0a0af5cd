"""A backtest gives the same alerts as the engine, for any series."""

from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ioc.alerts.backtest import BacktestHistory, Firing, KpiSeries, backtest_rule, compare
from ioc.alerts.engine import tick
from ioc.alerts.inputs import DataState, Inputs, Values
from ioc.alerts.states import EngineState
from ioc.model.alert import TransitionKind
from ioc.model.kpi import Target
from ioc.model.rule import (
    AnyOf,
    Change,
    Condition,
    DataLack,
    Deviation,
    Lack,
    Limits,
    Rule,
    TargetMissed,
    Threshold,
)
from ioc.model.unit import UnitLevel
from tests.support.alert_examples import MINUTE, START, ZONE, rule, rule_arrays

CODES = ("19000", "19001", "19002")
BAND = Threshold("k", Limits(fires_above=10, clears_below=8))
CONDITIONS: list[Condition] = [
    Threshold("k", Limits(fires_above=10)),
    BAND,
    DataLack("k", Lack.MISSING),
    AnyOf((BAND, DataLack("k", Lack.STALE))),
    Change("k", timedelta(minutes=2), Limits(fires_above=3)),
    TargetMissed("k"),
]
TARGETS = {"k": (Target(2026, at_most=9),)}
STATES = (DataState.NO_DATA, DataState.INSUFFICIENT, DataState.STALE, DataState.LIVE)


def by_the_engine(the_rule: Rule, history: BacktestHistory) -> list[Firing]:
    """Firings that ticks of the whole history give."""
    arrays = rule_arrays([the_rule], communes=len(history.units))
    arrays = replace(arrays, targets=TARGETS)
    state, begun, found = EngineState.fresh(arrays), {}, []
    past = history.kpis["k"]
    assert past.state is not None
    for row, now_ms in enumerate(history.times_ms.tolist()):
        values = [
            Values(history.units, past.value[at], np.full(len(history.units), 9, np.int64), past.state[at])
            for at in (row, max(row - 2, 0))
        ]
        earlier = {("k", 2 * MINUTE): values[1]} if row >= 2 else {}
        done = tick(arrays, state, Inputs(now_ms, {"k": values[0]}, earlier))
        state = done.state
        for one in done.transitions:
            if one.kind is TransitionKind.FIRING:
                begun[one.unit] = (one.onset_ms, one.at_ms)
            elif one.kind is TransitionKind.RESOLVED:
                found.append(Firing(one.unit, *begun.pop(one.unit), one.at_ms))
    return found + [Firing(unit, *times, None) for unit, times in begun.items()]


@settings(max_examples=200)
@given(
    condition=st.sampled_from(CONDITIONS),
    held=st.integers(0, 3),
    keep=st.integers(0, 3),
    cells=st.lists(
        st.lists(st.tuples(st.sampled_from([5.0, 9.0, 15.0]), st.sampled_from(STATES)), min_size=3, max_size=3),
        min_size=1,
        max_size=30,
    ),
)
def test_it_is_what_the_engine_does(
    condition: Condition, held: int, keep: int, cells: list[list[tuple[float, DataState]]]
) -> None:
    the_rule = rule(condition, held=held, keep=keep, at=UnitLevel.COMMUNE)
    state = np.array([[cell[1] for cell in row] for row in cells], np.int8)
    value = np.array([[cell[0] for cell in row] for row in cells])
    value[state < DataState.STALE] = np.nan
    times = START + MINUTE * np.arange(len(cells), dtype=np.int64)
    history = BacktestHistory(times, CODES, {"k": KpiSeries(value, state)})
    found = backtest_rule(the_rule, history, TARGETS, ZONE)
    assert sorted(found.firings, key=str) == sorted(by_the_engine(the_rule, history), key=str)


def history_of(series: list[float]) -> BacktestHistory:
    times = START + MINUTE * np.arange(len(series), dtype=np.int64)
    return BacktestHistory(times, ("46",), {"k": KpiSeries(np.array(series)[:, None])})


def test_times_add_up() -> None:
    found = backtest_rule(rule(held=1), history_of([5, 15, 15, 15, 5, 15, 15]), {}, ZONE)
    assert found.firings == (
        Firing("46", START + MINUTE, START + 2 * MINUTE, START + 4 * MINUTE),
        Firing("46", START + 5 * MINUTE, START + 6 * MINUTE, None),
    )
    assert (found.firing_ms, found.units) == (2 * MINUTE, {"46": 2})


def test_deviation_over_history() -> None:
    history = history_of([100, 160, 100])
    usual = {("k", 4): (np.full((3, 1), 100.0), np.full((3, 1), 10.0))}
    the_rule = rule(Deviation("k", 4, Limits(fires_above=3.5)))
    assert len(backtest_rule(the_rule, replace(history, usual=usual), {}, ZONE).firings) == 1


def test_two_versions_side_by_side() -> None:
    history = history_of([5, 12, 5, 5, 25, 5, 9, 5])
    before, after = rule(), rule(Threshold("k", Limits(fires_above=20)))
    found = compare(before, after, history, {}, ZONE)
    assert [one.fired_ms for one in found.gone] == [START + MINUTE]
    assert found.new == ()
    low = rule(Threshold("k", Limits(fires_above=8)))
    assert [one.fired_ms for one in compare(before, low, history, {}, ZONE).new] == [START + 6 * MINUTE]


def test_no_history_gives_nothing() -> None:
    assert backtest_rule(rule(), history_of([]), {}, ZONE).firings == ()


def test_a_kpi_that_the_history_lacks_is_an_error() -> None:
    with pytest.raises(KeyError):
        backtest_rule(rule(Threshold("other", Limits(fires_above=1))), history_of([1]), {}, ZONE)
