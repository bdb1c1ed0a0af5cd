"""Run the cases of a rule (given series, expected states at times) through the engine itself."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import numpy as np

from ioc.alerts.active_hours import IsWorkingDay, is_active
from ioc.alerts.engine import TickResult, tick
from ioc.alerts.inputs import DataState, Inputs, Needs, Usual, Values
from ioc.alerts.rule_arrays import RuleArrays
from ioc.alerts.states import CONDITIONS, EngineState
from ioc.messages import Message
from ioc.model.kpi import Target
from ioc.model.rule import Rule
from ioc.model.rule_case import Expected, RuleCase
from ioc.model.unit import Unit


def run_case(
    case: RuleCase,
    rule: Rule,
    unit: Unit,
    targets: Mapping[str, tuple[Target, ...]],
    zone: ZoneInfo,
    is_working_day: IsWorkingDay,
) -> list[Message]:
    """Return one sentence per expectation that does not hold; the rule is evaluated for `unit`."""
    arrays = RuleArrays.of([replace(rule, units=(unit.code,))], {unit.code: unit}, targets, zone)
    needs = Needs.of([rule])
    last = max((one.after_ms for one in case.expected), default=0)
    waiting = sorted(case.expected, key=lambda one: one.after_ms)
    state = EngineState.fresh(arrays)
    failures: list[Message] = []
    for number in range(last // case.step_ms + 1):
        done: TickResult = tick(arrays, state, _inputs(case, number, needs, unit.code))
        state = done.state
        while waiting and waiting[0].after_ms < (number + 1) * case.step_ms:
            failures += _difference(case, waiting.pop(0), rule, state, zone, is_working_day)
    return failures


def _difference(
    case: RuleCase, expected: Expected, rule: Rule, state: EngineState, zone: ZoneInfo, is_working_day: IsWorkingDay
) -> list[Message]:
    place = Message("case_place", case=case.name, rule=case.rule, after=_length(expected.after_ms))
    found = CONDITIONS[int(state.condition[0])]
    failures: list[Message] = []
    if found is not expected.state:
        failures.append(Message("case_state", place=place, found=found, expected=expected.state))
    local = datetime.fromtimestamp((case.start_ms + expected.after_ms) / 1000, UTC).astimezone(zone)
    quiet = not is_active(rule.active, local, is_working_day)
    if expected.quiet is not None and quiet != expected.quiet:
        code = "case_outside_hours" if quiet else "case_within_hours"
        failures.append(Message(code, place=place, time=f"{local:%a %H:%M}", expected=str(expected.quiet).lower()))
    return failures


def _inputs(case: RuleCase, number: int, needs: Needs, unit: str) -> Inputs:
    kpis = {kpi: _values(case, kpi, number, unit) for kpi in needs.kpis}
    earlier = {(kpi, over): _values(case, kpi, number - over // case.step_ms, unit) for kpi, over in needs.earlier}
    usual = {
        (kpi, weeks): Usual((unit,), *(np.array([part]) for part in case.usual[kpi]))
        for kpi, weeks in needs.usual
        if kpi in case.usual
    }
    return Inputs(case.start_ms + number * case.step_ms, kpis, earlier, usual)


def _values(case: RuleCase, kpi: str, number: int, unit: str) -> Values:
    series = case.series.get(kpi)
    within = series is not None and 0 <= number < len(series.value)
    value, state = float("nan"), DataState.NO_DATA
    if series is not None and within:
        value, state = series.value[number], DataState[series.state[number].name]
    return Values((unit,), np.array([value]), np.array([case.samples], np.int64), np.array([state], np.int8))


def _length(length_ms: int) -> str:
    seconds = length_ms // 1000
    parts: Sequence[tuple[int, str]] = ((seconds // 3600, "h"), (seconds // 60 % 60, "m"), (seconds % 60, "s"))
    return "".join(f"{part}{name}" for part, name in parts if part) or "0s"
