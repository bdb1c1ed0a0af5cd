"""The same series and rules through `promtool test rules` and through ours: the same minutes of firing.

Every case says the minutes in which the alert fires. The engine must fire in them, and promtool must find the same
alert in each of them and none in any other.
"""

import json
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

from ioc.alerts.engine import tick
from ioc.alerts.inputs import DataState, Inputs
from ioc.alerts.states import FIRING, RECOVERING, EngineState
from ioc.model.kpi import Freshness
from ioc.model.rule import AllOf, AnyOf, Condition, DataLack, Lack, Limits, Threshold
from ioc.model.rule_case import CaseSeries
from tests.support.alert_examples import MINUTE, START, column, rule, rule_arrays

PROMTOOL = shutil.which("promtool")
ABOVE, BELOW = Threshold("k", Limits(fires_above=10)), Threshold("k", Limits(fires_below=5))
BAND = Threshold("k", Limits(fires_above=10, clears_below=8))
OUTSIDE = Threshold("k", Limits(fires_above=20, fires_below=5))
MISSING = DataLack("k", Lack.MISSING)
HELD_BY_ITSELF = 'k > 10 or (k >= 8 and on(unit) max by (unit) (ALERTS{alertname="high"}))'
"""A clearing limit, as the reference's users write it."""


ABSENT = 'absent(k{unit="u"})'


@dataclass(frozen=True)
class Case:
    """`series` one value a minute; `fires` are half-open stretches of minutes."""

    series: str
    fires: list[tuple[int, int]]
    held: int = 0
    keep: int = 0
    condition: Condition = ABOVE
    expression: str = "k > 10"


ANYWAY = "last_over_time(k[1d]) > 10"
"""How the reference is told that an alert outlasts its data."""

CASES = {
    "fires at once without held_for": Case("5x2 15x3 5x3", [(3, 7)]),
    "the limit itself does not fire": Case("10x5 10.1x2", [(6, 9)]),
    "one minute above is enough without held_for": Case("5x3 15 5x3", [(4, 5)]),
    "held_for is counted from the first minute above": Case("5x2 15x9", [(8, 13)], held=5),
    "one minute short of held_for": Case("5x2 15x4 5x5", [], held=5),
    "exactly held_for, for one minute": Case("5x2 15x5 5x5", [(8, 9)], held=5),
    "a dip begins held_for anew": Case("5 15x3 5 15x8", [(11, 15)], held=5),
    "flapping every minute never fires": Case("15 5 15 5 15 5 15 5 15 5", [], held=2),
    "flapping in twos never fires by three": Case("15x1 5x1 15x1 5x1 15x1 5x1", [], held=3),
    "ends at once without keep_firing_for": Case("15x5 5x5", [(0, 6)]),
    "keep_firing_for is counted from the first minute below": Case("15x3 5x9", [(0, 8)], keep=4),
    "keep_firing_for bridges a dip": Case("15x3 5x1 15x3 5x9", [(0, 14)], keep=4),
    "a dip as long as keep_firing_for does not bridge": Case("15x3 5x4 15x3 5x9", [(0, 8), (9, 17)], keep=4),
    "each dip begins keep_firing_for anew": Case("15x1 5x2 15 5x2 15 5x9", [(0, 14)], keep=4),
    "both: late to come and late to go": Case("5 15x6 5x8", [(4, 11)], held=3, keep=3),
    "both: what fires again during keep_firing_for waits for nothing": Case(
        "15x4 5x1 15x4 5x6", [(3, 16)], held=3, keep=4
    ),
    "both: held_for again after the end": Case("15x4 5x3 15x4 5x6", [(3, 7), (12, 16)], held=3, keep=2),
    "keep_firing_for of a flapping value": Case("15 5 15 5 15 5 15 5x6", [(0, 9)], keep=2),
    "below a limit": Case("9x2 4x3 9x2", [(5, 7)], held=2, condition=BELOW, expression="k < 5"),
    "outside a band, on both sides": Case(
        "10x2 3x2 10x2 30x2 10", [(4, 6), (10, 12)], held=1, condition=OUTSIDE, expression="k < 5 or k > 20"
    ),
    "data that go while it waits begin held_for anew": Case("15x2 _x2 15x8", [(10, 14)], held=5),
    "data that come late": Case("_x5 15x4", [(7, 10)], held=2),
    "data that go while it fires do not end it": Case("15x5 _x4 15x3 5x3", [(0, 14)], expression=ANYWAY),
    "it ends with the first value below after a gap": Case("15x5 _x4 5x3", [(0, 10)], expression=ANYWAY),
    "no data fire their own rule": Case("5x4 _x5 5x3", [(5, 10)], condition=MISSING, expression=ABSENT),
    "no data, held_for": Case("5x4 _x5 5x3", [(8, 10)], held=3, condition=MISSING, expression=ABSENT),
    "no data from the beginning": Case("_x6 5x3", [(2, 6)], held=2, condition=MISSING, expression=ABSENT),
    "no data, keep_firing_for": Case("5x2 _x4 5x7", [(3, 10)], keep=3, condition=MISSING, expression=ABSENT),
    "one reading between two gaps ends and begins": Case(
        "5x2 _x3 5 _x3 5", [(3, 6), (7, 10)], condition=MISSING, expression=ABSENT
    ),
    "a clearing limit holds it between the limits": Case(
        "5x2 15 9x5 7x3", [(3, 10)], condition=BAND, expression=HELD_BY_ITSELF
    ),
    "between the limits it does not begin": Case("5 9x5 7", [], condition=BAND, expression=HELD_BY_ITSELF),
    "a clearing limit also holds what waits": Case(
        "5 15 9x6 7x3", [(4, 9)], held=3, condition=BAND, expression=HELD_BY_ITSELF
    ),
    "a clearing limit with keep_firing_for": Case(
        "5 15 9x2 7x6", [(1, 8)], keep=3, condition=BAND, expression=HELD_BY_ITSELF
    ),
    "two conditions at once": Case(
        "5x2 15x2 25x4 15x2",
        [(8, 11)],
        held=2,
        condition=AllOf((ABOVE, Threshold("k", Limits(fires_above=20)))),
        expression="k > 10 and k > 20",
    ),
    "one of two conditions": Case(
        "7x2 3x2 12x2 7x3",
        [(5, 9)],
        held=2,
        condition=AnyOf((ABOVE, BELOW)),
        expression="k > 10 or k < 5",
    ),
}


