"""Why an alert is quiet: silences, inhibition, hours, shelving."""

from dataclasses import replace
from datetime import time, timedelta

import pytest

from ioc.alerts.engine import TickResult, tick
from ioc.alerts.handling import (
    HandlingState,
    Shelving,
    acknowledge,
    active_shelvings,
    end_with_alerts,
    handling_of,
    shelve,
    unacknowledge,
    unshelve,
)
from ioc.alerts.labels import LabelTable, slot_labels
from ioc.alerts.refusals import ActRefused
from ioc.alerts.rule_arrays import RuleArrays
from ioc.alerts.silences import Silence, end_resolved, end_silence, new_silence
from ioc.alerts.states import EngineState
from ioc.alerts.suppression import SuppressionIndex, build_alerts, silences_in_use
from ioc.model.alert import Alert, Handling, Suppression, Transition, TransitionKind
from ioc.model.matcher import Matcher, parse_matchers
from ioc.model.routing import Inhibition
from ioc.model.rule import ActiveHours, Limits, Severity, Threshold
from ioc.model.unit import UnitLevel
from tests.support.alert_examples import MINUTE, START, inputs, rule, rule_arrays, weekday

DAY_MS = 86_400_000
CODES = ("19000", "19001")
RULES = [
    rule(rule_id="power", at=UnitLevel.COMMUNE, labels={"cause": "power"}),
    rule(Threshold("net", Limits(fires_above=10)), rule_id="network", at=UnitLevel.COMMUNE, labels={"area": "a"}),
]


def fired(arrays: RuleArrays, power: list[float], network: list[float]) -> TickResult:
    return tick(arrays, EngineState.fresh(arrays), inputs(0, {"k": power, "net": network}, CODES))  # type: ignore[dict-item]


def standing(
    power: list[float],
    network: list[float],
    silences: tuple[Silence, ...] = (),
    inhibitions: tuple[Inhibition, ...] = (),
    book: HandlingState | None = None,
) -> dict[tuple[str, str], Alert]:
    arrays = rule_arrays(RULES, communes=2)
    done = fired(arrays, power, network)
    found = build_alerts(
        SuppressionIndex.of(arrays, silences, inhibitions), done.state, done.results, book or HandlingState(), weekday
    )
    return {(one.rule, one.unit): one for one in found}


def a_silence(*matchers: str, **more: object) -> Silence:
    wanted = Silence("s1", parse_matchers(matchers), START, START + DAY_MS, "An", "nâng cấp", START)
    return replace(wanted, **more)  # type: ignore[arg-type]


def test_a_silence_quiets_what_it_means() -> None:
    found = standing([15, 15], [5, 15], (a_silence('unit = "19001"', "rule =~ power|network"),))
    assert {key: one.is_quiet for key, one in found.items()} == {
        ("power", "19000"): False,
        ("power", "19001"): True,
        ("network", "19001"): True,
    }
    [reason] = found["power", "19001"].suppression
    assert (reason.kind, reason.of, reason.text) == (Suppression.SILENCED_BY, "s1", "An: nâng cấp")


def test_a_silence_that_is_over_stays_and_quiets_nothing() -> None:
    over = a_silence('unit = "19001"', until_ms=START)
    assert over.condition(START) == "expired"
    assert not standing([5, 15], [5, 5], (over,))["power", "19001"].is_quiet


@pytest.mark.parametrize(
    ("change", "field"),
    [
        pytest.param({"until_ms": START}, "until", id="no end after its beginning"),
        pytest.param({"until_ms": START + 31 * DAY_MS}, "until", id="an end beyond 30 days"),
        pytest.param({"by": " "}, "by", id="nobody"),
        pytest.param({"why": ""}, "why", id="no reason"),
        pytest.param({"matchers": ()}, "matchers", id="no matcher"),
    ],
)
def test_a_silence_that_is_refused(change: dict[str, object], field: str) -> None:
    with pytest.raises(ActRefused) as refused:
        new_silence(a_silence('unit = "19001"', **change), START)
    assert refused.value.field == field


