"""Incidents: every action is on the timeline, nothing is done twice, a closed one does not change."""

from collections.abc import Callable

import pytest

from ioc.alerts.incidents import (
    Attachment,
    ClosingReason,
    Incident,
    TimelineAct,
    add_alert,
    assign,
    attach,
    close,
    comment,
    do_step,
    open_incident,
    remove_alert,
    reopen,
    set_severity,
    start_procedure,
    undo_step,
)
from ioc.alerts.procedures import CompletedStep
from ioc.alerts.records import from_record, to_record
from ioc.alerts.refusals import ActRefused
from ioc.model.procedure import Procedure, ProcedureStep
from ioc.model.rule import Severity
from tests.support.alert_examples import START

FLOOD = Procedure(
    "flood",
    {"vi": "Lũ", "en": "Flood"},
    (ProcedureStep("1", {"vi": "a", "en": "a"}), ProcedureStep("2", {"vi": "b", "en": "b"})),
)


def opened() -> Incident:
    return open_incident("S-1", "Lũ sông Bồ", Severity.HIGH, ("a/1/1", "a/1/1", "b/1/1"), "An", START)


def test_a_whole_life() -> None:
    one = assign(opened(), "Bình", "An", START + 1)
    one = start_procedure(one, FLOOD, "Bình", START + 2)
    one = do_step(one, "flood", "1", CompletedStep("Bình", START + 3, "đã gọi"))
    one = do_step(one, "flood", "2", CompletedStep("Chi", START + 4))
    one = undo_step(one, "flood", "2", "Chi", START + 5)
    one = comment(one, "Nước đang rút", "Chi", START + 6)
    one = attach(one, Attachment("f1", "anh.jpg", 10, "Chi", START + 7))
    one = add_alert(one, "c/1/1", "An", START + 8)
    one = remove_alert(one, "b/1/1", "An", START + 9)
    one = set_severity(one, Severity.CRITICAL, "An", START + 10)
    one = close(one, ClosingReason.SOLVED, "Nước dưới báo động 1", "An", START + 11)
    one = reopen(one, "Nước lên lại", "An", START + 12)
    assert [entry.act for entry in one.timeline] == [
        TimelineAct.OPENED,
        TimelineAct.ASSIGNED,
        TimelineAct.PROCEDURE_TAKEN_UP,
        TimelineAct.STEP_DONE,
        TimelineAct.STEP_DONE,
        TimelineAct.STEP_UNDONE,
        TimelineAct.COMMENTED,
        TimelineAct.ATTACHED,
        TimelineAct.ALERT_ADDED,
        TimelineAct.ALERT_REMOVED,
        TimelineAct.SEVERITY_SET,
        TimelineAct.CLOSED,
        TimelineAct.REOPENED,
    ]
    assert [entry.at_ms for entry in one.timeline] == [START + n for n in range(13)]
    assert (one.alerts, one.assignee, one.severity) == (("a/1/1", "c/1/1"), "Bình", Severity.CRITICAL)
    assert one.procedures["flood"].progress == (1, 2)
    assert one.procedures["flood"].ticks["1"] == CompletedStep("Bình", START + 3, "đã gọi")
    assert from_record(Incident, to_record(one)) == one


def half_done(one: Incident) -> Incident:
    return do_step(start_procedure(one, FLOOD, "An", 1), "flood", "1", CompletedStep("An", 2))


ACTS: list[tuple[str, Callable[[Incident], Incident], str]] = [
    (
        "step that is none",
        lambda one: do_step(start_procedure(one, FLOOD, "An", 1), "flood", "9", CompletedStep("An", 2)),
        "no step",
    ),
    (
        "step done twice",
        lambda one: do_step(half_done(one), "flood", "1", CompletedStep("B", 3)),
        "An has already done",
    ),
    ("step not done", lambda one: undo_step(start_procedure(one, FLOOD, "An", 1), "flood", "1", "An", 2), "not done"),
    ("procedure not taken up", lambda one: do_step(one, "flood", "1", CompletedStep("An", 2)), "not followed"),
    ("procedure twice", lambda one: start_procedure(start_procedure(one, FLOOD, "An", 1), FLOOD, "An", 2), "already"),
    ("alert twice", lambda one: add_alert(one, "a/1/1", "An", 1), "already"),
    ("alert that is not there", lambda one: remove_alert(one, "z/1/1", "An", 1), "does not belong"),
    ("empty comment", lambda one: comment(one, " ", "An", 1), "empty"),
    ("nobody", lambda one: comment(one, "x", " ", 1), "Enter who"),
    ("closed without words", lambda one: close(one, ClosingReason.SOLVED, "", "An", 1), "how it ended"),
    ("open and opened", lambda one: reopen(one, "x", "An", 1), "is open"),
]


@pytest.mark.parametrize(("act", "words"), [pytest.param(act, words, id=name) for name, act, words in ACTS])
def test_what_is_refused(act: Callable[[Incident], Incident], words: str) -> None:
    with pytest.raises(ActRefused, match=words):
        act(opened())


@pytest.mark.parametrize(
    "act",
    [
        pytest.param(lambda one: assign(one, "Bình", "An", 2), id="assign"),
        pytest.param(lambda one: add_alert(one, "z/1/1", "An", 2), id="add"),
        pytest.param(lambda one: start_procedure(one, FLOOD, "An", 2), id="take up"),
        pytest.param(lambda one: close(one, ClosingReason.SOLVED, "x", "An", 2), id="close"),
    ],
)
def test_a_closed_incident_stays_as_it_is(act: Callable[[Incident], Incident]) -> None:
    closed = close(opened(), ClosingReason.FALSE_ALARM, "cảm biến lỗi", "An", START + 1)
    with pytest.raises(ActRefused, match="closed"):
        act(closed)
    assert comment(closed, "ghi thêm", "An", START + 2).timeline[-1].act is TimelineAct.COMMENTED


def test_an_incident_needs_a_title() -> None:
    with pytest.raises(ActRefused, match="title"):
        open_incident("S-1", " ", Severity.LOW, (), "An", START)
