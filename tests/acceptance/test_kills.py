"""Every process is killed again and again while known data flows, or the broker stands still; at the end nothing is
missing or double."""

import random
import shutil
import socket
import subprocess
import threading
import time
import warnings
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import httpx
import paho.mqtt.client as mqtt
import pytest

from ioc.catalog.units import province_units
from ioc.clock import rfc3339
from ioc.model.reading import Reading
from tests.acceptance.sector_systems import Plan, SectorSystem, csv_of, ndjson_of, write_sources
from tests.running import RunningCentre, free_port, running_centre, wait_for

HOST = "127.0.0.1"
KILLS = 5
PARTS = ("connect", "worker", "serve", "broker")
FLOW_S = 30.0
STILL_S = 40.0
PUSHERS = 4


@pytest.fixture
def mosquitto(tmp_path: Path) -> Iterator[int | None]:
    """The port of an MQTT server; None, with a warning in pytest's summary, where Mosquitto is not installed."""
    binary = shutil.which("mosquitto") or shutil.which("mosquitto", path="/usr/sbin")
    if binary is None:
        warnings.warn("Mosquitto is not installed: what MQTT would carry is pushed over HTTP", stacklevel=1)
        yield None
        return
    port = free_port()
    settings = tmp_path / "mosquitto.conf"
    settings.write_text(f"listener {port} 127.0.0.1\nallow_anonymous true\nmax_queued_messages 0\n")
    process = subprocess.Popen([binary, "-c", str(settings)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    yield port
    process.terminate()
    process.wait(10)


def kill_in_turn(centre: RunningCentre, rng: random.Random) -> None:
    killed: dict[str, set[int]] = defaultdict(set)
    for _ in range(KILLS):
        for part in rng.sample(PARTS, len(PARTS)):
            time.sleep(rng.uniform(0.5, 2.2))
            killed[part].add(centre.kill(part, rng.randrange(2)))
    assert {part: len(pids) for part, pids in killed.items()} == dict.fromkeys(PARTS, KILLS)


def hold_the_broker(centre: RunningCentre, rng: random.Random) -> None:
    """For longer than any client waits for an answer: each gives up what it has asked for, and more than once."""
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
        wait_for("the port", lambda: other.bind(place) is None, 10, 0.001)
        other.listen()
        wait_for("another address", lambda: (centre.data_dir / "kafka.address").read_text() != before, 60)
    wait_for("the server", lambda: centre.get("/readyz"), 60)


@pytest.mark.kafka
@pytest.mark.slow
@pytest.mark.filterwarnings("default:Mosquitto is not installed")
@pytest.mark.parametrize(
    "trouble",
    [
        pytest.param(kill_in_turn, id="every process is killed"),
        pytest.param(hold_the_broker, id="the broker stands still", marks=pytest.mark.soak),
        pytest.param(take_the_brokers_port, id="the broker must move", marks=pytest.mark.soak),
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
            feeders = [
                threading.Thread(target=_drop_files, args=(plan, data_dir / "drop"), daemon=True),
                *(threading.Thread(target=_push, args=(plan, centre, first), daemon=True) for first in range(PUSHERS)),
            ]
            if mosquitto is not None:
                wait_for("the MQTT session", lambda: _is_open(centre, "published"), 60)
                feeders.append(threading.Thread(target=_publish, args=(plan, mosquitto), daemon=True))
            for feeder in feeders:
                feeder.start()
            with faults_seen(centre) as seen:
                trouble(centre, random.Random(plan.seed))
            assert "broker_away" in seen, "the centre said nothing of a broker that was away"
            for feeder in feeders:
                feeder.join()
            expected = sum(1 for _ in plan.readings()) + len(plan.versions)
            wait_for("all records in the store", lambda: _applied(centre) >= expected, 120, 0.5)
            ledger = wait_for("a balanced ledger", lambda: _balanced(centre), 60, 0.5)
            _await_equal_kpis(plan, centre)
            wait_for("a centre that is ready again", lambda: centre.get("/readyz"), 30, 0.5)
    finally:
        system.close()
    assert sum(source["applied"] for source in ledger["sources"]) == expected
    with duckdb.connect(str(data_dir / "store" / "ioc.duckdb"), read_only=True) as store:
        assert _stored_panes(store) == _expected_panes(plan)
        assert _stored_cases(store) == _expected_cases(plan)


@contextmanager
def faults_seen(centre: RunningCentre) -> Iterator[set[str]]:
    """Codes of all faults that `/readyz` has named meanwhile."""
    seen: set[str] = set()
    ending = threading.Event()

    def look() -> None:
        while not ending.wait(0.2):
            with suppress(httpx.HTTPError, ValueError):
                answer = httpx.get(f"{centre.address}/readyz", timeout=2)
                seen.update(fault["code"] for fault in answer.json().get("errors", ()))

    looking = threading.Thread(target=look, daemon=True)
    looking.start()
    yield seen
    ending.set()
    looking.join()


def _drop_files(plan: Plan, directory: Path) -> None:
    for number, readings in enumerate(plan.files):
        directory.mkdir(parents=True, exist_ok=True)
        draft = directory.parent / f"draft-{number}"
        draft.write_text(csv_of(readings), encoding="utf-8")
        draft.replace(directory / f"air-{number:02}.csv")
        time.sleep(FLOW_S / len(plan.files))


def _push(plan: Plan, centre: RunningCentre, first: int) -> None:
    """A sender that repeats a push under the same key until it is taken, as a careful one does."""
    for number in range(first, len(plan.pushed), PUSHERS):
        content = ndjson_of(plan.pushed[number])
        while True:
            try:
                if centre.push("pushed", content, "application/x-ndjson", f"push-{number}").status_code == 202:
                    break
            except httpx.HTTPError:
                pass
            time.sleep(0.1)
        time.sleep(FLOW_S / len(plan.pushed))


def _publish(plan: Plan, port: int) -> None:
    client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2, client_id="gateway", protocol=mqtt.MQTTv5)
    client.connect("127.0.0.1", port)
    client.loop_start()
    for reading in plan.published:
        payload = f'{{"value": {reading.value}, "time": "{rfc3339(reading.time)}"}}'
        topic = f"gateway/{reading.unit}/{reading.measure}/{reading.subject}"
        client.publish(topic, payload, qos=1).wait_for_publish(30)
        time.sleep(FLOW_S / len(plan.published) / 2)
    client.disconnect()
    client.loop_stop()


def _is_open(centre: RunningCentre, source: str) -> bool:
    return any(s["source"] == source and s["condition"] == "live" for s in centre.get("/api/v1/sources")["sources"])


def _applied(centre: RunningCentre) -> int:
    return sum(source["applied"] for source in centre.ledger()["sources"])


def _balanced(centre: RunningCentre) -> dict | None:
    ledger = centre.ledger()
    return ledger if ledger["balanced"] and not any(s["in_flight"] for s in ledger["sources"]) else None


def _expected_panes(plan: Plan) -> dict:
    values: dict[tuple, list[Reading]] = defaultdict(list)
    for reading in plan.readings():
        subject = reading.subject if reading.measure == "air.pm25" else ""
        minute = int(reading.time.timestamp()) // 60
        values[reading.measure, reading.unit, subject, minute].append(reading)
    return {key: _pane(readings) for key, readings in values.items()}


def _pane(readings: list[Reading]) -> tuple:
    values = [reading.value for reading in readings]
    placed = [(round(reading.time.timestamp() * 1000), reading.value) for reading in readings]
    return len(values), sum(values), sum(v * v for v in values), min(values), max(values), *min(placed), *max(placed)


def _stored_panes(store: duckdb.DuckDBPyConnection) -> dict:
    rows = store.execute(
        "SELECT m.id, u.id, coalesce(s.id, ''), minute, sum(n)::BIGINT, sum(sum), sum(sum_squares), min(least),"
        " max(most),"
        " min(first_at), arg_min(first, (first_at, first)), max(last_at), arg_max(last, (last_at, last))"
        " FROM minute_panes p JOIN measure_codes m ON m.code = p.measure JOIN unit_codes u ON u.code = p.unit"
        " LEFT JOIN subject_codes s ON s.code = p.subject GROUP BY ALL"
    ).fetchall()
    return {row[:4]: row[4:] for row in rows}


def _expected_cases(plan: Plan) -> dict:
    latest = {case.case_id: case for case in sorted(plan.versions, key=lambda case: case.updated_at)}
    return {
        case.case_id: (case.unit, case.status, _naive(case.updated_at), _naive(case.closed_at))
        for case in latest.values()
    }


def _stored_cases(store: duckdb.DuckDBPyConnection) -> dict:
    rows = store.execute("SELECT case_id, unit, status, updated_at, closed_at FROM cases").fetchall()
    assert store.execute("SELECT count(*) FROM case_changes").fetchall() == [(6000,)]
    return {row[0]: row[1:] for row in rows}


def _naive(moment: datetime | None) -> datetime | None:
    """UTC in whole milliseconds, as stored."""
    return datetime.fromisoformat(rfc3339(moment)).replace(tzinfo=None) if moment else None


def _await_equal_kpis(plan: Plan, centre: RunningCentre) -> None:
    """What is in the store is evaluated soon, on a busy machine a little later."""
    deadline = time.monotonic() + 30
    while True:
        values = {v["id"]: v for v in centre.get("/api/v1/kpis", unit="46")["kpis"]}
        try:
            return _compare_kpis(plan, values)
        except (AssertionError, KeyError):
            if time.monotonic() > deadline:
                raise
        time.sleep(0.5)


def _compare_kpis(plan: Plan, values: dict) -> None:
    """Every KPI of the four measures against a count over the plan, within the window that the value itself names."""
    last = {case.case_id: case for case in sorted(plan.versions, key=lambda case: case.updated_at)}.values()
    closed = [case for case in last if case.closed_at]
    in_window = lambda moment, kpi: _within(moment, values[kpi])  # noqa: E731

    def of(measure: str, kpi: str) -> list[float]:
        return [r.value for r in plan.readings() if r.measure == measure and in_window(r.time, kpi)]

    transactions = of("lgsp.transactions", "lgsp.transactions_today")
    assert values["lgsp.transactions_today"]["value"] == (sum(transactions) if transactions else None)
    air = of("air.pm25", "air.pm25_mean_24h")
    assert values["air.pm25_mean_24h"]["value"] == pytest.approx(sum(air) / len(air))
    assert values["air.pm25_mean_24h"]["samples"] == len(air)
    month = [case for case in closed if in_window(case.closed_at, "dossier.on_time_rate")]
    on_time = [case for case in month if case.closed_at <= case.due_at]
    assert values["dossier.on_time_rate"]["samples"] == len(month)
    assert values["dossier.on_time_rate"]["value"] == pytest.approx(100 * len(on_time) / len(month))
    moment = datetime.fromisoformat(values["dossier.overdue_now"]["window"]["to"])
    overdue = [case for case in last if not case.closed_at and case.due_at < moment]
    assert values["dossier.overdue_now"]["value"] == len(overdue)
    received = [case for case in last if in_window(case.received_at, "dossier.online_share")]
    online = [case for case in received if case.channel == "online"]
    assert values["dossier.online_share"]["value"] == pytest.approx(100 * len(online) / len(received))
    latency = sorted(of("lgsp.latency", "lgsp.latency_p95"))
    if len(latency) >= 20:
        exact = latency[max(0, -(-len(latency) * 95 // 100) - 1)]
        assert values["lgsp.latency_p95"]["value"] == pytest.approx(exact, rel=0.02)


def _within(moment: datetime, value: dict) -> bool:
    return datetime.fromisoformat(value["window"]["from"]) <= moment < datetime.fromisoformat(value["window"]["to"])
