"""The route of an alert, who is on duty, and the text of the message."""

from datetime import datetime, time, timedelta

import pytest

from ioc.alerts.grouping import Delivery, DeliveryKind
from ioc.alerts.message_text import MessageContext, Subject, duration_text, render_message
from ioc.alerts.route_tester import trace_route
from ioc.alerts.routing import group_key, routes_for
from ioc.alerts.schedules import on_duty
from ioc.catalog.routing import load_routing
from ioc.model.alert import Transition, TransitionKind
from ioc.model.matcher import parse_matchers
from ioc.model.number_text import exact_text, number_text
from ioc.model.routing import (
    DutyPerson,
    EscalationStep,
    Receiver,
    Route,
    Routing,
    Schedule,
    ScheduleException,
    Shift,
)
from ioc.model.rule import Severity
from ioc.model.template import Template, TemplateInvalid, check_text
from tests.support.alert_examples import MINUTE, START, ZONE


def route(route_id: str, *matchers: str, routes: tuple[Route, ...] = (), goes_on: bool = False) -> Route:
    step = EscalationStep(timedelta(minutes=20), ("leader",))
    return Route(
        route_id,
        parse_matchers(matchers) if matchers else (),
        ("duty",),
        ("rule", "sector"),
        timedelta(seconds=30),
        timedelta(minutes=5),
        timedelta(hours=1),
        (step,),
        goes_on,
        routes,
    )


TREE = route(
    "root",
    routes=(
        route("all_critical", "severity = critical", goes_on=True),
        route("air", "sector = environment", routes=(route("air_high", "severity =~ high|critical"),)),
        route("rest", "rule =~ .+"),
    ),
)


@pytest.mark.parametrize(
    ("labels", "names"),
    [
        pytest.param({"sector": "environment", "severity": "low"}, ["air"], id="a branch without a fitting leaf"),
        pytest.param({"sector": "environment", "severity": "high"}, ["air_high"], id="the leaf"),
        pytest.param(
            {"sector": "environment", "severity": "critical"}, ["all_critical", "air_high"], id="one that goes on"
        ),
        pytest.param({"rule": "r"}, ["rest"], id="the last"),
        pytest.param({}, ["root"], id="none fits"),
    ],
)
def test_the_way(labels: dict[str, str], names: list[str]) -> None:
    assert [found.id for found in routes_for(TREE, labels)] == names


def test_a_group_by_its_labels() -> None:
    assert group_key(TREE, {"rule": "r", "unit": "u"}) == "root{rule='r', sector=''}"


WEEKDAYS = frozenset(range(5))
DUTY = Schedule(
    "duty",
    {"vi": "Trực", "en": "Duty"},
    (
        Shift(WEEKDAYS, time(7), time(17), ("an",)),
        Shift(WEEKDAYS, time(17), time(7), ("binh",)),
        Shift(frozenset({5, 6}), time(0), time(0), ("chi",)),
    ),
    ("an",),
    (
        ScheduleException(
            datetime(2026, 11, 24, 0, 0, tzinfo=ZONE), datetime(2026, 11, 25, 0, 0, tzinfo=ZONE), ("chi",), "họp"
        ),
    ),
)


@pytest.mark.parametrize(
    ("moment", "people"),
    [
        pytest.param("2026-11-23T07:00", ("an",), id="Monday, at the beginning of the shift"),
        pytest.param("2026-11-23T17:00", ("binh",), id="Monday, at its end"),
        pytest.param("2026-11-26T03:00", ("binh",), id="after midnight it is Wednesday's shift"),
        pytest.param("2026-11-28T03:00", ("binh", "chi"), id="Saturday night: Friday's shift still, and Saturday's"),
        pytest.param("2026-11-24T10:00", ("chi",), id="an exception"),
        pytest.param("2026-11-25T00:00", ("binh",), id="its end is no part of it"),
        pytest.param("2026-11-23T03:00", ("an",), id="who stands in"),
    ],
)
def test_duty(moment: str, people: tuple[str, ...]) -> None:
    assert on_duty(DUTY, datetime.fromisoformat(moment).replace(tzinfo=ZONE)) == people


ROUTING = Routing(
    TREE,
    {
        "duty": Receiver("duty", {"vi": "Trực", "en": "Duty"}, schedule="duty"),
        "leader": Receiver("leader", {"vi": "Lãnh đạo", "en": "Leader"}, ("sms-leader",)),
    },
    {name: DutyPerson(name, name.title(), (f"telegram-{name}",)) for name in ("an", "binh", "chi")},
    {"duty": DUTY},
)


def test_who_would_get_this() -> None:
    local = datetime(2026, 11, 23, 16, 50, tzinfo=ZONE)
    way = trace_route(ROUTING, {"sector": "environment", "severity": "high"}, local)
    assert [(visit.route, visit.depth, visit.refused_by, visit.stays) for visit in way.visits] == [
        ("root", 0, "", False),
        ("all_critical", 1, 'severity="critical"', False),
        ("air", 1, "", False),
        ("air_high", 2, "", True),
    ]
    assert [(one.channel, one.person, one.after, one.is_escalation) for one in way.recipients] == [
        ("telegram-an", "An", timedelta(seconds=30), False),
        ("sms-leader", "", timedelta(minutes=20), True),
    ]


