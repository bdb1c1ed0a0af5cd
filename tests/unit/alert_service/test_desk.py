"""The desk over a real store: what outlasts a restart, what one transaction holds, what a fault leaves."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from unittest.mock import patch

import numpy as np
import pytest

from ioc.alert_service import actions, routing_store
from ioc.alert_service import service as desk_parts
from ioc.alert_service.incidents import Incidents
from ioc.alert_service.service import Desk, Place
from ioc.alerts.actions import ActRefused
from ioc.alerts.inputs import DataState, Inputs, Values
from ioc.catalog.rules import CatalogInvalid
from ioc.clock import FixedClock, from_ms, to_ms
from ioc.errors import StoreUnavailable
from ioc.model.matcher import parse_matchers
from ioc.settings import VIETNAM
from ioc.store import Store
from ioc.store.alerting import Said, expire_alerting
from tests.catalogs import hue
from tests.unit.api.fake_centre import quick_rules

START_MS = 1_795_392_000_000
HOUR_MS = 3_600_000


class Place46:
    """A store and a desk on it, which can be opened anew."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.clock = FixedClock(from_ms(START_MS))
        self.store: Store | None = None
        self.desk = self.open()

    def open(self) -> Desk:
        if self.store is not None:
            self.store.close()
        self.store = Store.open(self.folder / "ioc.duckdb", self.folder / "archive", zone=VIETNAM)
        place = Place(self.folder / "catalog", self.folder / "channels.toml", VIETNAM, "")
        with patch.object(desk_parts, "load_rules", quick_rules):
            self.desk = Desk(self.store, hue(), place, self.clock)
        return self.desk

    def tick(self, seconds: float, **figures: float) -> None:
        self.clock.moment += timedelta(seconds=seconds)
        live = np.array([DataState.LIVE], np.int8)
        values = {
            f"centre.{name}": Values(("46",), np.array([value]), np.ones(1, np.int64), live)
            for name, value in figures.items()
        }
        self.desk.tick(Inputs(to_ms(self.clock.moment), values))

    @property
    def alerts(self) -> dict[str, tuple[str, str, bool]]:
        """Rule to condition, handling, quiet."""
        listed = self.desk.standing.alerts.values()
        return {one.rule: (one.condition.value, one.handling.value, one.is_quiet) for one in listed}

    def one(self, rule: str) -> str:
        return next(one.id for one in self.desk.standing.alerts.values() if one.rule == rule)


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place46]:
    made = Place46(tmp_path)
    yield made
    assert made.store is not None
    made.store.close()


def test_all_that_stands_outlasts_a_restart(place: Place46) -> None:
    place.tick(1, disk_free=1, stalled_s=60, lag=10)
    until_ms = START_MS + HOUR_MS
    actions.acknowledge(place.desk, [place.one("disk-full")], "lan", "xem")
    actions.shelve(place.desk, [place.one("worker-gone")], until_ms, "lan", "đang khởi động lại", False)
    actions.silence(place.desk, parse_matchers(["rule=disk-low"]), None, until_ms, "hoa", "bảo trì", False)
    incidents = Incidents(place.desk.store, place.clock)
    before = (place.alerts, place.desk.standing.outbox, place.desk.standing.book, place.desk.standing.silences)
    assert before[0] == {
        "disk-full": ("firing", "acknowledged", False),
        "worker-gone": ("firing", "shelved", True),
        "disk-low": ("pending", "unacknowledged", True),
    }
    place.open()
    after = (place.alerts, place.desk.standing.outbox, place.desk.standing.book, place.desk.standing.silences)
    assert after == before
    assert Incidents(place.desk.store, place.clock).all() == incidents.all() == []


def test_a_pending_alert_fires_after_a_restart_as_if_there_had_been_none(place: Place46) -> None:
    place.tick(1, disk_free=8)
    place.open()
    place.tick(299, disk_free=8)
    assert place.alerts["disk-low"][0] == "pending"
    place.tick(1, disk_free=8)
    assert place.alerts["disk-low"][0] == "firing"
    rows = place.desk.store.select("SELECT kind FROM alert_transitions ORDER BY number")
    assert [row["kind"] for row in rows] == ["pending", "firing"]


