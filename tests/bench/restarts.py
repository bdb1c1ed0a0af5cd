"""SIGKILL of each part of the demonstration province under load: how long until data flows again."""

import itertools
import os
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import orjson
from kafka import KafkaConsumer, TopicPartition

from connectors.registry import PULLED
from ioc.clock import SystemClock, rfc3339
from ioc.errors import BatchMalformed
from ioc.topics import CASES, READINGS
from ioc.wire.headers import BatchHeaders
from tests.bench.report import Table
from tests.support.running_centre import RunningCentre, wait_for

GOALS_S = {"worker": 3, "connect": 2, "lab": 2, "broker": 6, "serve": 6, "supervisor": 10}
IN_A_ROW = {"broker": 3}
PUSHERS = 4
ROWS_A_PUSH = 500
PUSH_EVERY_S = 0.4
PATIENCE_S = 90.0
CAUGHT_UP_S = 1.5
FIRST_SNAPSHOT_WITHIN_S = 600.0
KPI, UNIT = "records.handed_over_today", "46"
DAYS = os.environ.get("IOC_DEMO_DAYS", "365")


def run() -> None:
    with tempfile.TemporaryDirectory(prefix="ioc-bench-", ignore_cleanup_errors=True) as root:
        centre = RunningCentre(Path(root), arguments=("--workers", "1"), environment={"IOC_DEMO_DAYS": DAYS})
        rate = PUSHERS * ROWS_A_PUSH / PUSH_EVERY_S
        heads = ("", "seconds", "undisturbed", "goal")
        table = Table(f"SIGKILL under {rate:,.0f} pushed readings a second, {DAYS} days of history", heads)
        try:
            centre.start()
            wait_for("the history", lambda: (Path(root) / "up.log").read_text().count("Ctrl-C stops"), 900, 1)
            time.sleep(60)  # what was loaded is rolled up, and a first snapshot is taken
            with pushing(centre):
                time.sleep(5)
                _shown[0] = float(centre.kpi(KPI, UNIT).get("value") or 0)
                _await_lab(centre)
                for part, goal in GOALS_S.items():
                    undisturbed_s = _undisturbed(centre)
                    for number in range(IN_A_ROW.get(part, 1)):
                        took_s = time_until_flow(centre, part)
                        name = f"{part} (number {number + 1} in a row)" if part in IN_A_ROW else part
                        table.add(name, f"{took_s:.1f}", f"{undisturbed_s:.1f}", f"{goal}")
                        print(f"{name}: {took_s:.1f} s (a push takes {undisturbed_s:.1f} s before)", flush=True)
                    time.sleep(10)
        finally:
            centre.stop()
    table.print()


@contextmanager
def pushing(centre: RunningCentre) -> Iterator[None]:
    """Push readings from several clients; what is refused meanwhile is tried again."""
    ending = threading.Event()

    def push(first: int) -> None:
        numbers = itertools.count(first, PUSHERS)
        while not ending.wait(PUSH_EVERY_S):
            now, subject = rfc3339(SystemClock().now()), f"LOAD-{next(numbers)}"
            rows = [
                {
                    "measure": "air.pm25",
                    "unit": "19753",
                    "time": now,
                    "value": n % 90 + 0.5,
                    "subject": f"{subject}-{n}",
                }
                for n in range(ROWS_A_PUSH)
            ]
            content = orjson.dumps(rows)
            while not ending.is_set():
                with suppress(httpx.HTTPError):
                    if centre.push("demo-push", content, "application/json", subject).status_code == 202:
                        break
                ending.wait(0.2)

    pushers = [threading.Thread(target=push, args=(first,), daemon=True) for first in range(PUSHERS)]
    for pusher in pushers:
        pusher.start()
    yield
    ending.set()
    for pusher in pushers:
        pusher.join(35)


def _undisturbed(centre: RunningCentre) -> float:
    """Seconds that a push takes to a KPI while nothing is killed, once the centre has caught up."""
    deadline = time.monotonic() + PATIENCE_S
    while True:
        began = time.monotonic()
        _await_pushed(centre)
        took_s = time.monotonic() - began
        if took_s < CAUGHT_UP_S or began > deadline:
            return took_s


def time_until_flow(centre: RunningCentre, part: str) -> float:
    """Seconds from the kill until what came in after it has gone all the way."""
    with _flow(centre, part) as flows:
        centre.kill(part)
        began = time.monotonic()
        flows()
        return time.monotonic() - began


def _flow(centre: RunningCentre, part: str) -> AbstractContextManager[Callable[[], None]]:
    """What tells, by returning, that data flows through the part again."""
    if part == "connect":
        return _pulled(centre)
    return nullcontext(partial(_await_lab if part == "lab" else _await_pushed, centre))


def _await_pushed(centre: RunningCentre) -> None:
    """Until a reading that is pushed after the kill has changed a KPI."""
    key = f"restart-{time.time_ns()}"
    before = _shown[0]

    def pushed() -> bool:
        now = rfc3339(SystemClock().now())
        row = {"measure": "records.handed_over", "unit": UNIT, "time": now, "value": 1, "subject": key}
        return centre.push("demo-push", orjson.dumps([row]), "application/json", key).status_code == 202

    def shown() -> bool:
        _shown[0] = float(centre.kpi(KPI, UNIT).get("value") or 0)
        return _shown[0] >= before + 1

    wait_for("the push", pushed, PATIENCE_S, 0.05)
    wait_for("the pushed value", shown, PATIENCE_S, 0.05)


_shown = [0.0]
"""The last value of KPI that was seen: after a kill nobody may answer."""


def _await_lab(centre: RunningCentre) -> None:
    def answered() -> bool:
        headers = {"Authorization": f"Bearer {centre.admin_token()}"}
        answer = httpx.post(f"{centre.address}/api/v1/sql", json={"sql": "SELECT 1"}, headers=headers, timeout=10)
        return answer.status_code == 200

    wait_for("an answer of the lab", answered, FIRST_SNAPSHOT_WITHIN_S, 0.05)


@contextmanager
def _pulled(centre: RunningCentre) -> Iterator[Callable[[], None]]:
    """Give a function that waits for records of a source of `ioc connect`, of a generation that begins after now."""
    since_ms = time.time_ns() // 1_000_000
    pulled = {row["source"] for row in centre.get("/api/v1/sources")["sources"] if row["kind"] in PULLED}
    consumer = KafkaConsumer(bootstrap_servers=centre.kafka)
    places = [TopicPartition(topic, n) for topic in (READINGS, CASES) for n in consumer.partitions_for_topic(topic)]
    consumer.assign(places)
    consumer.seek_to_end(*places)
    for place in places:
        consumer.position(place)

    def is_new(record: Any) -> bool:
        try:
            headers = BatchHeaders.decode(record.headers)
        except BatchMalformed:
            return False
        return headers.source in pulled and headers.generation > since_ms and headers.sequence > 0

    def flows() -> bool:
        return any(is_new(record) for records in consumer.poll(timeout_ms=50).values() for record in records)

    yield lambda: wait_for("records of a pulled source", flows, PATIENCE_S, 0)
    consumer.close()