def test_duty_is_asked_for_the_time_of_the_message() -> None:
    late = datetime(2026, 11, 23, 16, 59, 45, tzinfo=ZONE)
    assert trace_route(ROUTING, {}, late).recipients[0].person == "Binh"


def delivery(count: int) -> Delivery:
    at_ms = START + 130 * MINUTE
    transitions = [
        Transition.of(TransitionKind.FIRING, START, "pm25-high", "19753", START + n, Severity.HIGH, 1234.56)
        for n in range(count - 1)
    ]
    transitions.append(
        Transition.of(TransitionKind.RESOLVED, at_ms, "pm25-high", "19753", START - 1, Severity.CRITICAL, None)
    )
    kind = DeliveryKind.TRANSITIONS
    alerts = tuple(one.alert for one in transitions)
    return Delivery("d", kind, "l", 1, "g", "root", "wall", "wall", "", at_ms, tuple(transitions), alerts)


@pytest.mark.parametrize(
    ("language", "subject", "line"),
    [
        pytest.param(
            "vi",
            "[Nghiêm trọng] Cảnh báo: 1 đang diễn ra, 1 đã hết · Huế",
            "• Bụi mịn · Thuận An: 1.234,6 µg/m³ (ngưỡng > 45), đang diễn ra, từ 07:00 23/11/2026 (2 giờ 10 phút).",
            id="Vietnamese",
        ),
        pytest.param(
            "en",
            "[Critical] Alert: 1 ongoing, 1 ended · Huế",
            "• Bụi mịn · Thuận An: 1,234.6 µg/m³ (limit > 45), ongoing, since 07:00 23/11/2026 (2 h 10 min).",
            id="English",
        ),
    ],
)
def test_the_message(language: str, subject: str, line: str) -> None:
    template = load_routing().templates["plain"]
    subjects = {("pm25-high", "19753"): Subject("Bụi mịn", "Thuận An", "µg/m³", 1, "> 45", "Sở", "air", "")}
    found = render_message(
        template, delivery(2), {}, subjects, MessageContext("Huế", "Tường", language, ZONE, "http://x")
    )
    assert found.subject == subject
    assert found.body.splitlines()[1].startswith(line)
    assert "—" in found.body.splitlines()[2]


def test_a_long_message_counts_the_rest() -> None:
    template = Template("t", {"vi": "{count}"}, {}, {"vi": "{rule}"}, {})
    found = render_message(template, delivery(50), {}, {}, MessageContext("Huế", "", "vi", ZONE))
    assert (found.subject, len(found.body.splitlines())) == ("50", 21)
    assert found.body.endswith("… và 30 cảnh báo nữa")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        pytest.param("{nam}", "At character 1 stands {nam}, which is not a field; did you mean {name}?", id="misspelt"),
        pytest.param("x {name!r}", "At character 3, {name} takes no format", id="conversion"),
        pytest.param("{value:.2f}", "takes no format", id="format"),
        pytest.param("{}", "which is not a field", id="no name"),
        pytest.param("{name", "do not close", id="open"),
        pytest.param("x" * 4001, "the limit is 4000", id="too long"),
    ],
)
def test_a_template_fault_names_its_place(text: str, words: str) -> None:
    with pytest.raises(TemplateInvalid) as raised:
        check_text(text, ("name", "value"))
    assert words in str(raised.value)


@pytest.mark.parametrize(
    ("value", "digits", "vi", "en"),
    [
        pytest.param(None, 1, "—", "—", id="no value"),
        pytest.param(1234567.891, 2, "1.234.567,89", "1,234,567.89", id="thousands"),
        pytest.param(0.00001, 1, "0,00001", "0.00001", id="a value that would be rounded to zero"),
        pytest.param(-0.000123456, 2, "-0,00012", "-0.00012", id="two figures of a small one"),
        pytest.param(0.0, 1, "0,0", "0.0", id="zero itself"),
        pytest.param(1e21, 0, "1.000.000.000.000.000.000.000", "1,000,000,000,000,000,000,000", id="no exponent"),
    ],
)
def test_values_in_messages(value: float | None, digits: int, vi: str, en: str) -> None:
    assert (number_text(value, digits, "vi"), number_text(value, digits, "en")) == (vi, en)


@pytest.mark.parametrize(
    ("value", "vi", "en", "plain"),
    [
        pytest.param(2_500_000, "2.500.000", "2,500,000", "2500000", id="millions"),
        pytest.param(0.00001, "0,00001", "0.00001", "0.00001", id="a hundred-thousandth"),
        pytest.param(1_234_567.25, "1.234.567,25", "1,234,567.25", "1234567.25", id="more than six figures"),
        pytest.param(45.0, "45", "45", "45", id="a whole number"),
        pytest.param(100.0, "100", "100", "100", id="zeros of a whole number stay"),
        pytest.param(-3.5, "-3,5", "-3.5", "-3.5", id="below zero"),
    ],
)
def test_limits_keep_every_figure(value: float, vi: str, en: str, plain: str) -> None:
    assert (exact_text(value, "vi"), exact_text(value, "en"), exact_text(value)) == (vi, en, plain)


def test_lengths_of_time() -> None:
    assert duration_text(0, "en") == "0 min"
    assert duration_text(2 * 86_400_000 + 3 * 3_600_000 + MINUTE, "vi") == "2 ngày 3 giờ"