def test_a_tick_told_twice_counts_once(place: Place46) -> None:
    place.tick(1, disk_free=1)
    place.tick(0, disk_free=50)
    assert "disk-full" in place.alerts


def test_what_cannot_be_written_has_not_happened(place: Place46) -> None:
    def full(*_: object) -> None:
        raise StoreUnavailable("The disk is full.")

    with patch.object(place.desk.store, "write", full):
        with pytest.raises(StoreUnavailable):
            place.tick(1, disk_free=1)
        assert place.alerts == {}
    place.tick(1, disk_free=1)
    assert "disk-full" in place.alerts
    with patch.object(place.desk.store, "write", full), pytest.raises(StoreUnavailable):
        actions.acknowledge(place.desk, [place.one("disk-full")], "lan", "")
    assert place.alerts["disk-full"][1] == "unacknowledged"


def test_a_latching_alert_ends_once_it_is_acknowledged(place: Place46) -> None:
    place.tick(1, ledger_faults=1)
    place.tick(60, ledger_faults=1)
    place.tick(1, ledger_faults=0)
    place.tick(1, ledger_faults=0)
    assert place.alerts["ledger-unbalanced"][0] == "recovering"
    actions.acknowledge(place.desk, [place.one("ledger-unbalanced")], "lan", "đã xem")
    place.open()
    place.tick(1, ledger_faults=0)
    assert place.alerts == {}
    assert place.desk.standing.book.acknowledged == {}


def test_deliveries_are_written_with_the_tick_that_planned_them(place: Place46) -> None:
    place.tick(1, disk_free=1)
    place.tick(31, disk_free=1)
    [letter] = place.desk.store.waiting()
    assert (letter.channel, letter.transitions) == ("wall", (f"{place.one('disk-full')}/firing",))
    place.desk.store.note_attempt(letter.id, 1, place.clock.now(), "failed", "away", place.clock.now())
    [again] = place.desk.store.waiting()
    assert (again.id, again.attempts) == (letter.id, 1)
    place.desk.store.note_attempt(letter.id, 2, place.clock.now(), "sent", "", None)
    assert place.desk.store.waiting() == []
    [state] = place.desk.store.select("SELECT state, attempts FROM delivery_states")
    assert state == {"state": "sent", "attempts": 2}


def test_a_rule_that_is_taken_out_ends_its_alerts(place: Place46) -> None:
    place.tick(1, disk_free=1)
    routing_store.put_rule(place.desk, "disk-full", None, "lan", "không dùng")
    assert "disk-full" not in place.alerts
    [row] = place.desk.store.select("SELECT reason FROM alert_transitions WHERE kind = 'resolved'")
    assert "taken out" in row["reason"]
    place.open()
    assert "disk-full" not in place.desk.in_force.rules.rules


def test_a_routing_with_a_fault_leaves_the_old_one(place: Place46) -> None:
    before = place.desk.in_force
    with pytest.raises(CatalogInvalid):
        routing_store.put_routing(place.desk, "[route]\nreceivers = []\n", "lan", "thử")
    assert place.desk.in_force is before
    assert not (place.folder / "catalog" / "alerting").exists()


