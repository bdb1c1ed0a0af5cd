"""A whole centre under random faults while known data flow: every fault is seen, nothing is missing or double."""

import random
import threading
import time
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest

from ioc.catalog.units import province_units
from ioc.topics import partition_of
from tests.acceptance.faults import Fault, all_faults, of_a_minute
from tests.acceptance.hostile_inputs import FOREIGN, PARTITIONS
from tests.acceptance.known_flow import start_feeders
from tests.acceptance.lab_answers import (
    ask_lab,
    expected_cases,
    expected_sums,
    stored_cases,
    stored_sums,
    take_snapshot,
)
from tests.acceptance.observer import Observer, observing
from tests.acceptance.scene import Scene, disk_of_its_own
from tests.acceptance.sector_systems import Plan, SectorSystem, write_sources
from tests.support.running_centre import running_centre, wait_for

VISIBLE_WITHIN_S = 10.0
FLOWS_WITHIN_S = 60.0
BEAT_EVERY_S = 0.3
A_MINUTE_S = 60
BEAT = next(
    name for n in range(99) if partition_of(name := f"beat-{n}", PARTITIONS) != partition_of("cases", PARTITIONS)
)


@pytest.mark.kafka
@pytest.mark.slow
@pytest.mark.filterwarnings("default:Mosquitto is not installed")
@pytest.mark.parametrize(
    "seconds", [A_MINUTE_S, pytest.param(300, marks=pytest.mark.soak)], ids=["minute", "5 minutes"]
)
def test_chaos(tmp_path: Path, mosquitto: int | None, seconds: int) -> None:
    """What is sent is recorded here; at the end the API must give the same counts, sums and versions."""
    units = [code for code in province_units("46") if code != "46"]
    plan = Plan(datetime.now(UTC).replace(microsecond=0), units, by_mqtt=mosquitto is not None, seed=seconds)
    system, data_dir = SectorSystem(plan, seconds), tmp_path / "centre"
    with disk_of_its_own(data_dir) as own_disk:
        write_sources(data_dir / "sources", system.address, mosquitto)
        beat = 'name = { vi = "Nhịp", en = "Beat" }\nkind = "http_push"\n'
        (data_dir / "sources" / f"{BEAT}.toml").write_text(beat, encoding="utf-8")
        try:
            with running_centre(data_dir) as centre:
                scene = Scene(centre, random.Random(plan.seed), BEAT, own_disk, polled=len(plan.polled))
                let_chaos_reign(scene, plan, mosquitto, seconds)
                check(scene, plan)
        finally:
            system.close()
    if not own_disk:
        pytest.skip("all but the full disk was shown: only root can give the data directory a disk of its own")


def let_chaos_reign(scene: Scene, plan: Plan, mqtt_port: int | None, seconds: int) -> None:
    """Let known data flow, and one fault after the other begin and end, each at least once in more than a minute."""
    ending = threading.Event()

    def keep_beating() -> None:
        while not ending.wait(BEAT_EVERY_S):
            scene.push_beat()

    began_s = time.monotonic()
    feeders = start_feeders(plan, scene.centre, mqtt_port, seconds)
    beating = threading.Thread(target=keep_beating, daemon=True)
    beating.start()
    with observing(scene.centre) as observer:
        wait_for("the first beat", lambda: observer.applied.get(BEAT), 60)
        take_snapshot(scene.centre)  # from then on the lab answers
        faults = all_faults(scene)
        while True:
            for fault in of_a_minute(faults, scene.rng) if seconds == A_MINUTE_S else faults:
                go_through(fault, scene, observer)
            if time.monotonic() - began_s >= seconds:
                break
            scene.rng.shuffle(faults)
        ending.set()
        for thread in (*feeders, beating):
            thread.join()


