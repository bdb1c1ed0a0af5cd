"""The alert service over a real store: what survives a restart, what one transaction holds, what a fault leaves."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from unittest.mock import patch

import pytest

from ioc.alert_service import actions, definitions, routing_store
from ioc.alert_service.actions import SilenceRequest
from ioc.alert_service.incident_store import IncidentStore
from ioc.alert_service.service import AlertService
from ioc.alerts.refusals import ActRefused
from ioc.catalog.rules import CatalogInvalid  # type: ignore[attr-defined]
from ioc.errors import StoreUnavailable
from ioc.messages import Message
from ioc.model.matcher import parse_matchers
from ioc.store.alerting import DeliveryFault, expire_alerting
from tests.support.fake_centre import quick_rules
from tests.support.restartable_alert_service import HOUR_MS, START_MS, RestartableAlertService


@pytest.fixture
def opened(tmp_path: Path) -> Iterator[RestartableAlertService]:
    made = RestartableAlertService(tmp_path)
    yield made
    assert made.store is not None
    made.store.close()


def test_all_that_stands_outlasts_a_restart(opened: RestartableAlertService) -> None:
    opened.tick(1, disk_free=1, stalled_s=60, lag=10)
    until_ms = START_MS + HOUR_MS
    actions.acknowledge(opened.service, [opened.one("disk-full")], "lan", "xem")
    actions.shelve(opened.service, [opened.one("worker-gone")], until_ms, "lan", "đang khởi động lại", False)
    actions.silence(
        opened.service, SilenceRequest(parse_matchers(["rule=disk-low"]), None, until_ms, "hoa", "bảo trì", False)
    )
    incidents = IncidentStore(opened.service.store, opened.clock)
    before = (opened.alerts, opened.service.state.outbox, opened.service.state.handling, opened.service.state.silences)
    assert before[0] == {
        "disk-full": ("firing", "acknowledged", False),
        "worker-gone": ("firing", "shelved", True),
        "disk-low": ("pending", "unacknowledged", True),
    }
    opened.open()
    after = (opened.alerts, opened.service.state.outbox, opened.service.state.handling, opened.service.state.silences)
    assert after == before
    assert IncidentStore(opened.service.store, opened.clock).all() == incidents.all() == []


def test_a_pending_alert_fires_after_a_restart_as_if_there_had_been_none(opened: RestartableAlertService) -> None:
    opened.tick(1, disk_free=8)
    opened.open()
    opened.tick(299, disk_free=8)
    assert opened.alerts["disk-low"][0] == "pending"
    opened.tick(1, disk_free=8)
    assert opened.alerts["disk-low"][0] == "firing"
    rows = opened.service.store.select("SELECT kind FROM alert_transitions ORDER BY number")
    assert [row["kind"] for row in rows] == ["pending", "firing"]


def test_a_repeated_tick_counts_once(opened: RestartableAlertService) -> None:
    opened.tick(1, disk_free=1)
    opened.tick(0, disk_free=50)
    assert "disk-full" in opened.alerts


def test_what_cannot_be_written_has_not_happened(opened: RestartableAlertService) -> None:
    def full(*_: object) -> None:
        raise StoreUnavailable(Message.of("The disk is full."))

    with patch.object(opened.service.store, "write", full):
        with pytest.raises(StoreUnavailable):
            opened.tick(1, disk_free=1)
        assert opened.alerts == {}
    opened.tick(1, disk_free=1)
    assert "disk-full" in opened.alerts
    with patch.object(opened.service.store, "write", full), pytest.raises(StoreUnavailable):
        actions.acknowledge(opened.service, [opened.one("disk-full")], "lan", "")
    assert opened.alerts["disk-full"][1] == "unacknowledged"


def test_a_latching_alert_ends_once_it_is_acknowledged(opened: RestartableAlertService) -> None:
    opened.tick(1, ledger_faults=1)
    opened.tick(60, ledger_faults=1)
    opened.tick(1, ledger_faults=0)
    opened.tick(1, ledger_faults=0)
    assert opened.alerts["ledger-unbalanced"][0] == "recovering"
    actions.acknowledge(opened.service, [opened.one("ledger-unbalanced")], "lan", "đã xem")
    opened.open()
    opened.tick(1, ledger_faults=0)
    assert opened.alerts == {}
    assert opened.service.state.handling.acknowledged == {}


def test_deliveries_are_written_with_the_tick_that_planned_them(opened: RestartableAlertService) -> None:
    opened.tick(1, disk_free=1)
    opened.tick(31, disk_free=1)
    [letter] = opened.service.store.waiting()
    assert (letter.channel, letter.transitions) == ("wall", (f"{opened.one('disk-full')}/firing",))
    opened.service.store.note_attempt(letter.id, 1, opened.clock.now(), "failed", "away", opened.clock.now())
    [again] = opened.service.store.waiting()
    assert (again.id, again.attempts) == (letter.id, 1)
    opened.service.store.note_attempt(letter.id, 2, opened.clock.now(), "sent", "", None)
    assert opened.service.store.waiting() == []
    [state] = opened.service.store.select("SELECT state, attempts FROM delivery_states")
    assert state == {"state": "sent", "attempts": 2}


def test_a_rule_that_is_taken_out_ends_its_alerts(opened: RestartableAlertService) -> None:
    opened.tick(1, disk_free=1)
    routing_store.put_rule(opened.service, "disk-full", None, "lan", "không dùng")
    assert "disk-full" not in opened.alerts
    [row] = opened.service.store.select("SELECT reason FROM alert_transitions WHERE kind = 'resolved'")
    assert "removed" in row["reason"]
    opened.open()
    assert "disk-full" not in opened.service.in_force.rules.rules


def test_a_routing_with_a_fault_leaves_the_old_one(opened: RestartableAlertService) -> None:
    before = opened.service.in_force
    with pytest.raises(CatalogInvalid):
        routing_store.put_routing(opened.service, "[route]\nreceivers = []\n", "lan", "thử")
    assert opened.service.in_force is before
    assert not (opened.folder / "catalog" / "alerting").exists()


@pytest.mark.parametrize(
    ("act", "field"),
    [
        pytest.param(
            lambda service, alert: actions.acknowledge(service, [alert], "", ""), "by", id="nobody acknowledges"
        ),
        pytest.param(lambda service, _: actions.acknowledge(service, [], "lan", ""), "alerts", id="no alert"),
        pytest.param(lambda service, alert: actions.unacknowledge(service, [alert], "lan", ""), "", id="nobody has it"),
        pytest.param(lambda service, alert: actions.unshelve(service, [alert], "lan", ""), "alerts", id="not shelved"),
        pytest.param(
            lambda service, alert: actions.comment(service, [alert], "lan", " "), "text", id="an empty comment"
        ),
        pytest.param(lambda service, _: actions.comment(service, ["x"], "lan", "y"), "alerts", id="no id of an alert"),
        pytest.param(
            lambda service, alert: actions.shelve(service, [alert], START_MS - 1, "lan", "x", False),
            "until",
            id="over already",
        ),
        pytest.param(
            lambda service, _: actions.out_of_service(service, "none", START_MS + HOUR_MS, "lan", "x"),
            "rule",
            id="no rule",
        ),
    ],
)
def test_an_act_that_cannot_be(
    opened: RestartableAlertService, act: Callable[[AlertService, str], None], field: str
) -> None:
    opened.tick(1, disk_free=1)
    before = opened.service.state
    with pytest.raises(ActRefused) as refused:
        act(opened.service, opened.one("disk-full"))
    assert refused.value.field == field
    assert opened.service.state is before


def test_an_older_store_gets_the_tables(opened: RestartableAlertService) -> None:
    opened.service.store.execute("DROP VIEW alerts", [])
    for table in ("alert_transitions", "deliveries", "alerting_state", "alerting_records", "rule_versions"):
        opened.service.store.execute(f"DROP TABLE {table}", [])
    opened.open()
    opened.tick(1, disk_free=1)
    assert "disk-full" in opened.alerts


def test_an_older_store_gets_the_codes_of_failed_messages(opened: RestartableAlertService) -> None:
    opened.tick(1, disk_free=1)
    opened.tick(31, disk_free=1)
    for statement in (
        "DROP VIEW delivery_states",
        *(f"ALTER TABLE delivery_attempts DROP {c}" for c in ("code", "params")),
    ):
        opened.service.store.execute(statement, [])
    opened.service.store.execute(
        "INSERT INTO delivery_attempts VALUES ('old', 1, now()::TIMESTAMP, 'failed', 'x', NULL)", []
    )
    opened.open()
    [letter] = opened.service.store.waiting()
    said = DeliveryFault("hook answered 404.", "delivery_answered", {"channel": "hook", "status": 404})
    opened.service.store.note_attempt(letter.id, 1, opened.clock.now(), "dead", said, None)
    [state] = opened.service.store.select("SELECT state, code, params FROM delivery_states")
    assert state == {"state": "dead", "code": "delivery_answered", "params": '{"channel":"hook","status":404}'}


def test_old_messages_and_alerts_go_open_ones_stay(opened: RestartableAlertService) -> None:
    opened.tick(1, disk_free=1, stalled_s=60)
    opened.tick(31, disk_free=1, stalled_s=60)
    opened.tick(1, disk_free=1, stalled_s=0)
    for letter in opened.service.store.waiting():
        opened.service.store.note_attempt(letter.id, 1, opened.clock.now(), "sent", "", None)
    assert opened.store is not None

    def left(after: timedelta) -> tuple[int, set[str]]:
        assert opened.store is not None
        with opened.store.cursor() as cursor:
            expire_alerting(cursor, opened.clock.now() + after)
        letters = opened.service.store.select("SELECT count(*) AS n FROM deliveries")[0]["n"]
        return letters, {
            row["rule"] for row in opened.service.store.select("SELECT DISTINCT rule FROM alert_transitions")
        }

    everything = {"disk-full", "worker-gone", "disk-low"}
    assert left(timedelta(days=89)) == (2, everything)
    assert left(timedelta(days=91)) == (0, everything)
    assert left(timedelta(days=401)) == (0, everything - {"worker-gone"})


def test_rules_speak_of_the_units_that_exist(opened: RestartableAlertService) -> None:
    before = opened.service.state.arrays.units
    assert "19753" in before
    catalog = opened.service.in_force.catalog
    ended = replace(catalog.vocabulary.units["19753"], valid_to=opened.clock.now().date())
    units = {**catalog.vocabulary.units, "19753": ended}
    with patch.object(definitions, "load_rules", quick_rules):
        opened.service.reload(replace(catalog, vocabulary=replace(catalog.vocabulary, units=units)))
    assert set(before) - set(opened.service.state.arrays.units) == {"19753"}
