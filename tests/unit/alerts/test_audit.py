"""Self-audit after ISA-18.2 and EEMUA 191."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ioc.alerts.audit import audit
from ioc.alerts.flood import Flood, by_cause, find_floods
from ioc.model.alert import Alert, ConditionState, Suppression, SuppressionReason, Transition, TransitionKind
from ioc.model.rule import Severity
from tests.support.alert_examples import MINUTE, START

SECOND, HOUR, DAY = 1000, 60 * MINUTE, 1440 * MINUTE


def fired(at_ms: int, rule: str = "r", unit: str = "u", severity: Severity = Severity.LOW) -> Transition:
    return Transition.of(TransitionKind.FIRING, at_ms, rule, unit, at_ms, severity)


def ended(one: Transition, at_ms: int) -> Transition:
    return Transition.of(TransitionKind.RESOLVED, at_ms, one.rule, one.unit, one.onset_ms, one.severity)


@pytest.mark.parametrize(
    ("seconds", "found"),
    [
        pytest.param(range(10), [], id="ten in ten minutes are no flood"),
        pytest.param(range(11), [(10, 606)], id="the eleventh begins it; it ends when four are left"),
        pytest.param([*range(11), 700], [(10, 606)], id="one after its end"),
        pytest.param([*range(11), 300, 301, 302, 303, 304], [(10, 900)], id="five more prolong it"),
        pytest.param([*range(11), *range(2000, 2012)], [(10, 606), (2010, 2607)], id="two floods"),
        pytest.param(range(0, 6000, 60), [], id="one a minute is ten in ten minutes"),
        pytest.param(range(0, 1200, 50), [(500, 1550)], id="one in 50 s is above ten"),
    ],
)
def test_floods(seconds: range | list[int], found: list[tuple[int, int]]) -> None:
    given_floods = find_floods([START + second * SECOND for second in seconds], START + DAY)
    assert [((one.from_ms - START) // SECOND, (one.until_ms or 0) - START) for one in given_floods] == [
        (start, end * SECOND) for start, end in found
    ]


@settings(max_examples=200)
@given(times=st.lists(st.integers(0, 3600), max_size=60))
def test_floods_are_those_of_counting_every_second(times: list[int]) -> None:
    """The definition itself: a count of the last ten minutes, second by second."""
    flooded, seconds = False, set()
    for second in range(5000):
        count = sum(second - 600 < one <= second for one in times)
        flooded = count > 10 or (flooded and count >= 5)
        if flooded:
            seconds.add(second)
    found = find_floods([one * SECOND for one in times], 5000 * SECOND)
    assert seconds == {s for one in found for s in range(one.from_ms // SECOND, (one.until_ms or 0) // SECOND)}


def test_a_flood_that_lasts_has_no_end() -> None:
    assert find_floods([START + second for second in range(12)], START + MINUTE) == [Flood(START + 10, None, 12)]


def test_figures_of_a_day() -> None:
    ones = [fired(START + hour * HOUR, severity=Severity.HIGH if hour == 0 else Severity.LOW) for hour in range(20)]
    transitions = [*ones, *(ended(one, one.at_ms + MINUTE) for one in ones)]
    answered = {ones[0].alert: ones[0].at_ms + 60 * SECOND, ones[1].alert: ones[1].at_ms + 120 * SECOND}
    found = audit(transitions, answered, 2, START, START + DAY)
    assert (found.alerts, found.per_day, found.per_window) == (20, 10, pytest.approx(10 / 144))  # type: ignore[comparison-overlap]
    assert (found.floods, found.flood_share, found.chattering, found.stale) == ((), 0, (), ())
    assert found.mix == {"critical": 0, "high": 0.05, "lower": 0.95}
    assert (found.answer.median_s, found.answer.acknowledged, found.answer.open) == (90, 2, 18)
    assert [(source.rule, source.alerts, source.share) for source in found.top] == [("r", 20, 1.0)]


def test_share_of_flood_and_busiest_window() -> None:
    burst = [fired(START + HOUR + n * SECOND, unit=f"u{n}") for n in range(60)]
    found = audit(burst, {}, 1, START, START + DAY)
    assert found.busiest_window == 60
    assert found.flood_share == pytest.approx((600 + 55 - 10) / 86_400)
    assert (found.answer.median_s, found.answer.open) == (None, 60)


def test_chattering_is_three_within_a_minute() -> None:
    fast = [fired(START + n * 29 * SECOND, rule="fast") for n in range(3)]
    slow = [fired(START + n * 30 * SECOND, rule="slow") for n in range(3)]
    found = audit([*fast, *slow], {}, 1, START, START + DAY)
    assert [source.rule for source in found.chattering] == ["fast"]


def test_stale_is_more_than_a_day() -> None:
    old, recent, over = fired(START - 2 * DAY, "old"), fired(START + HOUR, "recent"), fired(START - 3 * DAY, "over")
    found = audit([old, recent, over, ended(over, START - DAY)], {}, 1, START, START + DAY)
    assert found.stale == (old.alert,)
    assert found.alerts == 1


def test_nothing_to_audit() -> None:
    found = audit([], {}, 1, START, START + DAY)
    assert (found.alerts, found.mix, found.busiest_window) == (0, {}, 0)
    with pytest.raises(ValueError, match="at least one operator"):
        audit([], {}, 0, START, START + DAY)


def alert(rule: str, unit: str, severity: Severity, since_ms: int, by: str = "") -> Alert:
    found = Alert(f"{rule}/{unit}/1", rule, unit, ConditionState.FIRING, severity, {}, 1, since_ms)
    return replace(found, suppression=(SuppressionReason(Suppression.INHIBITED_BY, by, ""),)) if by else found


def test_causes_of_a_flood() -> None:
    """Two power cuts with what follows from them show as one cause; a silenced one shows nowhere."""
    power = [alert("power", unit, Severity.HIGH, START + n) for n, unit in enumerate(("a", "b"))]
    network = [alert("network", "a", Severity.CRITICAL, START + 5, power[0].id)]
    devices = [alert("device", "a", Severity.LOW, START + 6, network[0].id)]
    reason = SuppressionReason(Suppression.SILENCED_BY, "s", "")
    silenced = [replace(alert("other", "a", Severity.CRITICAL, 1), suppression=(reason,))]
    dust = [alert("dust", unit, Severity.HIGH, START) for unit in "cde"]
    found = by_cause([*devices, *network, *power, *silenced, *dust])
    assert [(cause.rule, len(cause.alerts), cause.follow) for cause in found] == [("dust", 3, 0), ("power", 2, 2)]
    assert (found[1].units, found[1].first_ms) == (("a", "b"), START)
