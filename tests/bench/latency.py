"""From an event to a websocket client, at 100,000 readings a second: half and 99 % of events are there within …"""

import asyncio
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import orjson
from websockets.asyncio.client import connect

from tests.bench.load import PROVINCE, Load, template, write_pack
from tests.bench.report import Table, percentile
from tests.support.running_centre import RunningCentre, running_centre, wait_for

RATE = 100_000
WATCHED = "bench.watched_today"
PACK = """
[sector]
id = "watched"
name = { vi = "Đo độ trễ", en = "Latency" }
order = 99

[[measure]]
id = "bench.watched"
name = { vi = "Theo dõi", en = "Watched" }
unit_of_measure = "1"
kind = "delta"

[[kpi]]
id = "bench.watched_today"
name = { vi = "Theo dõi", en = "Watched" }
unit_of_measure = "1"
window = "today"
aggregate = { measure = "bench.watched", take = "count" }
basis = "đo tốc độ"
"""


def run(seconds: float) -> None:
    with tempfile.TemporaryDirectory(prefix="ioc-bench-") as root, watched_centre(Path(root)) as centre:
        delays_ms = measure(centre, Path(root), seconds, RATE)
    table = Table(f"Event to websocket client at {RATE:,} readings a second, {seconds:.0f} s", ("", "ms"))
    table.add("p50", f"{percentile(delays_ms, 0.5):.0f}")
    table.add("p99 (goal 400)", f"{percentile(delays_ms, 0.99):.0f}")
    table.add("most", f"{max(delays_ms, default=float('nan')):.0f}")
    table.print()


@contextmanager
def watched_centre(directory: Path) -> Iterator[RunningCentre]:
    """A whole centre in `directory/centre`, without sources of its own, whose catalogue has the watched KPI."""
    write_pack(directory / "catalog")
    (directory / "catalog" / "watched.toml").write_text(PACK, encoding="utf-8")
    environment = {"IOC_PROVINCE": PROVINCE, "IOC_CATALOG_DIR": str(directory / "catalog")}
    with running_centre(
        directory / "centre", environment=environment, arguments=("--no-demo", "--no-broker-password", "--workers", "1")
    ) as up:
        yield up


def measure(centre: RunningCentre, directory: Path, seconds: float, rate: int) -> list[float]:
    """Milliseconds of each batch. A batch counts the watched measure up by its rows, a tenth of a second's, so a shown
    count tells which batches it holds."""
    rows = rate // 10
    load = Load(centre.kafka, directory, directory / "catalog", rows=rows)
    load.templates = [template(rows, seed, ["bench.watched"]) for seed in range(4)]
    load.run(3, rate)  # the first values make the KPI known everywhere
    sent: list[tuple[int, float]] = []
    base = 0
    taken = load.writers[0].add_readings

    def noted(batch: object) -> object:
        nonlocal base
        base += rows
        sent.append((base, time.time()))
        return taken(batch)

    wait_for("the first values", lambda: centre.kpi(WATCHED, PROVINCE)["value"] is not None, 60)
    time.sleep(2)
    already = int(centre.kpi(WATCHED, PROVINCE)["value"])
    for writer in load.writers:
        writer.add_readings = noted  # type: ignore[method-assign,assignment]
    seen: list[tuple[float, float]] = []
    ending = threading.Event()
    watcher = threading.Thread(target=lambda: asyncio.run(_watch(centre.port, seen, ending)))
    watcher.start()
    time.sleep(1)
    load.run(seconds, rate)
    time.sleep(2)
    ending.set()
    watcher.join()
    load.close()
    delays: list[float] = []
    i = 0
    for value, at in seen:
        while i < len(sent) and sent[i][0] + already <= value:
            delays.append((at - sent[i][1]) * 1000)
            i += 1
    return delays


async def _watch(port: int, seen: list[tuple[float, float]], ending: threading.Event) -> None:
    async with connect(f"ws://127.0.0.1:{port}/ws/v1?topics=kpis", max_size=None) as socket:
        while not ending.is_set():
            try:
                message = orjson.loads(await asyncio.wait_for(socket.recv(), 1))
            except TimeoutError:
                continue
            at = time.time()
            seen.extend(
                (kpi["value"], at)
                for kpi in message.get("kpis", [])
                if kpi["id"] == WATCHED and kpi["unit"] == PROVINCE and kpi["value"] is not None
            )