def go_through(fault: Fault, scene: Scene, observer: Observer) -> None:
    """Begin the fault, see that it shows (or that data flow on), end it, and see that data flow."""
    began_s = time.monotonic()
    flow = BEAT if fault.flow == "beat" else fault.flow
    first = flowed(scene, observer, flow)
    with fault.begin(scene):
        before = flowed(scene, observer, flow) if flow != FOREIGN else first

        def is_seen() -> str | None:
            if fault.shows:
                return observer.first_of(fault.shows, began_s)
            return observer.first_of(OF_FAULTS, began_s) or ("flow" if flowed(scene, observer, flow) > before else None)

        told = wait_for(f"that it shows: {fault.name}", is_seen, VISIBLE_WITHIN_S, 0.1)
        told_s = time.monotonic() - began_s
    before = flowed(scene, observer, flow) if flow != FOREIGN else first
    wait_for(f"data after: {fault.name}", lambda: flowed(scene, observer, flow) > before, FLOWS_WITHIN_S)
    data_s = time.monotonic() - began_s
    try:
        wait_for(f"a whole centre after: {fault.name}", lambda: observer.is_whole, FLOWS_WITHIN_S)
    except AssertionError:
        said = sorted(observer.since(observer.looked_s))
        pytest.fail(f"{fault.name}: the centre still says {said}: {scene.centre.ledger()['faults']}")
    whole_s = time.monotonic() - began_s
    print(
        f"{fault.name}: {told} after {told_s:.1f} s, data after {data_s:.1f} s, whole after {whole_s:.1f} s", flush=True
    )


OF_FAULTS = (
    "unreachable",
    "broker_away",
    "lab_away",
    "starting",
    "thread_failed",
    "partition_stalled",
    "store_unavailable",
)


def flowed(scene: Scene, observer: Observer, flow: str) -> float:
    """Return a number that grows as long as the flow of a source, or of the lab, goes on."""
    if flow == "polled" and observer.applied.get(flow) == scene.polled:
        return observer.reported[flow]  # all was polled, but its connector still reports
    if flow != "lab":
        return observer.applied.get(flow, 0)
    with suppress(httpx.HTTPError):
        ask_lab(scene.centre, "SELECT 1", 2)
        return time.monotonic()
    return 0.0


def check(scene: Scene, plan: Plan) -> None:
    """Compare the record of what was sent with what the API says."""
    centre = scene.centre
    expected = {
        BEAT: scene.beats + len(scene.extra_cases),
        FOREIGN: len(scene.extra_readings) - scene.beats,
        "files": sum(len(file) for file in plan.files),
        "polled": len(plan.polled),
        "cases": len(plan.versions),
        "pushed": sum(len(push) for push in plan.pushed),
    } | ({"published": len(plan.published)} if plan.published else {})

    def settled() -> dict | None:
        ledger = centre.ledger()
        accounts = {account["source"]: account for account in ledger["sources"]}
        applied = {source: accounts[source]["applied"] if source in accounts else 0 for source in expected}
        assert all(applied[source] <= expected[source] for source in expected), (applied, expected)
        return ledger if applied == expected and not any(a["in_flight"] for a in accounts.values()) else None

    ledger = wait_for("all records in the store, nothing in flight", settled, 120, 0.5)
    for account in ledger["sources"]:
        counted = account["applied"] + account["duplicate"] + sum(account["rejected"].values())
        assert account["received"] == counted, account
    faults = [
        (f["code"], f["params"]["topic"], f["params"]["partition"], f["params"]["first"])
        for f in ledger["coded_faults"]
    ]
    assert sorted(faults) == sorted(("log_cut", *cut) for cut in scene.cuts), "it balances but for the tails cut off"
    wait_for("a centre that is ready again", lambda: centre.get("/readyz"), 30, 0.5)
    take_snapshot(centre)
    assert stored_sums(centre) == expected_sums([*plan.readings(), *scene.extra_readings])
    assert stored_cases(centre) == expected_cases([*plan.versions, *scene.extra_cases])
