"""The server itself: stopping, taken ports, large bodies on the wire, slow queries beside quick answers."""

import asyncio
import os
import signal
import socket
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import httpx
import pytest

from ioc.errors import ConfigurationInvalid
from ioc.http_listener import listen
from tests.support.fake_centre import PUSH_SOURCE, PUSH_TOKEN, FakeParts
from tests.support.running_centre import free_port
from tests.support.websocket_clients import stopped_client

ROOT = Path(__file__).parents[3]
_SERVE = """
import sys, threading
from pathlib import Path
from ioc.api import create_app, serve
from tests.support.fake_centre import FakeParts, kpi_value
parts = FakeParts(Path(sys.argv[1]))
parts.kpis.takes_s = 4
parts.hub.publish(kpis=[kpi_value(unit=str(number)) for number in range(20_000)])
serve(create_app(parts.centre()), "127.0.0.1", int(sys.argv[2]))
print("came back", flush=True)
"""


def test_a_taken_port_is_said_in_one_sentence() -> None:
    with listen("127.0.0.1", 0) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(ConfigurationInvalid, match=rf"127\.0\.0\.1:{port}.*IOC_HTTP_PORT") as refused:
            listen("127.0.0.1", port)
        assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    "number", [signal.SIGTERM, pytest.param(signal.SIGINT, marks=pytest.mark.soak)], ids=["SIGTERM", "SIGINT"]
)
def test_stops_within_3_s_whatever_clients_do(tmp_path: Path, number: signal.Signals) -> None:
    """A websocket that reads nothing, one that is idle, a request that takes 4 s: `serve` still returns."""
    port = free_port()
    command = [sys.executable, "-c", _SERVE, str(tmp_path), str(port)]
    with subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env={**os.environ, "PYTHONPATH": str(ROOT)}
    ) as server:
        for _ in range(200):
            try:
                httpx.get(f"http://127.0.0.1:{port}/healthz")
                break
            except httpx.TransportError:
                time.sleep(0.1)
        clients = [stopped_client(port), stopped_client(port, "sources")]
        slow = socket.create_connection(("127.0.0.1", port))
        slow.sendall(b"GET /api/v1/kpis/dossier.overdue_now/history HTTP/1.1\r\nHost: x\r\n\r\n")
        time.sleep(0.5)
        began = time.monotonic()
        server.send_signal(number)
        assert server.stdout is not None
        said = server.stdout.readline()
        took_s = time.monotonic() - began
        _, err = server.communicate(timeout=10)
        for raw in [*clients, slow]:
            raw.close()
    assert took_s < 3
    assert said == b"came back\n"
    assert server.returncode == 0
    assert b"Traceback" not in err


def head(port: int, length: str) -> bytes:
    return (
        f"POST /api/v1/ingest/{PUSH_SOURCE} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n{length}"
        f"Authorization: Bearer {PUSH_TOKEN}\r\nContent-Type: application/json\r\n\r\n"
    ).encode()


def test_a_large_body_is_refused_by_its_length_alone(parts: FakeParts, port: int) -> None:
    with socket.create_connection(("127.0.0.1", port), timeout=5) as raw:
        raw.sendall(head(port, f"Content-Length: {51 * 2**20}\r\n"))
        answer = raw.recv(65536)
        assert answer.startswith(b"HTTP/1.1 413 ")
        assert b"application/problem+json" in answer
    assert not parts.push.pushed


def test_a_large_body_without_length_is_cut_off(parts: FakeParts, port: int) -> None:
    piece = b"100000\r\n" + b"1" * 0x100000 + b"\r\n"
    with socket.create_connection(("127.0.0.1", port), timeout=5) as raw:
        raw.sendall(head(port, "Transfer-Encoding: chunked\r\n"))
        sent = 0
        with suppress(OSError):
            while sent < 200:
                raw.sendall(piece)
                sent += 1
        assert 50 <= sent < 80
    assert not parts.push.pushed


async def test_50_mb_are_taken_on_the_wire(parts: FakeParts, port: int) -> None:
    async with httpx.AsyncClient(timeout=30) as client:
        answer = await client.post(
            f"http://127.0.0.1:{port}/api/v1/ingest/{PUSH_SOURCE}",
            content=b"1" * (50 * 2**20),
            headers={"Authorization": f"Bearer {PUSH_TOKEN}"},
        )
    assert answer.status_code == 202
    assert len(parts.push.pushed[0][1]) == 50 * 2**20


def test_a_push_that_breaks_off_counts_nothing(parts: FakeParts, port: int) -> None:
    with socket.create_connection(("127.0.0.1", port), timeout=5) as raw:
        raw.sendall(head(port, "Content-Length: 1000\r\n") + b"[1, 2")
    assert httpx.get(f"http://127.0.0.1:{port}/healthz").status_code == 200
    time.sleep(0.2)
    assert not parts.push.pushed


async def test_slow_queries_hold_no_quick_answer(parts: FakeParts, port: int) -> None:
    """More slow queries than there are threads for them."""
    parts.kpis.takes_s = 1.0
    base = f"http://127.0.0.1:{port}"
    async with httpx.AsyncClient(timeout=30) as client:
        slow = [asyncio.create_task(client.get(f"{base}/api/v1/kpis/lgsp.rate/history")) for _ in range(12)]
        await asyncio.sleep(0.2)
        waits_s = []
        for _ in range(10):
            began = time.monotonic()
            assert (await client.get(f"{base}/api/v1/units")).status_code == 200
            waits_s.append(time.monotonic() - began)
        assert {answer.status_code for answer in await asyncio.gather(*slow)} == {200}
    assert sorted(waits_s)[5] < 0.3


def test_what_is_no_http_gets_400(port: int) -> None:
    with socket.create_connection(("127.0.0.1", port), timeout=5) as raw:
        raw.sendall(b"\x16\x03\x01 not http at all\r\n\r\n")
        answer = raw.recv(1000)
    assert answer.startswith(b"HTTP/1.1 400 ")
    assert b"Traceback" not in answer
