"""The engine: states, transitions, and what must hold wherever ticks are cut and whenever it is killed."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ioc.alerts.engine import Saved, acknowledge, carry_over, counts, restore, save, tick
from ioc.alerts.inputs import DataState, Inputs, Usual
from ioc.alerts.records import from_record, to_record
from ioc.alerts.rule_arrays import RuleArrays
from ioc.alerts.states import EngineState
from ioc.evaluation.freshness import STATES, Column
from ioc.evaluation.published_values import PublishedKpi
from ioc.model.alert import ConditionState, Transition, TransitionKind
from ioc.model.kpi import Target
from ioc.model.rule import (
    AllOf,
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
from ioc.server.alert_loop import states_of
from tests.support.alert_examples import MINUTE, START, ZONE, column, inputs, rule, rule_arrays, run, units
from tests.support.catalogs import hue

ABOVE = Threshold("k", Limits(fires_above=10))
BAND = Threshold("k", Limits(fires_above=10, clears_below=8))
SHORT = {
    ConditionState.NORMAL: "n",
    ConditionState.PENDING: "p",
    ConditionState.FIRING: "F",
    ConditionState.RECOVERING: "r",
    ConditionState.NO_DATA: "-",
    ConditionState.ERROR: "e",
}
FEW, STALE, UNREPORTED = DataState.INSUFFICIENT, DataState.STALE, DataState.UNREPORTED


@pytest.mark.parametrize(
    ("the_rule", "series", "states"),
    [
        pytest.param(rule(held=2), [5, 15, 15, 15, 5], "nppFn", id="pending until held"),
        pytest.param(rule(keep=2), [15, 5, 5, 5, 5], "Frrnn", id="recovering until it has cleared for long enough"),
        pytest.param(rule(keep=2), [15, 5, 15, 5, 5, 5], "FrFrrn", id="firing again out of recovering"),
        pytest.param(rule(), [15, None, None, 5], "FFFn", id="no data does not clear"),
        pytest.param(rule(), [15, STALE, STALE, 5], "FFFn", id="stale data do not clear"),
        pytest.param(rule(), [5, FEW, 15], "n-F", id="too few samples do not fire"),
        pytest.param(rule(keep=1), [15, 5, None, None, 5], "Frrrn", id="recovery waits for data to end"),
        pytest.param(rule(keep=1), [15, None, 5, 5], "FFrn", id="keep_firing_for begins with data"),
        pytest.param(rule(held=2), [15, 15, None, 15, 15, 15], "pp-ppF", id="a gap begins held_for anew"),
        pytest.param(rule(BAND), [9, 11, 9, 9, 7, 9], "nFFFnn", id="between the limits it stays as it is"),
        pytest.param(rule(BAND), [11, 8, 7.99], "FFn", id="the clearing limit itself does not clear"),
        pytest.param(rule(), [10, 10.1, 10], "nFn", id="without clearing limit the firing limit clears"),
        pytest.param(rule(), [5, float("inf"), 15], "neF", id="a value that is infinite is an error"),
        pytest.param(rule(DataLack("k", Lack.MISSING)), [5, None, FEW, 5], "nFnn", id="missing is nothing at all"),
        pytest.param(
            rule(DataLack("k", Lack.MISSING)),
            [UNREPORTED, UNREPORTED, 5, None],
            "--nF",
            id="what never was is not missing",
        ),
        pytest.param(rule(DataLack("k", Lack.STALE)), [5, STALE, None, 5], "nFFn", id="stale stays so until data come"),
        pytest.param(rule(DataLack("k", Lack.INSUFFICIENT)), [5, FEW, 5], "nFn", id="insufficient has its rule"),
        pytest.param(
            rule(Threshold("k", Limits(fires_above=20, fires_below=5, clears_above=7, clears_below=18))),
            [10, 4, 6, 8, 21, 19, 17],
            "nFFnFFn",
            id="outside a band, cleared inside a narrower one",
        ),
        pytest.param(rule(latching=True), [15, 5, 5], "Frr", id="latching does not end by itself"),
        pytest.param(rule(least_samples=101), [15, 15], "--", id="fewer samples than the rule asks"),
    ],
)
def test_states(the_rule: Rule, series: list[float | DataState | None], states: str) -> None:
    found, _ = run(rule_arrays([the_rule]), series)
    assert "".join(SHORT[state] for state in found) == states


def test_a_kpi_that_is_not_given_is_an_error_and_ends_nothing() -> None:
    arrays = rule_arrays([rule()])
    first = tick(arrays, EngineState.fresh(arrays), inputs(0, {}, ("46",)))
    assert counts(first.state)[ConditionState.ERROR] == 1
    fired = tick(arrays, first.state, inputs(1, {"k": [15]}, ("46",)))
    assert counts(tick(arrays, fired.state, inputs(2, {}, ("46",))).state)[ConditionState.FIRING] == 1


def test_transitions_of_a_life() -> None:
    _, transitions = run(rule_arrays([rule(held=1, keep=2)]), [5, 15, 5, 15, 15, 5, 15, 5, 5, 5])
    kinds = [(one.kind, (one.at_ms - START) // MINUTE, (one.onset_ms - START) // MINUTE) for one in transitions]
    assert kinds == [
        (TransitionKind.PENDING, 1, 1),
        (TransitionKind.CANCELLED, 2, 1),
        (TransitionKind.PENDING, 3, 3),
        (TransitionKind.FIRING, 4, 3),
        (TransitionKind.RECOVERING, 5, 3),
        (TransitionKind.FIRING_AGAIN, 6, 3),
        (TransitionKind.RECOVERING, 7, 3),
        (TransitionKind.RESOLVED, 9, 3),
    ]
    assert len({one.id for one in transitions}) == len(transitions)
    assert {one.alert for one in transitions[2:]} == {f"high/46/{START + 3 * MINUTE}"}
    assert [one.value for one in transitions[:2]] == [15, 5]


def test_a_latching_alert_ends_once_acknowledged() -> None:
    arrays = rule_arrays([rule(latching=True)])
    state = EngineState.fresh(arrays)
    for minute, value in enumerate([15.0, 5.0]):
        state = tick(arrays, state, inputs(minute, {"k": [value]}, ("46",))).state
    [alert] = save(arrays, state).alerts
    state = acknowledge(arrays, state, [alert.id])
    done = tick(arrays, state, inputs(2, {"k": [5]}, ("46",)))
    assert [one.kind for one in done.transitions] == [TransitionKind.RESOLVED]


@pytest.mark.parametrize(
    ("condition", "first", "second", "fires"),
    [
        pytest.param(AllOf, 15, 4, True, id="all: both fire"),
        pytest.param(AllOf, 15, 6, False, id="all: one does not"),
        pytest.param(AllOf, 15, None, False, id="all: one is unknown"),
        pytest.param(AnyOf, 15, None, True, id="any: one fires, the other is unknown"),
        pytest.param(AnyOf, 5, None, False, id="any: one does not, the other is unknown"),
        pytest.param(AnyOf, 5, 4, True, id="any: the second fires"),
    ],
)
def test_conditions_together(
    condition: type[AllOf] | type[AnyOf], first: float, second: float | None, fires: bool
) -> None:
    both = condition((ABOVE, Threshold("other", Limits(fires_below=5))))
    arrays = rule_arrays([rule(both)])
    done = tick(arrays, EngineState.fresh(arrays), inputs(0, {"k": [first], "other": [second]}, ("46",)))
    assert (counts(done.state)[ConditionState.FIRING] == 1) is fires


@pytest.mark.parametrize(
    ("condition", "after", "ends"),
    [
        pytest.param(AllOf, (5, None), True, id="all ends when one clears, whatever the other"),
        pytest.param(AnyOf, (5, None), False, id="any does not end while one is unknown"),
        pytest.param(AnyOf, (5, 6), True, id="any ends when every one clears"),
    ],
)
def test_conditions_together_end(
    condition: type[AllOf] | type[AnyOf], after: tuple[float | None, float | None], ends: bool
) -> None:
    both = condition((ABOVE, Threshold("other", Limits(fires_below=5))))
    arrays = rule_arrays([rule(both)])
    state = tick(arrays, EngineState.fresh(arrays), inputs(0, {"k": [15], "other": [4]}, ("46",))).state
    done = tick(arrays, state, inputs(1, {"k": [after[0]], "other": [after[1]]}, ("46",)))
    assert (done.transitions != ()) is ends


def test_change_over_a_span() -> None:
    arrays = rule_arrays([rule(Change("k", timedelta(hours=1), Limits(fires_above=5)))])
    now = inputs(0, {"k": [20]}, ("46",))
    rising = replace(now, earlier={("k", 60 * MINUTE): column([14], ("46",))})
    level = replace(now, earlier={("k", 60 * MINUTE): column([15], ("46",))})
    fresh = EngineState.fresh(arrays)
    assert counts(tick(arrays, fresh, rising).state)[ConditionState.FIRING] == 1
    assert counts(tick(arrays, fresh, level).state)[ConditionState.NORMAL] == 1
    assert counts(tick(arrays, fresh, now).state)[ConditionState.NO_DATA] == 1


@pytest.mark.parametrize(
    ("value", "mad", "state"),
    [
        pytest.param(115, 10.0, ConditionState.NORMAL, id="one deviation"),
        pytest.param(160, 10.0, ConditionState.FIRING, id="four deviations"),
        pytest.param(40, 10.0, ConditionState.FIRING, id="four below"),
        pytest.param(100, 0.0, ConditionState.NORMAL, id="always the same, and now too"),
        pytest.param(101, 0.0, ConditionState.FIRING, id="always the same, but not now"),
        pytest.param(160, float("nan"), ConditionState.NO_DATA, id="nothing known of past weeks"),
    ],
)
def test_deviation_from_past_weeks(value: float, mad: float, state: ConditionState) -> None:
    arrays = rule_arrays([rule(Deviation("k", 4, Limits(fires_above=3.5, fires_below=-3.5)))])
    past = Usual(("46",), np.array([100.0]), np.array([mad]))
    told = replace(inputs(0, {"k": [value]}, ("46",)), usual={("k", 4): past})
    assert counts(tick(arrays, EngineState.fresh(arrays), told).state)[state] == 1


def test_the_target_of_the_year_holds() -> None:
    targets = {"k": (Target(2026, at_least=90), Target(2027, at_least=95))}
    arrays = RuleArrays.of([rule(TargetMissed("k"))], units(0), targets, ZONE)
    new_year_ms = 1_798_736_400_000  # 2027-01-01 00:00 in the province
    last = tick(arrays, EngineState.fresh(arrays), Inputs(new_year_ms - 1, {"k": column([92], ("46",))}))
    first = tick(arrays, last.state, Inputs(new_year_ms, {"k": column([92], ("46",))}))
    assert (len(last.transitions), len(first.transitions)) == (0, 1)


def test_units_of_another_order_find_their_slots() -> None:
    arrays = rule_arrays([rule(at=UnitLevel.COMMUNE)], communes=3)
    told = inputs(0, {"k": [15, 5]}, ("19002", "19000"))
    done = tick(arrays, EngineState.fresh(arrays), told)
    assert [one.unit for one in done.transitions] == ["19002"]
    assert counts(done.state) | {ConditionState.NORMAL: 1, ConditionState.NO_DATA: 1} == counts(done.state)


def test_a_repeated_tick_counts_once() -> None:
    arrays = rule_arrays([rule()])
    told = inputs(0, {"k": [15]}, ("46",))
    first = tick(arrays, EngineState.fresh(arrays), told)
    assert tick(arrays, first.state, told).transitions == ()
    assert tick(arrays, first.state, inputs(-1, {"k": [5]}, ("46",))).state is first.state


def test_a_rule_taken_out_ends_its_alerts() -> None:
    before, after = rule_arrays([rule(), rule(rule_id="other", held=5)]), rule_arrays([])
    fired = tick(before, EngineState.fresh(before), inputs(0, {"k": [15]}, ("46",)))
    _, ended = carry_over(before, fired.state, after)
    assert [(one.rule, one.kind) for one in ended] == [
        ("high", TransitionKind.RESOLVED),
        ("other", TransitionKind.CANCELLED),
    ]
    assert all(one.reason for one in ended)


def test_a_changed_rule_keeps_its_alert() -> None:
    before, after = (
        rule_arrays([rule()]),
        rule_arrays([rule(Threshold("k", Limits(fires_above=12)), rule_id="high")]),
    )
    fired = tick(before, EngineState.fresh(before), inputs(0, {"k": [15]}, ("46",)))
    state, ended = carry_over(before, fired.state, after)
    done = tick(after, state, inputs(1, {"k": [11]}, ("46",)))
    assert ended == ()
    assert [one.alert for one in done.transitions] == [fired.transitions[0].alert]


def test_codes_of_data_are_those_of_evaluation() -> None:
    assert [state.name for state in STATES] == [DataState(code).name for code in range(4)]


VALUES = st.one_of(st.sampled_from([5.0, 9.0, 15.0]), st.sampled_from([None, STALE, FEW]))
CONDITIONS: list[Condition] = [ABOVE, BAND, DataLack("k", Lack.MISSING), AnyOf((BAND, DataLack("k", Lack.STALE)))]
RULES = st.builds(
    lambda condition, held, keep, latching: rule(
        condition, held=held, keep=keep, latching=latching, at=UnitLevel.COMMUNE
    ),
    st.sampled_from(CONDITIONS),
    st.integers(0, 3),
    st.integers(0, 3),
    st.booleans(),
)


@settings(max_examples=150)
@given(
    rules=st.lists(RULES, min_size=1, max_size=3),
    series=st.lists(st.tuples(VALUES, VALUES), min_size=1, max_size=25),
    killed=st.sets(st.integers(0, 24)),
    lost=st.sets(st.integers(0, 24)),
)
def test_no_crash_loses_or_repeats_a_transition(
    rules: list[Rule], series: list[tuple[float | DataState | None, ...]], killed: set[int], lost: set[int]
) -> None:
    """Killed after a tick was written (`killed`): it goes on from what was saved, and is told the tick again. Killed
    before (`lost`): the tick is computed anew from the state before."""
    arrays = rule_arrays([replace(one, id=f"r{number}") for number, one in enumerate(rules)], communes=2)
    plain: list[Transition] = []
    broken: list[Transition] = []
    state = other = EngineState.fresh(arrays)
    for minute, values in enumerate(series):
        told = inputs(minute, {"k": list(values)}, ("19000", "19001"))
        done = tick(arrays, state, told)
        state = done.state
        plain += done.transitions
        if minute in lost:
            tick(arrays, other, told)
        again = tick(arrays, other, told)
        other = again.state
        broken += again.transitions
        if minute in killed:
            kept = from_record(Saved, to_record(save(arrays, other)))
            other, ended = restore(arrays, kept)
            broken += [*ended, *tick(arrays, other, told).transitions]
    assert [one.id for one in broken] == [one.id for one in plain]
    assert broken == plain
    assert len({one.id for one in plain}) == len(plain)
    assert save(arrays, other) == save(arrays, state)


@settings(max_examples=100)
@given(rules=RULES, series=st.lists(VALUES, min_size=1, max_size=40))
def test_every_alert_has_one_beginning_and_one_end(rules: Rule, series: list[float | DataState | None]) -> None:
    arrays = rule_arrays([replace(rules, units=UnitLevel.PROVINCE)])
    _, transitions = run(arrays, series)
    lives: dict[str, list[TransitionKind]] = {}
    for one in transitions:
        lives.setdefault(one.alert, []).append(one.kind)
    ends = (TransitionKind.RESOLVED, TransitionKind.CANCELLED)
    for number, life in enumerate(lives.values(), 1):
        assert sum(kind in ends for kind in life) == (1 if life[-1] in ends else 0)
        assert life[-1] in ends or number == len(lives)
        fired_before_end = TransitionKind.FIRING in life or life[-1] in (
            TransitionKind.PENDING,
            TransitionKind.CANCELLED,
        )
        assert life.count(TransitionKind.FIRING) <= 1
        assert fired_before_end


@settings(max_examples=60)
@given(
    the_rule=RULES,
    series=st.lists(st.lists(VALUES, min_size=3, max_size=3), min_size=1, max_size=20),
)
def test_units_do_not_touch_each_other(the_rule: Rule, series: list[list[float | DataState | None]]) -> None:
    """All units in one tick give what each gives alone."""
    codes = ("19000", "19001", "19002")
    together, alone = (
        rule_arrays([the_rule], communes=3),
        [rule_arrays([replace(the_rule, units=(code,))], communes=3) for code in codes],
    )
    state, states = EngineState.fresh(together), [EngineState.fresh(one) for one in alone]
    for minute, values in enumerate(series):
        told = inputs(minute, {"k": values}, codes)
        done = tick(together, state, told)
        state = done.state
        apart = [tick(one, before, told) for one, before in zip(alone, states, strict=True)]
        states = [one.state for one in apart]
        assert sorted(one.id for one in done.transitions) == sorted(t.id for one in apart for t in one.transitions)


def test_units_that_never_reported_are_told_to_the_engine_as_such() -> None:
    state = np.array([0, 0, 3], np.int8)
    kpi = Column(np.array([np.nan, np.nan, 1.0]), np.array([0, 0, 1]), np.array([-1, -1, 1]), state)
    now = datetime(2026, 12, 1, tzinfo=UTC)
    definition = next(iter(hue().kpis.values()))
    entry = PublishedKpi(definition, ("46", "19753", "19754"), kpi, (now, now), None)
    assert states_of(entry).tolist() == [DataState.NO_DATA, DataState.NO_DATA, DataState.LIVE]
    never = replace(entry, reported=np.array([False, True, False]))
    assert states_of(never).tolist() == [DataState.UNREPORTED, DataState.NO_DATA, DataState.LIVE]