@pytest.mark.parametrize(
    ("act", "field"),
    [
        pytest.param(lambda desk, alert: actions.acknowledge(desk, [alert], "", ""), "by", id="nobody acknowledges"),
        pytest.param(lambda desk, _: actions.acknowledge(desk, [], "lan", ""), "alerts", id="no alert"),
        pytest.param(lambda desk, alert: actions.unacknowledge(desk, [alert], "lan", ""), "", id="nobody has it"),
        pytest.param(lambda desk, alert: actions.unshelve(desk, [alert], "lan", ""), "alerts", id="not shelved"),
        pytest.param(lambda desk, alert: actions.comment(desk, [alert], "lan", " "), "text", id="an empty comment"),
        pytest.param(lambda desk, _: actions.comment(desk, ["x"], "lan", "y"), "alerts", id="no id of an alert"),
        pytest.param(
            lambda desk, alert: actions.shelve(desk, [alert], START_MS - 1, "lan", "x", False),
            "until",
            id="over already",
        ),
        pytest.param(
            lambda desk, _: actions.out_of_service(desk, "none", START_MS + HOUR_MS, "lan", "x"), "rule", id="no rule"
        ),
    ],
)
def test_an_act_that_cannot_be(place: Place46, act: Callable[[Desk, str], None], field: str) -> None:
    place.tick(1, disk_free=1)
    before = place.desk.standing
    with pytest.raises(ActRefused) as refused:
        act(place.desk, place.one("disk-full"))
    assert refused.value.field == field
    assert place.desk.standing is before


def test_an_older_store_gets_the_tables(place: Place46) -> None:
    place.desk.store.execute("DROP VIEW alerts", [])
    for table in ("alert_transitions", "deliveries", "alerting_state", "alerting_records", "rule_versions"):
        place.desk.store.execute(f"DROP TABLE {table}", [])
    place.open()
    place.tick(1, disk_free=1)
    assert "disk-full" in place.alerts


def test_an_older_store_gets_the_codes_of_failed_messages(place: Place46) -> None:
    place.tick(1, disk_free=1)
    place.tick(31, disk_free=1)
    for statement in (
        "DROP VIEW delivery_states",
        *(f"ALTER TABLE delivery_attempts DROP {c}" for c in ("code", "params")),
    ):
        place.desk.store.execute(statement, [])
    place.desk.store.execute(
        "INSERT INTO delivery_attempts VALUES ('old', 1, now()::TIMESTAMP, 'failed', 'x', NULL)", []
    )
    place.open()
    [letter] = place.desk.store.waiting()
    said = Said("hook answered 404.", "delivery_answered", {"channel": "hook", "status": 404})
    place.desk.store.note_attempt(letter.id, 1, place.clock.now(), "dead", said, None)
    [state] = place.desk.store.select("SELECT state, code, params FROM delivery_states")
    assert state == {"state": "dead", "code": "delivery_answered", "params": '{"channel":"hook","status":404}'}


def test_old_messages_and_alerts_go_open_ones_stay(place: Place46) -> None:
    place.tick(1, disk_free=1, stalled_s=60)
    place.tick(31, disk_free=1, stalled_s=60)
    place.tick(1, disk_free=1, stalled_s=0)
    for letter in place.desk.store.waiting():
        place.desk.store.note_attempt(letter.id, 1, place.clock.now(), "sent", "", None)
    assert place.store is not None

    def left(after: timedelta) -> tuple[int, set[str]]:
        assert place.store is not None
        with place.store.cursor() as cursor:
            expire_alerting(cursor, place.clock.now() + after)
        letters = place.desk.store.select("SELECT count(*) AS n FROM deliveries")[0]["n"]
        return letters, {row["rule"] for row in place.desk.store.select("SELECT DISTINCT rule FROM alert_transitions")}

    everything = {"disk-full", "worker-gone", "disk-low"}
    assert left(timedelta(days=89)) == (2, everything)
    assert left(timedelta(days=91)) == (0, everything)
    assert left(timedelta(days=401)) == (0, everything - {"worker-gone"})


def test_rules_speak_of_the_units_that_exist(place: Place46) -> None:
    before = place.desk.standing.plan.units
    assert "19753" in before
    catalog = place.desk.in_force.catalog
    ended = replace(catalog.vocabulary.units["19753"], valid_to=place.clock.now().date())
    units = {**catalog.vocabulary.units, "19753": ended}
    with patch.object(desk_parts, "load_rules", quick_rules):
        place.desk.reload(replace(catalog, vocabulary=replace(catalog.vocabulary, units=units)))
    assert set(before) - set(place.desk.standing.plan.units) == {"19753"}
