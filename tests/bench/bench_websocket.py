"""1,000 websocket clients at 8 updates a second: processor share of the server, and time from publish to client.

    .venv/bin/python -m tests.bench.bench_websocket [--clients 1000] [--values 20] [--seconds 15] [--asgi]

Server and clients are processes of their own on loopback. `--asgi` sends through ASGI instead of the direct way, for
the ratio. The clock is the machine's: the values carry the moment of publishing, the clients read it.
"""

import argparse
import asyncio
import json
import subprocess
import sys
import tempfile
import threading
import time
from base64 import b64encode
from datetime import UTC, datetime
from os import urandom
from pathlib import Path
from typing import cast

import psutil
import uvloop

from ioc.api import create_app
from ioc.api.server import configured
from ioc.clock import SystemClock
from ioc.http_listener import listen
from tests.support.fake_centre import FakeParts, kpi_value

UPDATES_PER_S = 8
_MARK = b'"as_of":"'


def serve(values: int, asgi: bool) -> None:
    """A centre that publishes `values` changed KPI values every 1/8 s; prints its port."""
    parts = FakeParts(Path(tempfile.mkdtemp()), clock=SystemClock())
    units = list(parts.catalog.vocabulary.units)
    kpis = list(parts.catalog.kpis)
    keys = [(kpi, unit) for unit in units for kpi in kpis][:values]
    listener = listen("127.0.0.1", 0)
    server = configured(create_app(parts.centre()))
    if asgi:
        server.config.ws = "websockets-sansio"

    def publish() -> None:
        began = time.monotonic()
        for tick in range(10**9):
            time.sleep(max(0.0, began + tick / UPDATES_PER_S - time.monotonic()))
            now = datetime.now(UTC)
            parts.hub.publish(kpis=[kpi_value(kpi, unit, float(tick), as_of=now) for kpi, unit in keys])

    threading.Thread(target=publish, daemon=True).start()
    print(listener.getsockname()[1], flush=True)
    server.run(sockets=[listener])


class WallClient(asyncio.Protocol):
    """As little of a websocket client as counts messages and reads their moment, so that the clients' own cost does
    not hide the server's. The first message seen in each read is timed."""

    def __init__(self, port: int, delays_ms: list[float]) -> None:
        self.request = (
            f"GET /ws/v1?topics=kpis HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n"
            "Connection: Upgrade\r\nUpgrade: websocket\r\n"
            f"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {b64encode(urandom(16)).decode()}\r\n\r\n"
        ).encode()
        self.delays_ms = delays_ms
        self.measuring = False
        self.deltas = 0
        self.received_bytes = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)
        self.transport.write(self.request)

    def data_received(self, data: bytes) -> None:
        if not self.measuring:
            return
        self.received_bytes += len(data)
        if deltas := data.count(b'"type":"delta"'):
            self.deltas += deltas
            at = data.find(_MARK)
            if at >= 0:
                sent = datetime.fromisoformat(data[at + len(_MARK) : at + len(_MARK) + 24].decode())
                self.delays_ms.append((time.time() - sent.timestamp()) * 1000)


async def load(port: int, pid: int, clients: int, seconds: float) -> dict[str, float]:
    loop = asyncio.get_running_loop()
    delays_ms: list[float] = []
    walls = []
    for first in range(0, clients, 50):
        opened = [
            loop.create_connection(lambda: WallClient(port, delays_ms), "127.0.0.1", port)
            for _ in range(min(50, clients - first))
        ]
        walls += [protocol for _, protocol in await asyncio.gather(*opened)]
    await asyncio.sleep(2)
    server = psutil.Process(pid)
    used = server.cpu_times()
    began = time.perf_counter()
    for wall in walls:
        wall.measuring = True
    await asyncio.sleep(seconds)
    for wall in walls:
        wall.measuring = False
    took = time.perf_counter() - began
    after = server.cpu_times()
    memory_mb = server.memory_info().rss / 1e6
    for wall in walls:
        wall.transport.abort()
    delays_ms.sort()
    deltas = sum(wall.deltas for wall in walls)
    user, system = after.user - used.user, after.system - used.system
    return {
        "clients": clients,
        "updates_per_client_s": round(deltas / clients / took, 2),
        "cpu_percent": round(100 * (user + system) / took, 1),
        "cpu_user_percent": round(100 * user / took, 1),
        "cpu_system_percent": round(100 * system / took, 1),
        "us_per_message": round(1e6 * (user + system) / max(deltas, 1), 1),
        "bytes_per_message": round(sum(wall.received_bytes for wall in walls) / max(deltas, 1)),
        "p50_ms": round(delays_ms[len(delays_ms) // 2], 1),
        "p99_ms": round(delays_ms[len(delays_ms) * 99 // 100], 1),
        "memory_mb": round(memory_mb),
    }


def measure(clients: int = 1000, values: int = 20, seconds: float = 15, *, asgi: bool = False) -> dict[str, float]:
    """Bounded by `seconds` and about 6 s of opening and closing."""
    command = [sys.executable, "-m", "tests.bench.bench_websocket", "--serve", "--values", str(values)]
    with subprocess.Popen([*command, *(["--asgi"] if asgi else [])], stdout=subprocess.PIPE) as server:
        assert server.stdout is not None
        try:
            port = int(server.stdout.readline())
            time.sleep(1)
            return uvloop.run(load(port, server.pid, clients, seconds))
        finally:
            server.terminate()


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--clients", type=int, default=1000)
    parser.add_argument("--values", type=int, default=20)
    parser.add_argument("--seconds", type=float, default=15)
    parser.add_argument("--asgi", action="store_true")
    parser.add_argument("--serve", action="store_true")
    chosen = parser.parse_args()
    if chosen.serve:
        serve(chosen.values, chosen.asgi)
    else:
        print(json.dumps(measure(chosen.clients, chosen.values, chosen.seconds, asgi=chosen.asgi), indent=1))
