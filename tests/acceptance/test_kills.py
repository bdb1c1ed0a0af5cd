"""Every process is killed again and again while known data flows, or the broker stands still; at the end nothing is
missing or double."""

import random
import socket
import time
from collections import defaultdict
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import pytest

from ioc.catalog.units import province_units
from tests.acceptance.known_flow import (
    HOST,
    applied,
    await_equal_kpis,
    balanced,
    expected_cases,
    expected_panes,
    start_feeders,
    stored_cases,
    stored_panes,
)
from tests.acceptance.observer import observing
from tests.acceptance.sector_systems import Plan, SectorSystem, write_sources
from tests.support.running_centre import RunningCentre, running_centre, wait_for

KILLS = 5
PARTS = ("connect", "worker", "serve", "broker")
FLOW_S = 30.0
STILL_S = 40.0


def kill_in_turn(centre: RunningCentre, rng: random.Random) -> None:
    killed: dict[str, set[int]] = defaultdict(set)
    for _ in range(KILLS):
        for part in rng.sample(PARTS, len(PARTS)):
            time.sleep(rng.uniform(0.5, 2.2))
            killed[part].add(centre.kill(part, rng.randrange(2)))
    assert {part: len(pids) for part, pids in killed.items()} == dict.fromkeys(PARTS, KILLS)


def hold_the_broker(centre: RunningCentre, rng: random.Random) -> None:
    """Stop the broker for longer than any client's timeout, more than once."""
    time.sleep(rng.uniform(3, 6))
    [broker] = centre.processes("broker")
    broker.suspend()
    try:
        time.sleep(STILL_S)
    finally:
        broker.resume()


def take_the_brokers_port(centre: RunningCentre, rng: random.Random) -> None:
    """It is killed, and another program is quicker: the broker comes back elsewhere, and all parts must go there."""
    time.sleep(rng.uniform(3, 6))
    before = (centre.data_dir / "kafka.address").read_text()
    with socket.socket() as other:
        other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        centre.kill("broker")
        place = (HOST, int(before.rpartition(":")[2]))
        wait_for("the port", lambda: other.bind(place) is None, 10, 0.001)  # type: ignore[func-returns-value]
        other.listen()
        wait_for("another address", lambda: (centre.data_dir / "kafka.address").read_text() != before, 60)
    wait_for("the server", lambda: centre.get("/readyz"), 60)


@pytest.mark.kafka
@pytest.mark.slow
@pytest.mark.soak
@pytest.mark.filterwarnings("default:Mosquitto is not installed")
@pytest.mark.parametrize(
    "trouble",
    [
        pytest.param(kill_in_turn, id="every process is killed"),
        pytest.param(hold_the_broker, id="the broker stands still"),
        pytest.param(take_the_brokers_port, id="the broker must move"),
    ],
)
def test_nothing_is_lost_or_doubled(
    tmp_path: Path, mosquitto: int | None, trouble: Callable[[RunningCentre, random.Random], None]
) -> None:
    units = [code for code in province_units("46") if code != "46"]
    plan = Plan(datetime.now(UTC).replace(microsecond=0), units, by_mqtt=mosquitto is not None)
    system = SectorSystem(plan, FLOW_S)
    data_dir = tmp_path / "centre"
    write_sources(data_dir / "sources", system.address, mosquitto)
    try:
        with running_centre(data_dir) as centre:
            feeders = start_feeders(plan, centre, mosquitto, FLOW_S)
            with observing(centre) as observer:
                trouble(centre, random.Random(plan.seed))
            assert "broker_away" in observer.said, "the centre said nothing of a broker that was away"
            for feeder in feeders:
                feeder.join()
            expected = sum(1 for _ in plan.readings()) + len(plan.versions)
            wait_for("all records in the store", lambda: applied(centre) >= expected, 120, 0.5)
            ledger = wait_for("a balanced ledger", lambda: balanced(centre), 60, 0.5)
            await_equal_kpis(plan, centre)
            wait_for("a centre that is ready again", lambda: centre.get("/readyz"), 30, 0.5)
    finally:
        system.close()
    assert sum(source["applied"] for source in ledger["sources"]) == expected
    with duckdb.connect(str(data_dir / "store" / "ioc.duckdb"), read_only=True) as store:
        assert stored_panes(store) == expected_panes(plan.readings())
        assert stored_cases(store) == expected_cases(plan.versions)
        assert store.execute("SELECT count(*) FROM case_changes").fetchall() == [(len(plan.versions),)]