def test_a_silence_ends_with_its_last_alert() -> None:
    arrays = rule_arrays(RULES, communes=2)
    one = a_silence("rule = power", ends_on_resolve=True)
    done = fired(arrays, [15, 15], [5, 5])
    watch = SuppressionIndex.of(arrays, [one], [])

    def met_at(moment: TickResult) -> frozenset[str]:
        return silences_in_use(build_alerts(watch, moment.state, moment.results, HandlingState(), weekday))

    met = met_at(done)
    later = tick(arrays, done.state, inputs(1, {"k": [5, 15], "net": [5, 5]}, CODES))
    assert end_resolved([one], met_at(later), met, START + MINUTE) == []
    last = tick(arrays, later.state, inputs(2, {"k": [5, 5], "net": [5, 5]}, CODES))
    [ended] = end_resolved([one], met_at(last), met, START + 2 * MINUTE)
    assert (ended.ended_by, ended.condition(START + 2 * MINUTE)) == ("resolved", "expired")
    with pytest.raises(ActRefused, match="already over"):
        end_silence(ended, "An", START + 3 * MINUTE)


POWER_QUIETS_NETWORK = Inhibition("i1", parse_matchers(["rule = power"]), parse_matchers(["rule = network"]), ("unit",))


def test_an_inhibition_needs_the_same_unit() -> None:
    found = standing([15, 5], [15, 15], inhibitions=(POWER_QUIETS_NETWORK,))
    assert (found["network", "19000"].is_quiet, found["network", "19001"].is_quiet) == (True, False)
    [reason] = found["network", "19000"].suppression
    assert (reason.kind, reason.of) == (Suppression.INHIBITED_BY, found["power", "19000"].id)


def test_an_inhibition_needs_the_label_on_both_sides() -> None:
    """The reference takes two absent labels for equal; here neither alert has `area` and `cause` both."""
    for label in ("area", "cause", "nowhere"):
        found = standing([15, 5], [15, 15], inhibitions=(replace(POWER_QUIETS_NETWORK, equal=(label,)),))
        assert not any(one.is_quiet for one in found.values())


def test_an_alert_does_not_inhibit_itself() -> None:
    both = Inhibition("i", parse_matchers(["rule =~ .+"]), parse_matchers(["rule =~ .+"]), ("unit",))
    assert not any(one.is_quiet for one in standing([15, 5], [15, 5], inhibitions=(both,)).values())


def test_what_only_waits_inhibits_nothing() -> None:
    arrays = rule_arrays([replace(RULES[0], held_for=timedelta(minutes=1)), RULES[1]], 2)
    done = fired(arrays, [15, 5], [15, 5])
    found = build_alerts(
        SuppressionIndex.of(arrays, [], [POWER_QUIETS_NETWORK]), done.state, done.results, HandlingState(), weekday
    )
    assert not any(one.is_quiet for one in found)


@pytest.mark.parametrize(
    ("hours", "quiet"),
    [
        pytest.param(ActiveHours(time(7), time(17)), False, id="within"),
        pytest.param(ActiveHours(time(8), time(17)), True, id="before"),
        pytest.param(ActiveHours(time(6), time(7)), True, id="its end is no part of it"),
        pytest.param(ActiveHours(time(22), time(8)), False, id="over midnight, the morning"),
        pytest.param(ActiveHours(time(22), time(8), frozenset({0})), True, id="the night was Sunday's"),
        pytest.param(ActiveHours(time(0), time(0), frozenset({0})), False, id="all of Monday"),
        pytest.param(ActiveHours(time(0), time(0), frozenset({1})), True, id="all of Tuesday"),
        pytest.param(ActiveHours(time(7), time(17), working_days=True), False, id="a working day"),
    ],
)
def test_hours(hours: ActiveHours, quiet: bool) -> None:
    """It is Monday, 7:00 in the province."""
    arrays = rule_arrays([rule(active=(hours,))])
    done = tick(arrays, EngineState.fresh(arrays), inputs(0, {"k": [15]}, ("46",)))
    [found] = build_alerts(SuppressionIndex.of(arrays, [], []), done.state, done.results, HandlingState(), weekday)
    assert found.is_quiet is quiet
    assert [reason.kind for reason in found.suppression] == [Suppression.OUTSIDE_HOURS] * quiet


