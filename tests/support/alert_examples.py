"""Rules, units and tick inputs that the alerting suites share."""

from collections.abc import Iterable, Mapping
from datetime import date, timedelta
from zoneinfo import ZoneInfo

import numpy as np

from ioc.alerts.engine import tick
from ioc.alerts.inputs import DataState, Inputs, Values
from ioc.alerts.rule_arrays import RuleArrays
from ioc.alerts.states import CONDITIONS, EngineState
from ioc.model.alert import ConditionState, Transition
from ioc.model.rule import Condition, Limits, Rule, Severity, Threshold
from ioc.model.unit import Unit, UnitLevel

ZONE = ZoneInfo("Asia/Ho_Chi_Minh")
MINUTE = 60_000
START = 1_795_392_000_000
"""2026-11-23 07:00 in the province, a Monday."""

PROVINCE = Unit("46", "Thành phố Huế", "Huế", "city", "", 16.4, 107.6, None)


def units(count: int) -> dict[str, Unit]:
    """The province and `count` communes."""
    communes = [Unit(f"{19000 + n}", f"Xã {n}", f"Xã {n}", "commune", "46", 16.4, 107.6, None) for n in range(count)]
    return {unit.code: unit for unit in (PROVINCE, *communes)}


def rule(
    condition: Condition | None = None,
    *,
    rule_id: str = "high",
    held: int = 0,
    keep: int = 0,
    at: UnitLevel | tuple[str, ...] = UnitLevel.PROVINCE,
    severity: Severity = Severity.HIGH,
    **more: object,
) -> Rule:
    """Above 10 without another condition; `held` and `keep` in minutes."""
    return Rule(
        id=rule_id,
        name={"vi": "Cao", "en": "High"},
        sector="air",
        condition=condition or Threshold("k", Limits(fires_above=10)),
        units=at,
        severity=severity,
        version="v1",
        held_for=timedelta(minutes=held),
        keep_firing_for=timedelta(minutes=keep),
        **more,  # type: ignore[arg-type]
    )


def rule_arrays(rules: Iterable[Rule], communes: int = 0) -> RuleArrays:
    return RuleArrays.of(rules, units(communes), {}, ZONE)


def inputs(minute: float, values: Mapping[str, list[float | DataState | None]], codes: tuple[str, ...]) -> Inputs:
    """One tick: an entry a unit, None for no data, a DataState for a lack of another kind."""
    return Inputs(START + int(minute * MINUTE), {kpi: column(given, codes) for kpi, given in values.items()})


def column(given: list[float | DataState | None], codes: tuple[str, ...]) -> Values:
    numbers = [float("nan") if one is None or isinstance(one, DataState) else float(one) for one in given]
    states = [
        one if isinstance(one, DataState) else DataState.NO_DATA if one is None else DataState.LIVE for one in given
    ]
    return Values(codes, np.array(numbers), np.full(len(given), 100, np.int64), np.array(states, np.int8))


def run(
    the_plan: RuleArrays, series: list[float | DataState | None], kpi: str = "k"
) -> tuple[list[ConditionState], list[Transition]]:
    """A series of the province, one value a minute: its states and transitions."""
    state = EngineState.fresh(the_plan)
    states: list[ConditionState] = []
    transitions: list[Transition] = []
    for minute, value in enumerate(series):
        done = tick(the_plan, state, inputs(minute, {kpi: [value]}, ("46",)))
        state = done.state
        states.append(CONDITIONS[int(state.condition[0])])
        transitions += done.transitions
    return states, transitions


def weekday(day: date) -> bool:
    return day.weekday() < 5
