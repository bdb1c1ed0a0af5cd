"""Hostile clients on real sockets: the server keeps answering and disconnects them."""

import asyncio
import resource
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace

import httpx
import pytest

from ioc.api.http.connections import ConnectionLimits
from tests.support.fake_centre import FakeParts, kpi_value

IMPATIENT = replace(ConnectionLimits.within(65_536), head_within_s=0.5, progress_within_s=0.5)
MB = 1 << 20


@pytest.fixture(scope="module", autouse=True)
def enough_descriptors() -> Iterator[None]:
    """The clients are in this process too."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 65_536), hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def opened(port: int, first: bytes = b"") -> socket.socket:
    raw = socket.create_connection(("127.0.0.1", port), timeout=5)
    raw.sendall(first)
    return raw


def is_closed_by_server(raw: socket.socket, within_s: float = 5) -> bool:
    """Whether the server ends the connection; what it sends before is read."""
    raw.settimeout(within_s)
    try:
        while raw.recv(65536):
            pass
    except TimeoutError:
        return False
    except ConnectionError:
        pass
    return True


def health(port: int) -> int:
    return httpx.get(f"http://127.0.0.1:{port}/healthz", timeout=5).status_code


def test_a_thousand_idle_connections(parts: FakeParts, run_server: Callable[..., int]) -> None:
    """Idle clients take nearly all connections; a client that sends a request is served, and they are disconnected."""
    port = run_server(parts, limits=replace(IMPATIENT, total=1000, per_address=1000, head_within_s=2.0))
    idle = [opened(port) for _ in range(1000)]
    try:
        assert [health(port) for _ in range(5)] == [200] * 5
        assert all(is_closed_by_server(raw) for raw in idle)
    finally:
        for raw in idle:
            raw.close()


@pytest.mark.parametrize(
    "start",
    [
        pytest.param(b"GET /healthz HTTP/1.1\r\nHost: x\r\nX-Slow: ", id="a head that does not end"),
        pytest.param(
            b"POST /api/v1/session HTTP/1.1\r\nHost: x\r\nContent-Length: 9000\r\n\r\n{",
            id="a body that does not end",
        ),
        pytest.param(
            b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\nGET /healthz HTTP/1.1\r\nX-Slow: ",
            id="a second head that does not end",
        ),
    ],
)
def test_a_drip_is_cut_off(parts: FakeParts, run_server: Callable[..., int], start: bytes) -> None:
    port = run_server(parts, limits=IMPATIENT)
    raw = opened(port, start)
    with suppress(OSError):
        for _ in range(40):
            time.sleep(0.1)
            raw.sendall(b"x")
        pytest.fail("the server still takes it after 4 s")
    raw.close()


def test_an_answer_that_nobody_reads_is_given_up(parts: FakeParts, run_server: Callable[..., int]) -> None:
    parts.kpis.present = [kpi_value(unit=str(number)) for number in range(40_000)]
    port = run_server(parts, limits=IMPATIENT)
    raw = socket.socket()
    raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    raw.connect(("127.0.0.1", port))
    raw.sendall(b"GET /api/v1/kpis HTTP/1.1\r\nHost: x\r\n\r\n")
    assert settles(port, 1), "the connection is still held"
    raw.close()


def settles(port: int, connections: int) -> bool:
    """Return whether that many connections are open soon; the one that requests the number is one of them."""
    until = time.monotonic() + 8
    while (found := _value(port, "ioc_http_connections")) != connections and time.monotonic() < until:
        time.sleep(0.2)
    return found == connections


def _value(port: int, name: str) -> float:
    text = httpx.get(f"http://127.0.0.1:{port}/metrics", timeout=5).text
    return float(next(line.split()[1] for line in text.splitlines() if line.startswith(f"{name} ")))


async def test_600_mb_to_the_login(parts: FakeParts, port: int) -> None:
    """Refused by its length, unread; without a length after the first pieces. Others are not held up."""
    waits_s, answered = [], asyncio.Event()

    async def ask_health() -> None:
        async with httpx.AsyncClient() as client:
            while True:
                began_s = time.monotonic()
                assert (await client.get(f"http://127.0.0.1:{port}/healthz")).status_code == 200
                waits_s.append(time.monotonic() - began_s)
                answered.set()
                await asyncio.sleep(0.01)

    def send(head: bytes, piece: bytes) -> tuple[bytes, int]:
        raw, sent = opened(port, b"POST /api/v1/session HTTP/1.1\r\nHost: x\r\n" + head), 0
        with suppress(OSError):
            while sent < 600 * MB:
                raw.sendall(piece)
                sent += len(piece)
        with suppress(OSError):
            return raw.recv(65536), sent
        return b"", sent

    asking = asyncio.create_task(ask_health())
    await answered.wait()
    piece = b"1" * MB
    answer, sent = await asyncio.to_thread(send, b"Content-Length: %d\r\n\r\n" % (600 * MB), piece)
    assert sent < 64 * MB
    assert answer == b"" or answer.startswith(b"HTTP/1.1 413 ")
    chunk = b"%x\r\n" % MB + piece + b"\r\n"
    answer, sent = await asyncio.to_thread(send, b"Transfer-Encoding: chunked\r\n\r\n", chunk)
    assert sent < 64 * MB
    asking.cancel()
    assert max(waits_s) < 2


def test_a_refusal_is_read_by_a_client_that_sends_all_of_it_first(port: int) -> None:
    raw = opened(port, b"POST /api/v1/session HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % (2 * MB))
    raw.sendall(b"1" * (2 * MB))
    assert raw.recv(65536).startswith(b"HTTP/1.1 413 ")
    raw.close()


def test_websockets_that_read_nothing(parts: FakeParts, run_server: Callable[..., int]) -> None:
    """No more than there are places; the others are told to come again, and the state of the process is not held up."""
    parts.hub.publish(kpis=[kpi_value(unit=str(number)) for number in range(5_000)])
    port = run_server(parts, limits=replace(IMPATIENT, total=400, per_address=300, websockets=200))
    ask = (
        b"GET /ws/v1 HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
        b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
    )
    silent = [opened(port, ask) for _ in range(300)]
    try:
        codes = [raw.recv(12) for raw in silent]
        assert (codes.count(b"HTTP/1.1 101"), codes.count(b"HTTP/1.1 503")) == (200, 100)
        assert health(port) == 200
        for raw in silent:
            raw.close()
        assert settles(port, 1)
    finally:
        for raw in silent:
            raw.close()


def test_with_every_place_at_work_the_state_of_the_process_is_still_told(
    parts: FakeParts, run_server: Callable[..., int]
) -> None:
    parts.kpis.takes_s = 1.5
    port = run_server(parts, limits=replace(IMPATIENT, total=2, per_address=2))
    busy = [opened(port, b"GET /api/v1/kpis/lgsp.rate/history HTTP/1.1\r\nHost: x\r\n\r\n") for _ in range(2)]
    time.sleep(0.2)
    assert health(port) == 200
    assert httpx.get(f"http://127.0.0.1:{port}/api/v1/units").status_code == 503
    for raw in busy:
        raw.close()