def ours(case: Case) -> list[int]:
    """Minutes in which the alert has fired and not ended."""
    arrays = rule_arrays([rule(case.condition, held=case.held, keep=case.keep)])
    state, series, firing = EngineState.fresh(arrays), CaseSeries.parse(case.series), []
    for minute, (value, fresh) in enumerate(zip(series.value, series.state, strict=True)):
        values = column([value if fresh is Freshness.LIVE else DataState[fresh.name]], ("46",))
        state = tick(arrays, state, Inputs(START + minute * MINUTE, {"k": values})).state
        if state.condition[0] in (FIRING, RECOVERING):
            firing.append(minute)
    return firing


def promised(case: Case) -> list[int]:
    return [minute for start, end in case.fires for minute in range(start, end)]


def as_the_reference_writes_it(case: Case) -> str:
    """Data that go are marked as gone at once, not looked back for during five minutes."""
    tokens, before = [], Freshness.NO_DATA
    series = CaseSeries.parse(case.series)
    for value, fresh in zip(series.value, series.state, strict=True):
        gone = "stale" if before is Freshness.LIVE else "_"
        tokens.append(f"{value:g}" if fresh is Freshness.LIVE else gone)
        before = fresh
    return " ".join(tokens)


@pytest.mark.parametrize("case", [pytest.param(case, id=name) for name, case in CASES.items()])
def test_our_engine_fires_in_the_minutes_promised(case: Case) -> None:
    assert ours(case) == promised(case)


@pytest.mark.skipif(PROMTOOL is None, reason="promtool is missing: apt-get install prometheus")
def test_the_reference_fires_in_the_same_minutes(tmp_path: Path) -> None:
    assert PROMTOOL is not None
    assert len(CASES) >= 20
    files = []
    for number, (name, case) in enumerate(CASES.items()):
        alert = {"alert": "high", "expr": case.expression, "for": f"{case.held}m", "keep_firing_for": f"{case.keep}m"}
        rules = tmp_path / f"rules{number}.yml"
        rules.write_text(json.dumps({"groups": [{"name": "g", "interval": "1m", "rules": [alert]}]}))
        minutes, length = ours(case), len(CaseSeries.parse(case.series).value)
        expected = [{"exp_labels": {"unit": "u"}}]
        checks = [
            {"eval_time": f"{minute}m", "alertname": "high", "exp_alerts": expected if minute in minutes else []}
            for minute in range(length)
        ]
        test = {
            "name": name,
            "interval": "1m",
            "input_series": [{"series": 'k{unit="u"}', "values": as_the_reference_writes_it(case)}],
            "alert_rule_test": checks,
        }
        path = tmp_path / f"test{number}.yml"
        path.write_text(json.dumps({"rule_files": [rules.name], "evaluation_interval": "1m", "tests": [test]}))
        files.append(path.name)
    done = subprocess.run(
        [PROMTOOL, "test", "rules", *files], cwd=tmp_path, capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.skipif(PROMTOOL is None, reason="promtool is missing: apt-get install prometheus")
def test_the_reference_would_tell_a_difference(tmp_path: Path) -> None:
    """One wrong minute makes promtool fail, so its agreement above means something."""
    assert PROMTOOL is not None
    rules = {"groups": [{"name": "g", "rules": [{"alert": "high", "expr": "k > 10", "for": "5m"}]}]}
    (tmp_path / "rules.yml").write_text(json.dumps(rules))
    check = {"eval_time": "4m", "alertname": "high", "exp_alerts": [{"exp_labels": {"unit": "u"}}]}
    series = [{"series": 'k{unit="u"}', "values": "15x9"}]
    tests = [{"interval": "1m", "input_series": series, "alert_rule_test": [check]}]
    whole = {"rule_files": ["rules.yml"], "evaluation_interval": "1m", "tests": tests}
    (tmp_path / "test.yml").write_text(json.dumps(whole))
    done = subprocess.run([PROMTOOL, "test", "rules", "test.yml"], cwd=tmp_path, capture_output=True, timeout=60)
    assert done.returncode != 0
