"""Alerts of other systems: which are accepted, what is kept of them, how they end, what notifications say."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ioc.alert_service import actions, external_intake
from ioc.alert_service.actions import SilenceRequest
from ioc.alert_service.external_intake import Receipt, close, end_overdue, receive
from ioc.alerts.refusals import ActRefused
from ioc.errors import BatchMalformed
from ioc.model.alert import TransitionKind
from ioc.model.matcher import parse_matchers
from tests.support.restartable_alert_service import HOUR_MS, START_MS, RestartableAlertService

FIRED, ENDED = TransitionKind.FIRING, TransitionKind.RESOLVED


def sent(status: str = "firing", starts: str = "2026-11-22T23:00:00Z", ends: str = "", **labels: str) -> dict[str, Any]:
    return {
        "status": status,
        "labels": {"alertname": "HostDown", "instance": "a", "severity": "critical", **labels},
        "annotations": {
            "summary": "Máy a không trả lời",
            "description": "Đã 5 phút.",
            "runbook_url": "https://wiki/host-down",
        },
        "startsAt": starts,
        "endsAt": ends or "0001-01-01T00:00:00Z",
        "generatorURL": "http://prometheus/graph?g0.expr=up",
    }


class Push:
    """A service that messages are sent to."""

    def __init__(self, opened: RestartableAlertService) -> None:
        self.opened = opened

    def __call__(self, *alerts: Any) -> Receipt:
        return receive(self.opened.service, "prom", {"version": "4", "alerts": list(alerts)})

    @property
    def quiet(self) -> list[bool]:
        return [one.is_quiet for one in self.opened.service.state.alerts.values()]

    @property
    def moved(self) -> list[tuple[str, str]]:
        rows = self.opened.service.store.select("SELECT kind, reason FROM alert_transitions ORDER BY number")
        return [(row["kind"], row["reason"]) for row in rows]


@pytest.fixture
def push(tmp_path: Path) -> Iterator[Push]:
    opened = RestartableAlertService(tmp_path)
    opened.tick(1, disk_free=50)
    yield Push(opened)
    assert opened.store is not None
    opened.store.close()


def test_one_bad_alert_among_good_ones_is_named_and_the_others_are_taken(push: Push) -> None:
    receipt = push(sent(), {"labels": {"instance": "b"}}, sent(starts="yesterday", instance="c"), 7, sent(instance="d"))
    assert receipt.began == 2
    assert [(one.index, one.field, one.reason) for one in receipt.rejected] == [
        (1, "labels.alertname", "missing"),
        (2, "startsAt", "not_a_time"),
        (3, "", "not_an_object"),
    ]


def test_a_message_of_which_nothing_can_be_used_is_refused(push: Push) -> None:
    with pytest.raises(BatchMalformed, match=r"None of the 1 alerts can be used; alerts\[0\]: The label alertname"):
        push({"labels": {}})


def test_more_than_one_transaction_holds_is_taken_in_parts(push: Push) -> None:
    assert push(*(sent(instance=f"i{n}") for n in range(1_001))).began == 1_001
    assert len(push.opened.service.state.external) == 1_001


def test_what_has_no_room_is_counted_and_taken_once_there_is_room(push: Push, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(external_intake, "MAX_OPEN", 2)
    message = [sent(instance=f"i{n}") for n in range(3)]
    first = push(*message)
    assert (first.began, first.no_room) == (2, 1)
    push(sent("resolved", instance="i0"))
    assert push(*message[1:]) == Receipt(began=1, known=1)


def test_later_annotations_replace_earlier_ones(push: Push) -> None:
    push(sent())
    changed = sent() | {"annotations": {"summary": "Máy a và máy b không trả lời"}}
    assert push(changed) == Receipt(updated=1)
    [one] = push.opened.service.state.external.values()
    assert (one.name, one.annotations) == ("Máy a và máy b không trả lời", changed["annotations"])
    [alert] = push.opened.service.state.alerts.values()
    assert alert.revision == 1
    assert push(changed) == Receipt(known=1)


def test_labels_are_kept_and_those_that_ours_cover_are_exported(push: Push) -> None:
    push(sent(severity="page", unit="rack 4", team="net"))
    [one] = push.opened.service.state.external.values()
    assert one.labels == {
        "alertname": "HostDown",
        "instance": "a",
        "team": "net",
        "rule": "prom.hostdown",
        "unit": "46",
        "severity": "critical",
        "source": "prom",
        "exported_unit": "rack 4",
        "exported_severity": "page",
    }


def test_messages_say_what_the_other_system_said_also_of_the_end(push: Push) -> None:
    push(sent())
    push.opened.tick(31, disk_free=50)
    push(sent("resolved"))
    push.opened.tick(301, disk_free=50)
    began, ended = push.opened.service.store.waiting()
    assert "Máy a không trả lời · Thành phố Huế: Đã 5 phút. (instance=a) http://prometheus/graph" in began.body
    assert "https://wiki/host-down" in began.body
    assert "prom.hostdown." not in began.body + began.subject + ended.body
    for letter, status in ((began, "firing"), (ended, "resolved")):
        message = json.loads(letter.payload)
        [alert] = message["alerts"]
        assert (message["status"], alert["status"]) == (status, status)
        assert (alert["labels"]["alertname"], alert["labels"]["instance"]) == ("HostDown", "a")
        assert alert["annotations"] == sent()["annotations"]
        assert alert["generatorURL"] == "http://prometheus/graph?g0.expr=up"
    assert push.opened.service.state.ended_external == {}


def test_a_silence_ends_with_the_first_end_of_its_alert(push: Push) -> None:
    push(sent())
    matchers = parse_matchers(['alertname = "HostDown"'])
    actions.silence(push.opened.service, SilenceRequest(matchers, None, START_MS + HOUR_MS, "lan", "đang sửa", True))
    assert push.quiet == [True]
    push.opened.tick(1, disk_free=50)
    push(sent("resolved"))
    push.opened.tick(7, disk_free=50)
    push(sent(starts="2026-11-22T23:30:00Z"))
    assert push.quiet == [False]
    [silence] = push.opened.service.state.silences
    assert silence.ended_by == "resolved"


def test_a_silence_ends_also_when_its_alert_ends_and_fires_again_in_one_message(push: Push) -> None:
    push(sent())
    actions.silence(
        push.opened.service,
        SilenceRequest(parse_matchers(["source = prom"]), None, START_MS + HOUR_MS, "lan", "sửa", True),
    )
    push(sent("resolved"), sent(starts="2026-11-22T23:30:00Z"))
    assert push.quiet == [False]


@pytest.mark.parametrize("restart", [False, True], ids=["in one run", "over a restart"])
def test_a_silence_of_our_own_alert_ends_with_it_at_the_very_next_tick(push: Push, *, restart: bool) -> None:
    opened = push.opened
    opened.tick(1, disk_free=1)
    actions.silence(
        opened.service,
        SilenceRequest(parse_matchers(["rule = disk-full"]), None, START_MS + HOUR_MS, "lan", "dọn đĩa", True),
    )
    if restart:
        opened.open()
    opened.tick(1, disk_free=50)
    assert [one.ended_by for one in opened.service.state.silences] == ["resolved"]


def test_an_alert_that_fires_again_with_the_same_beginning_is_another_alert(push: Push) -> None:
    push(sent())
    push(sent("resolved"))
    push.opened.tick(5, disk_free=50)
    assert push(sent()).began == 1
    ids = push.opened.service.store.select("SELECT id FROM alert_transitions")
    assert len({row["id"] for row in ids}) == 3


def route(text: str) -> str:
    return (
        text + '\n[route]\nreceivers = ["w"]\n[[receiver]]\nid = "w"\nname = {vi = "W", en = "W"}\nchannels = ["wall"]'
    )


def test_an_alert_ends_by_itself_when_its_sender_is_gone(push: Push) -> None:
    overlay = push.opened.folder / "catalog" / "alerting"
    overlay.mkdir(parents=True)
    (overlay / "routing.toml").write_text(route('[[incoming]]\nsource = "prom"\nresolve_after = "10m"'))
    push.opened.open()
    push(sent())
    push.opened.tick(599, disk_free=50)
    push(sent())
    push.opened.tick(599, disk_free=50)
    end_overdue(push.opened.service)
    assert push.moved == [("firing", "prom sent it.")]
    push.opened.tick(1, disk_free=50)
    end_overdue(push.opened.service)
    assert push.moved[1:] == [("resolved", "prom has not sent it again.")]


def test_an_alert_ends_at_the_end_that_it_was_sent_with(push: Push) -> None:
    push(sent(ends="2026-11-23T00:05:00Z"))
    push.opened.tick(290, disk_free=50)
    end_overdue(push.opened.service)
    assert len(push.moved) == 1
    push.opened.tick(10, disk_free=50)
    end_overdue(push.opened.service)
    assert push.moved[1:] == [("resolved", "The end that it was sent with has passed.")]


def test_a_person_closes_an_alert_whose_sender_is_gone(push: Push) -> None:
    push(sent())
    [name] = push.opened.service.state.external
    close(push.opened.service, [name], "lan", "máy đã thanh lý")
    assert push.moved == [("firing", "prom sent it."), ("resolved", "lan: máy đã thanh lý")]
    [act] = push.opened.service.store.select("SELECT who, act, text FROM alert_acts")
    assert act == {"who": "lan", "act": "close", "text": "máy đã thanh lý"}
    push.opened.open()
    assert push(sent()) == Receipt(known=1)
    assert push(sent(starts="2026-11-22T23:59:00Z")).began == 1


@pytest.mark.parametrize(
    ("alert", "why", "field"),
    [
        pytest.param("ours", "sửa xong", "alerts", id="an alert of the centre itself"),
        pytest.param("prom.gone/46/1", "sửa xong", "alerts", id="no alert"),
        pytest.param("theirs", " ", "why", id="no reason"),
    ],
)
def test_what_cannot_be_closed(push: Push, alert: str, why: str, field: str) -> None:
    push(sent())
    push.opened.tick(1, disk_free=1)
    names = {"ours": push.opened.one("disk-full"), "theirs": next(iter(push.opened.service.state.external))}
    with pytest.raises(ActRefused) as refused:
        close(push.opened.service, [names.get(alert, alert)], "lan", why)
    assert refused.value.field == field
    assert len(push.opened.service.state.external) == 1


def test_the_matchers_of_an_incoming_alert_mean_it_and_no_other(push: Push) -> None:
    push(sent(), sent(instance="b"))
    one, _ = push.opened.service.state.external.values()
    actions.silence(
        push.opened.service, SilenceRequest(parse_matchers(one.matchers), None, START_MS + HOUR_MS, "lan", "sửa", False)
    )
    assert push.quiet == [True, False]