def test_a_day_off_is_no_working_day() -> None:
    arrays = rule_arrays([rule(active=(ActiveHours(time(7), time(17), working_days=True),))])
    done = tick(arrays, EngineState.fresh(arrays), inputs(0, {"k": [15]}, ("46",)))
    [found] = build_alerts(
        SuppressionIndex.of(arrays, [], []), done.state, done.results, HandlingState(), lambda _day: False
    )
    assert found.is_quiet


def aside(kind: Handling = Handling.SHELVED, **more: object) -> Shelving:
    wanted = Shelving("a1", kind, "power", "19000", START - 1, START + DAY_MS, "Bình", "chờ linh kiện")
    return replace(wanted, **more)  # type: ignore[arg-type]


def test_handling() -> None:
    alert = f"power/19000/{START}"
    book = acknowledge(HandlingState(), [alert], "An", START, "đang xem")

    def handled(of: HandlingState, at_ms: int = START) -> tuple[Handling, str]:
        return handling_of(of, active_shelvings(of, at_ms), alert, "power", "19000")

    assert handled(book) == (Handling.ACKNOWLEDGED, "An: đang xem")
    book = shelve(book, aside())
    assert handled(book)[0] is Handling.SHELVED
    book = shelve(book, aside(Handling.OUT_OF_SERVICE, id="a2", unit=""))
    assert handled(book)[0] is Handling.OUT_OF_SERVICE
    assert handled(book, START + DAY_MS)[0] is Handling.ACKNOWLEDGED
    book = unshelve(book, ["a1", "a2"], "An", START)
    assert handled(unacknowledge(book, [alert]))[0] is Handling.UNACKNOWLEDGED
    assert len(book.shelvings) == 2


@pytest.mark.parametrize(
    ("wanted", "field"),
    [
        pytest.param(aside(until_ms=START - 1), "until", id="no end"),
        pytest.param(aside(until_ms=START + 31 * DAY_MS), "until", id="for ever"),
        pytest.param(aside(why=""), "why", id="no reason"),
        pytest.param(aside(unit=""), "unit", id="shelving every unit"),
        pytest.param(aside(Handling.OUT_OF_SERVICE, ends_on_resolve=True), "ends_on_resolve", id="service"),
    ],
)
def test_putting_aside_that_is_refused(wanted: Shelving, field: str) -> None:
    with pytest.raises(ActRefused) as refused:
        shelve(HandlingState(), wanted)
    assert refused.value.field == field


def test_acts_that_come_too_late_are_refused() -> None:
    book = shelve(acknowledge(HandlingState(), ["a"], "An", START), aside())
    with pytest.raises(ActRefused, match="An has acknowledged"):
        acknowledge(book, ["b", "a"], "Bình", START)
    with pytest.raises(ActRefused, match="Bình"):
        shelve(book, aside(id="a9"))
    with pytest.raises(ActRefused):
        unshelve(book, ["a1"], "An", START + DAY_MS)


def test_what_ends_takes_its_handling_with_it() -> None:
    alert = f"power/19000/{START}"
    book = shelve(acknowledge(HandlingState(), [alert], "An", START), aside(ends_on_resolve=True))
    end = Transition.of(TransitionKind.RESOLVED, START + MINUTE, "power", "19000", START, Severity.HIGH)
    after = end_with_alerts(book, [end])
    assert after.acknowledged == {}
    assert (after.shelvings[0].ended_ms, after.shelvings[0].ended_by) == (START + MINUTE, "resolved")


def test_labels_as_columns_are_those_of_single_alerts() -> None:
    arrays = rule_arrays(RULES, communes=2)
    table = LabelTable.of_slots(arrays)
    rows = [slot_labels(arrays.rule_of(slot), arrays.unit_of(slot)) for slot in range(4)]
    for text in ("cause = power", "cause != power", "unit =~ .*1", "nowhere = x", "nowhere != x", "area !~ a|b"):
        matchers = (Matcher.parse(text),)
        by_row = [matchers[0].accepts(row.get(matchers[0].label, "")) for row in rows]
        assert table.matching(matchers).tolist() == by_row == LabelTable.of_rows(rows).matching(matchers).tolist()
