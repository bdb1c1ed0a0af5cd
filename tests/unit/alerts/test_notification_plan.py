"""Who is notified of what, and when: each transition once per channel, in order, although the planner is killed."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ioc.alerts.grouping import Delivery, Outbox
from ioc.alerts.notification_plan import plan_deliveries
from ioc.alerts.records import from_record, to_record
from ioc.model.alert import Alert, ConditionState, Handling, Suppression, SuppressionReason, Transition, TransitionKind
from ioc.model.matcher import parse_matchers
from ioc.model.routing import EscalationStep, Receiver, Route, Routing
from ioc.model.rule import Severity
from tests.support.alert_examples import MINUTE, START, ZONE

FIRING, RESOLVED = TransitionKind.FIRING, TransitionKind.RESOLVED
SECOND = 1000


def routing(**more: object) -> Routing:
    """Waits 30 s, then every 5 min, again after an hour; `boss` after 15 min without acknowledgement."""
    root = Route(
        id="root",
        matchers=(),
        receivers=("service",),
        group_by=("rule",),
        group_wait=timedelta(seconds=30),
        group_interval=timedelta(minutes=5),
        repeat_interval=timedelta(hours=1),
        escalation=(EscalationStep(timedelta(minutes=15), ("boss",)),),
    )
    names = {"service": ("mail", "wall"), "boss": ("phone",), "air": ("mail", "air")}
    receivers = {name: Receiver(name, {"vi": name, "en": name}, channels) for name, channels in names.items()}
    return Routing(replace(root, **more), receivers)  # type: ignore[arg-type]


def alert(rule: str = "r", unit: str = "u", onset_ms: int = START, **more: object) -> Alert:
    found = Alert(
        id=f"{rule}/{unit}/{onset_ms}",
        rule=rule,
        unit=unit,
        condition=ConditionState.FIRING,
        severity=Severity.HIGH,
        labels={"rule": rule, "unit": unit},
        onset_ms=onset_ms,
        since_ms=onset_ms,
    )
    return replace(found, **more)  # type: ignore[arg-type]


def moved(kind: TransitionKind, one: Alert, at_ms: int) -> Transition:
    return Transition.of(kind, at_ms, one.rule, one.unit, one.onset_ms, one.severity)


def quiet(one: Alert) -> Alert:
    return replace(one, suppression=(SuppressionReason(Suppression.SILENCED_BY, "s", "An: nâng cấp"),))


class AlertService:
    """Plans in turn, as a shell would."""

    def __init__(self, the_routing: Routing | None = None) -> None:
        self.routing = the_routing or routing()
        self.outbox = Outbox()
        self.deliveries: list[Delivery] = []

    def at(self, after_ms: int, alerts: Iterable[Alert], *transitions: Transition) -> list[tuple[str, str, int]]:
        """Kind, channel and number of transitions of what is sent."""
        done = plan_deliveries(self.routing, self.outbox, alerts, transitions, START + after_ms, ZONE)
        self.outbox = done.outbox
        self.deliveries += done.deliveries
        return [(one.kind.value, one.channel, len(one.transitions)) for one in done.deliveries]


def test_the_first_is_told_after_the_wait() -> None:
    service, one = AlertService(), alert()
    assert service.at(0, [one], moved(FIRING, one, START)) == []
    assert service.at(29 * SECOND, [one]) == []
    assert service.at(30 * SECOND, [one]) == [("transitions", "mail", 1), ("transitions", "wall", 1)]
    assert service.at(31 * SECOND, [one]) == []


def test_what_comes_together_is_told_together() -> None:
    service = AlertService()
    ones = [alert(unit=f"u{number}") for number in range(40)]
    service.at(0, ones, *(moved(FIRING, one, START) for one in ones))
    assert service.at(30 * SECOND, ones) == [("transitions", "mail", 40), ("transitions", "wall", 40)]


def test_what_comes_later_waits_for_the_interval() -> None:
    service, one, two = AlertService(), alert(), alert(unit="v", onset_ms=START + MINUTE)
    service.at(0, [one], moved(FIRING, one, START))
    service.at(30 * SECOND, [one])
    assert service.at(MINUTE, [one, two], moved(FIRING, two, START + MINUTE)) == []
    assert service.at(5 * MINUTE + 29 * SECOND, [one, two]) == []
    assert service.at(5 * MINUTE + 30 * SECOND, [one, two])[0] == ("transitions", "mail", 1)


def test_the_end_is_told_to_whom_the_beginning_was() -> None:
    service, one = AlertService(), alert()
    service.at(0, [one], moved(FIRING, one, START))
    service.at(30 * SECOND, [one])
    assert service.at(10 * MINUTE, [], moved(RESOLVED, one, START + 10 * MINUTE)) == [
        ("transitions", "mail", 1),
        ("transitions", "wall", 1),
    ]
    assert service.outbox == Outbox()


def test_what_ends_within_the_wait_is_told_with_its_end() -> None:
    service, one = AlertService(), alert()
    service.at(0, [one], moved(FIRING, one, START))
    service.at(10 * SECOND, [], moved(RESOLVED, one, START + 10 * SECOND))
    service.at(30 * SECOND, [])
    assert [[t.kind for t in delivery.transitions] for delivery in service.deliveries] == [[FIRING, RESOLVED]] * 2


def test_a_quiet_alert_is_told_when_it_may_be() -> None:
    service, one = AlertService(), alert()
    service.at(0, [quiet(one)], moved(FIRING, one, START))
    assert service.at(10 * MINUTE, [quiet(one)]) == []
    assert service.at(11 * MINUTE, [one])[0] == ("transitions", "mail", 1)


def test_a_quiet_alert_that_ends_is_told_to_nobody() -> None:
    service, one = AlertService(), alert()
    service.at(0, [quiet(one)], moved(FIRING, one, START))
    assert service.at(10 * MINUTE, [], moved(RESOLVED, one, START + 10 * MINUTE)) == []
    assert service.outbox == Outbox()


def test_the_end_of_what_was_told_is_told_though_it_is_quiet_now() -> None:
    service, one = AlertService(), alert()
    service.at(0, [one], moved(FIRING, one, START))
    service.at(30 * SECOND, [one])
    service.at(6 * MINUTE, [quiet(one)])
    assert len(service.at(7 * MINUTE, [], moved(RESOLVED, one, START + 7 * MINUTE))) == 2


def test_again_while_nobody_has_it() -> None:
    service, one = AlertService(routing(escalation=())), alert()
    service.at(0, [one], moved(FIRING, one, START))
    service.at(30 * SECOND, [one])
    assert service.at(60 * MINUTE, [one]) == []
    assert service.at(61 * MINUTE, [one]) == [("repeat", "mail", 0), ("repeat", "wall", 0)]
    held = replace(one, handling=Handling.ACKNOWLEDGED)
    assert service.at(130 * MINUTE, [held]) == []


def test_escalation_and_its_end() -> None:
    service, one = AlertService(), alert()
    service.at(0, [one], moved(FIRING, one, START))
    service.at(30 * SECOND, [one])
    assert service.at(15 * MINUTE, [one]) == [("escalation", "phone", 0)]
    assert service.at(16 * MINUTE, [one]) == []
    held = replace(one, handling=Handling.ACKNOWLEDGED)
    assert service.at(17 * MINUTE, [held]) == [("deescalation", "phone", 0)]
    assert service.at(18 * MINUTE, [held]) == []
    ends = service.at(20 * MINUTE, [], moved(RESOLVED, one, START + 20 * MINUTE))
    assert sorted(channel for _, channel, _ in ends) == ["mail", "phone", "wall"]


@pytest.mark.parametrize(
    "standing",
    [
        pytest.param(replace(alert(), handling=Handling.ACKNOWLEDGED), id="somebody has it"),
        pytest.param(replace(alert(), handling=Handling.SHELVED), id="it is shelved"),
        pytest.param(quiet(alert()), id="it is silenced"),
    ],
)
def test_no_escalation_while(standing: Alert) -> None:
    service, one = AlertService(), alert()
    service.at(0, [one], moved(FIRING, one, START))
    service.at(30 * SECOND, [one])
    assert service.at(15 * MINUTE, [standing]) == []


def test_a_channel_of_two_routes_is_told_once() -> None:
    air = Route(
        "air",
        parse_matchers(["rule = r"]),
        ("air",),
        ("unit",),
        timedelta(seconds=10),
        timedelta(minutes=1),
        timedelta(hours=1),
        goes_on=True,
    )
    rest = replace(air, id="rest", receivers=("service",), group_by=("rule",))
    service, one = AlertService(routing(routes=(air, rest))), alert()
    service.at(0, [one], moved(FIRING, one, START))
    service.at(10 * SECOND, [one])
    service.at(5 * MINUTE, [], moved(RESOLVED, one, START + 5 * MINUTE))
    receivers = {(delivery.channel, delivery.route): delivery.receiver for delivery in service.deliveries}
    assert receivers == {("mail", "air"): "air", ("air", "air"): "air", ("wall", "rest"): "service"}
    told = [(delivery.channel, t.kind) for delivery in service.deliveries for t in delivery.transitions]
    assert sorted(told) == sorted((channel, kind) for channel in ("mail", "wall", "air") for kind in (FIRING, RESOLVED))


def test_what_waits_goes_by_the_new_tree() -> None:
    air = replace(routing().root, id="air", matchers=parse_matchers(["rule = r"]), receivers=("air",))
    service, one = AlertService(routing(routes=(air,))), alert()
    service.at(0, [one], moved(FIRING, one, START))
    service.routing = routing()
    service.at(10 * SECOND, [one])
    service.at(10 * MINUTE, [one])
    assert sorted(delivery.channel for delivery in service.deliveries) == ["mail", "wall"]


def test_notified_alerts_go_on_in_the_new_tree() -> None:
    """A route is renamed while an alert is open: it is repeated and escalated as before, and nobody is told twice that
    it fired."""
    old = replace(routing().root, id="old", matchers=parse_matchers(["rule = r"]), receivers=("service",))
    new = replace(old, id="new", receivers=("service", "air"))
    service, one = AlertService(routing(routes=(old,))), alert()
    service.at(0, [one], moved(FIRING, one, START))
    service.at(30 * SECOND, [one])
    service.routing = routing(routes=(new,))
    assert service.at(MINUTE, [one]) == []
    assert service.at(2 * MINUTE, [one]) == [("transitions", "air", 1)]
    assert service.at(15 * MINUTE, [one]) == [("escalation", "phone", 0)]
    assert service.at(16 * MINUTE, [one]) == []
    assert sorted(channel for _, channel, _ in service.at(63 * MINUTE, [one])) == ["air", "mail", "wall"]
    ends = service.at(70 * MINUTE, [], moved(RESOLVED, one, START + 70 * MINUTE))
    assert sorted(channel for _, channel, _ in ends) == ["air", "mail", "phone", "wall"]
    assert service.outbox == Outbox()


def test_a_beginning_waits_while_there_is_nobody_to_tell() -> None:
    service, one = AlertService(), alert()
    service.routing = Routing(routing().root, {})
    service.at(0, [one], moved(FIRING, one, START))
    assert service.at(10 * MINUTE, [one]) == []
    service.routing = routing()
    assert service.at(11 * MINUTE, [one])[0] == ("transitions", "mail", 1)


def test_a_storm_stays_within_a_second() -> None:
    """5,000 alerts at once: grouped, and told in one message a channel and rule."""
    service = AlertService()
    ones = [alert(rule=f"r{number % 5}", unit=f"u{number}") for number in range(5000)]
    service.at(0, ones, *(moved(FIRING, one, START) for one in ones))
    assert len(service.at(30 * SECOND, ones)) == 10
    assert all(isinstance(one, Delivery) and len(one.transitions) == 1000 for one in service.deliveries)


STEPS = st.lists(
    st.tuples(
        st.sampled_from([10, 30, 60, 300, 900]),
        st.sets(st.integers(0, 3)),
        st.sets(st.integers(0, 3)),
        st.sets(st.integers(0, 3)),
    ),
    min_size=1,
    max_size=25,
)


@settings(max_examples=150)
@given(steps=STEPS, killed=st.sets(st.integers(0, 24)))
def test_each_transition_once_a_channel_and_in_order(
    steps: list[tuple[int, set[int], set[int], set[int]]], killed: set[int]
) -> None:
    """Units that turn on or off, some silenced, some acknowledged. At the end all are off and loud, and time passes."""
    service, now_s = AlertService(), 0
    standing: dict[int, Alert] = {}
    all_transitions: list[Transition] = []
    was_quiet: set[str] = set()
    calm: tuple[int, set[int], set[int], set[int]] = (900, set(), set(), set())
    script = [*steps, (900, set(range(4)), set(), set()), calm, calm]
    for number, (after_s, turned, silenced, held) in enumerate(script):
        now_s += after_s
        now_ms, transitions = START + now_s * SECOND, []
        last = number >= len(steps)
        for unit in turned:
            if unit in standing:
                transitions.append(moved(RESOLVED, standing.pop(unit), now_ms))
            elif not last:
                standing[unit] = alert(unit=f"u{unit}", onset_ms=now_ms)
                transitions.append(moved(FIRING, standing[unit], now_ms))
        alerts = []
        for unit, one in standing.items():
            shown = quiet(one) if unit in silenced else one
            alerts.append(replace(shown, handling=Handling.ACKNOWLEDGED) if unit in held else shown)
            if unit in silenced:
                was_quiet.add(one.id)
        all_transitions += transitions
        if number in killed:
            before = from_record(Outbox, to_record(service.outbox))
            lost = plan_deliveries(service.routing, before, alerts, transitions, now_ms, ZONE)
            service.at(now_s * SECOND, alerts, *transitions)
            again = service.deliveries[len(service.deliveries) - len(lost.deliveries) :]
            assert [one.id for one in lost.deliveries] == [one.id for one in again]
            service.outbox = from_record(Outbox, to_record(service.outbox))
        else:
            service.at(now_s * SECOND, alerts, *transitions)
    assert len({one.id for one in service.deliveries}) == len(service.deliveries)
    for channel in ("mail", "wall"):
        told = [t for one in service.deliveries if one.channel == channel for t in one.transitions]
        assert len({t.id for t in told}) == len(told)
        by_alert: dict[str, list[TransitionKind]] = {}
        for t in told:
            by_alert.setdefault(t.alert, []).append(t.kind)
        assert all(kinds in ([FIRING], [FIRING, RESOLVED]) for kinds in by_alert.values())
        for one in all_transitions:  # type: ignore[assignment]
            if one.alert not in was_quiet:  # type: ignore[attr-defined]
                assert one.kind in by_alert.get(one.alert, [])  # type: ignore[attr-defined]
        ended = {one.alert for one in all_transitions if one.kind is RESOLVED}
        assert all(kinds == [FIRING, RESOLVED] for key, kinds in by_alert.items() if key in ended)
    assert not service.outbox.told or standing


def listed(service: AlertService, channel: str = "mail") -> list[list[str]]:
    """Units of the alerts that each message to the channel lists."""
    return [[name.split("/")[1] for name in one.alerts] for one in service.deliveries if one.channel == channel]


def test_each_message_lists_what_still_fires_in_the_group() -> None:
    """One alert stands, another goes on and off every 25 s: nobody forgets the first, as `repeat_interval` never
    comes."""
    service = AlertService(
        routing(group_interval=timedelta(seconds=20), repeat_interval=timedelta(minutes=1), escalation=())
    )
    stays, flips = alert(unit="stays"), alert(unit="flips")
    service.at(0, [stays, flips], moved(FIRING, stays, START), moved(FIRING, flips, START))
    service.at(30 * SECOND, [stays, flips])
    for step in range(1, 9):
        now_ms = START + (30 + 25 * step) * SECOND
        if step % 2:
            service.at(now_ms - START, [stays], moved(RESOLVED, flips, now_ms))
        else:
            flips = alert(unit="flips", onset_ms=now_ms)
            service.at(now_ms - START, [stays, flips], moved(FIRING, flips, now_ms))
    assert listed(service) == [["stays", "flips"], *([["flips", "stays"]] * 8)]


@pytest.mark.parametrize(
    ("change", "shown"),
    [
        pytest.param({"handling": Handling.ACKNOWLEDGED}, ["new", "old"], id="an acknowledged one still fires"),
        pytest.param({"handling": Handling.SHELVED}, ["new"], id="a shelved one makes no noise"),
        pytest.param({"suppression": quiet(alert()).suppression}, ["new"], id="a silenced one makes no noise"),
    ],
)
def test_what_a_message_lists_beside_its_news(change: dict[str, object], shown: list[str]) -> None:
    service, old, new = (
        AlertService(routing(escalation=())),
        alert(unit="old"),
        alert(unit="new", onset_ms=START + MINUTE),
    )
    service.at(0, [old], moved(FIRING, old, START))
    service.at(30 * SECOND, [old])
    changed = replace(old, **change)  # type: ignore[arg-type]
    service.at(MINUTE, [changed, new], moved(FIRING, new, START + MINUTE))
    service.at(6 * MINUTE, [changed, new])
    assert listed(service)[1:] == [shown]


def test_a_repeat_lists_open_alerts_first_and_the_rest_of_the_group() -> None:
    service, held, unheld = AlertService(routing(escalation=())), alert(unit="held"), alert(unit="unheld")
    service.at(0, [held, unheld], moved(FIRING, held, START), moved(FIRING, unheld, START))
    service.at(30 * SECOND, [held, unheld])
    held = replace(held, handling=Handling.ACKNOWLEDGED)
    assert [kind for kind, *_ in service.at(61 * MINUTE, [held, unheld])] == ["repeat", "repeat"]
    assert listed(service)[-1] == ["unheld", "held"]


def test_a_group_keeps_the_labels_that_its_alerts_agree_in() -> None:
    service, one = AlertService(routing(group_by=("rule", "sector"), escalation=())), alert()
    service.at(0, [one], moved(FIRING, one, START))
    service.at(30 * SECOND, [one])
    service.at(10 * MINUTE, [], moved(RESOLVED, one, START + 10 * MINUTE))
    assert [dict(each.labels) for each in service.deliveries] == [{"rule": "r"}] * 4
    assert len({each.group for each in service.deliveries}) == 1
