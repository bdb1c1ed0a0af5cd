"""Known data into a running centre from every kind of source, and what the store must hold of it."""

import threading
import time
from collections import defaultdict
from collections.abc import Iterable
from contextlib import suppress
from datetime import datetime
from pathlib import Path

import duckdb
import httpx
import paho.mqtt.client as mqtt
import pytest

from ioc.clock import rfc3339
from ioc.model.case import Case
from ioc.model.reading import Reading
from tests.acceptance.sector_systems import Plan, csv_of, ndjson_of
from tests.support.running_centre import RunningCentre, wait_for

HOST = "127.0.0.1"
PUSHERS = 4


def start_feeders(plan: Plan, centre: RunningCentre, mqtt_port: int | None, seconds: float) -> list[threading.Thread]:
    """Threads that hand over files, pushes and MQTT messages over about `seconds`; what is polled lies ready."""
    feeders = [
        threading.Thread(target=drop_files, args=(plan, centre.data_dir / "drop", seconds), daemon=True),
        *(
            threading.Thread(target=push_readings, args=(plan, centre, seconds, first), daemon=True)
            for first in range(PUSHERS)
        ),
    ]
    if mqtt_port is not None:
        wait_for("the MQTT session", lambda: is_open(centre, "published"), 60)
        feeders.append(threading.Thread(target=publish, args=(plan, mqtt_port, seconds), daemon=True))
    for feeder in feeders:
        feeder.start()
    return feeders


def drop_files(plan: Plan, directory: Path, seconds: float) -> None:
    """Put each file into the folder at even distances."""
    for number, readings in enumerate(plan.files):
        put_file(directory, f"air-{number:02}.csv", csv_of(readings).encode())
        time.sleep(seconds / len(plan.files))


def put_file(directory: Path, name: str, content: bytes) -> None:
    """Put a whole file into the folder by a rename; a disk without room is waited for."""
    draft = directory.parent / f"draft-{name}"
    while True:
        try:
            directory.mkdir(parents=True, exist_ok=True)
            draft.write_bytes(content)
            draft.replace(directory / name)
            return
        except OSError:
            time.sleep(0.2)


def push_until_taken(centre: RunningCentre, source: str, content: bytes, key: str) -> None:
    """Repeat a push under the same key until it is taken, as a careful sender does."""
    while True:
        with suppress(httpx.HTTPError):
            if centre.push(source, content, "application/x-ndjson", key).status_code == 202:
                return
        time.sleep(0.1)


def push_readings(plan: Plan, centre: RunningCentre, seconds: float, first: int) -> None:
    """Push every PUSHERS-th part of the plan from `first` on, at even distances."""
    for number in range(first, len(plan.pushed), PUSHERS):
        content = ndjson_of(plan.pushed[number])
        push_until_taken(centre, "pushed", content, f"push-{number}")
        time.sleep(PUSHERS * seconds / len(plan.pushed))


def publish(plan: Plan, port: int, seconds: float) -> None:
    """Publish each reading once, with acknowledgement by the server."""
    client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2, client_id="gateway", protocol=mqtt.MQTTv5)  # type: ignore[attr-defined]
    client.connect(HOST, port)
    client.loop_start()
    for reading in plan.published:
        payload = f'{{"value": {reading.value}, "time": "{rfc3339(reading.time)}"}}'
        topic = f"gateway/{reading.unit}/{reading.measure}/{reading.subject}"
        wait_for("the connection to the MQTT server", client.is_connected)
        client.publish(topic, payload, qos=1).wait_for_publish(30)
        time.sleep(seconds / len(plan.published) / 2)
    client.disconnect()
    client.loop_stop()


def is_open(centre: RunningCentre, source: str) -> bool:
    """Return whether the source is live."""
    return any(s["source"] == source and s["condition"] == "live" for s in centre.get("/api/v1/sources")["sources"])


def applied(centre: RunningCentre) -> int:
    """Records of all sources that the ledger counts as applied."""
    return sum(source["applied"] for source in centre.ledger()["sources"])


def balanced(centre: RunningCentre) -> dict | None:
    """Return the ledger when it balances with nothing in flight, else None."""
    ledger = centre.ledger()
    return ledger if ledger["balanced"] and not any(s["in_flight"] for s in ledger["sources"]) else None


def expected_panes(readings: Iterable[Reading]) -> dict:
    """By (measure, unit, subject, minute): count, sum, sum of squares, min, max, first and last with their times."""
    values: dict[tuple, list[Reading]] = defaultdict(list)
    for reading in readings:
        subject = reading.subject if reading.measure == "air.pm25" else ""
        minute = int(reading.time.timestamp()) // 60
        values[reading.measure, reading.unit, subject, minute].append(reading)
    return {key: _pane(of_key) for key, of_key in values.items()}


def _pane(readings: list[Reading]) -> tuple:
    values = [reading.value for reading in readings]
    placed = [(round(reading.time.timestamp() * 1000), reading.value) for reading in readings]
    return len(values), sum(values), sum(v * v for v in values), min(values), max(values), *min(placed), *max(placed)


def stored_panes(store: duckdb.DuckDBPyConnection) -> dict:
    """As `expected_panes`, from the store itself."""
    rows = store.execute(
        "SELECT m.id, u.id, coalesce(s.id, ''), minute, sum(n)::BIGINT, sum(sum), sum(sum_squares), min(least),"
        " max(most),"
        " min(first_at), arg_min(first, (first_at, first)), max(last_at), arg_max(last, (last_at, last))"
        " FROM minute_panes p JOIN measure_codes m ON m.code = p.measure JOIN unit_codes u ON u.code = p.unit"
        " LEFT JOIN subject_codes s ON s.code = p.subject GROUP BY ALL"
    ).fetchall()
    return {row[:4]: row[4:] for row in rows}


def expected_cases(versions: Iterable[Case]) -> dict:
    """By case: unit, status, time of the last version, time of closing."""
    latest = {case.case_id: case for case in sorted(versions, key=lambda case: case.updated_at)}
    return {
        case.case_id: (case.unit, case.status, naive(case.updated_at), naive(case.closed_at))
        for case in latest.values()
    }


def stored_cases(store: duckdb.DuckDBPyConnection) -> dict:
    """As `expected_cases`, from the store itself."""
    rows = store.execute("SELECT case_id, unit, status, updated_at, closed_at FROM cases").fetchall()
    return {row[0]: row[1:] for row in rows}


def naive(moment: datetime | None) -> datetime | None:
    """UTC in whole milliseconds, as stored."""
    return datetime.fromisoformat(rfc3339(moment)).replace(tzinfo=None) if moment else None


def await_equal_kpis(plan: Plan, centre: RunningCentre) -> None:
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
    on_time = [case for case in month if case.closed_at <= case.due_at]  # type: ignore[operator]
    assert values["dossier.on_time_rate"]["samples"] == len(month)
    assert values["dossier.on_time_rate"]["value"] == pytest.approx(100 * len(on_time) / len(month))
    moment = datetime.fromisoformat(values["dossier.overdue_now"]["window"]["to"])
    overdue = [case for case in last if not case.closed_at and case.due_at < moment]  # type: ignore[operator]
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
