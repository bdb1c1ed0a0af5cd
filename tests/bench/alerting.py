"""Alerting: 500 rules × 168 units a tick, and a backtest of 30 days by the minute.

    .venv/bin/python -m tests.bench alerting

Median processor times; a tick is the engine, then the alerts as people see them, and the plan of notifications.
"""

from dataclasses import replace
from datetime import timedelta
from statistics import median
from time import process_time

import numpy as np

from ioc.alerts.backtest import BacktestHistory, KpiSeries, backtest_rule
from ioc.alerts.engine import tick
from ioc.alerts.grouping import Outbox
from ioc.alerts.handling import HandlingState
from ioc.alerts.inputs import DataState, Inputs, Values
from ioc.alerts.notification_plan import plan_deliveries
from ioc.alerts.rule_arrays import RuleArrays
from ioc.alerts.states import EngineState
from ioc.alerts.suppression import SuppressionIndex, build_alerts
from ioc.catalog.routing import load_routing
from ioc.model.rule import AllOf, Limits, Rule, Severity, Threshold
from ioc.model.unit import Unit, UnitLevel
from ioc.settings import VIETNAM
from tests.bench.report import Table

RULES, UNITS, KPIS = 500, 168, 100
START_MS = 1_795_392_000_000
MOST_TICK_MS, MOST_REPLAY_S = 100, 2.0


def _rule(number: int) -> Rule:
    limits = Limits(fires_above=2.0, clears_below=1.5)
    condition = Threshold(f"k{number % KPIS}", limits)
    whole = AllOf((condition, Threshold(f"k{(number + 1) % KPIS}", limits))) if number % 10 == 0 else condition
    return Rule(
        id=f"rule-{number}",
        name={"vi": "Luật", "en": "Rule"},
        sector=f"s{number % 10}",
        condition=whole,
        units=UnitLevel.COMMUNE,
        severity=list(Severity)[number % 4],
        version="1",
        held_for=timedelta(minutes=number % 3),
        keep_firing_for=timedelta(minutes=number % 2),
    )


def _rule_arrays() -> RuleArrays:
    communes = [Unit(f"{n:05}", "Xã", "Xã", "commune", "79", 10.0, 106.0, None) for n in range(UNITS)]
    return RuleArrays.of([_rule(number) for number in range(RULES)], {one.code: one for one in communes}, {}, VIETNAM)


class _Ticks:
    """TickStatistics a second apart; `share` of the values move at each, by as much as noise of the given width."""

    def __init__(self, arrays: RuleArrays) -> None:
        self.arrays = arrays
        self.random = np.random.default_rng(1)
        self.values = self.random.normal(0, 0.5, (KPIS, UNITS))
        self.now_ms = START_MS

    def inputs(self, share: float, above: float) -> Inputs:
        """`above` of those that move go beyond the limit."""
        moving = self.random.random(self.values.shape) < share
        self.values[moving] = self.random.normal(0, 0.5, int(moving.sum()))
        self.values[moving & (self.random.random(self.values.shape) < above)] = 3.0
        self.now_ms += 1000
        samples, live = np.full(UNITS, 100, np.int64), np.full(UNITS, DataState.LIVE, np.int8)
        rows = {f"k{row}": Values(self.arrays.units, self.values[row].copy(), samples, live) for row in range(KPIS)}
        return Inputs(self.now_ms, rows)


def run() -> None:
    arrays = _rule_arrays()
    ticks, routing = _Ticks(arrays), load_routing().routing
    watch = SuppressionIndex.of(arrays, [], [])
    state, outbox = tick(arrays, EngineState.fresh(arrays), ticks.inputs(1, 0)).state, Outbox()
    heads = ("tick", "engine ms", "alerts ms", "notifications ms", "transitions", "alerts")
    table = Table(f"{RULES} rules x {UNITS} units", heads)
    for name, share, above, rounds in (
        ("nothing moves", 0.0, 0.0, 15),
        ("1 % of values move, 1 % of them beyond", 0.01, 0.01, 15),
        ("all values move, 1 % beyond", 1.0, 0.01, 15),
        ("a storm: all move, 6 % beyond", 1.0, 0.06, 5),
    ):
        times: list[tuple[float, float, float]] = []
        moved = standing = 0
        for _ in range(rounds):
            given = ticks.inputs(share, above)
            began = process_time()
            done = tick(arrays, state, given)
            engine = process_time()
            found = build_alerts(watch, done.state, done.results, HandlingState(), lambda day: day.weekday() < 5)
            shown = process_time()
            outbox = plan_deliveries(routing, outbox, found, done.transitions, given.now_ms, VIETNAM).outbox
            planned = process_time()
            state, moved, standing = done.state, len(done.transitions), len(found)
            times.append(((engine - began) * 1000, (shown - engine) * 1000, (planned - shown) * 1000))
        columns = [median(column) for column in zip(*times, strict=True)]
        table.add(name, *(f"{column:.1f}" for column in columns), str(moved), str(standing))
        assert columns[0] <= MOST_TICK_MS, f"{name}: {columns[0]:.0f} ms is above {MOST_TICK_MS} ms"
    table.print()
    _backtest()


def _backtest() -> None:
    steps = 30 * 1440
    random = np.random.default_rng(2)
    codes = tuple(f"{n:05}" for n in range(UNITS))
    times = START_MS + 60_000 * np.arange(steps, dtype=np.int64)
    day = 10 + 3 * np.sin(np.arange(steps) / 1440 * 2 * np.pi)
    one = replace(_rule(1), condition=Threshold("k", Limits(fires_above=12.5, clears_below=12)), units=codes)
    table = Table(f"Backtest of 30 days by the minute x {UNITS} units", ("series", "s", "firings"))
    for name, noise in (("a day's curve", 0.05), ("with noise", 0.5), ("noise alone about the limit", 30.0)):
        value = day[:, None] + random.normal(0, noise, (steps, UNITS))
        history = BacktestHistory(times, codes, {"k": KpiSeries(value)})
        began = process_time()
        found = backtest_rule(one, history, {}, VIETNAM)
        took = process_time() - began
        table.add(name, f"{took:.2f}", str(len(found.firings)))
        assert took <= MOST_REPLAY_S, f"{name}: {took:.1f} s is above {MOST_REPLAY_S} s"
    table.print()
