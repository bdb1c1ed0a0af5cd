"""The websocket under the real server, with a real client."""

import asyncio
import time
from collections.abc import Callable
from datetime import UTC, datetime

import psutil
import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from ioc.api.live import hub as hub_module
from tests.support.fake_centre import FakeParts, kpi_value, source_state
from tests.support.websocket_clients import address, receive_message, stopped_client


@pytest.mark.parametrize("ws", ["", "websockets-sansio"], ids=["direct", "through ASGI"])
async def test_hello_snap_delta_heartbeat(parts: FakeParts, run_server: Callable[..., int], ws: str) -> None:
    parts.hub.publish(kpis=[kpi_value()], sources=[source_state()])
    async with connect(address(run_server(parts, ws))) as socket:
        assert socket.protocol.extensions == []
        hello = await receive_message(socket, "hello", "snap", "delta", "hb")
        snap = await receive_message(socket, "hello", "snap", "delta", "hb")
        assert (hello["type"], hello["version"], snap["type"]) == ("hello", 1, "snap")
        assert snap["seq"] == hello["seq"]
        assert [row["value"] for row in snap["kpis"]] == [12.0]
        position = snap["seq"]
        for value in (13.0, 14.0, 15.0):
            parts.hub.publish(kpis=[kpi_value(value=value)])
            delta = await receive_message(socket, "delta")
            assert [row["value"] for row in delta["kpis"]] == [value]
            assert delta["prev"] == position < delta["seq"]
            position = delta["seq"]
        first, second = await receive_message(socket, "hb"), await receive_message(socket, "hb")
        assert first["seq"] == second["seq"] == position
        apart = datetime.fromisoformat(second["server_time"]) - datetime.fromisoformat(first["server_time"])
        assert 0.8 < apart.total_seconds() < 1.5


async def test_a_quick_series_is_merged_to_the_tick(parts: FakeParts, port: int) -> None:
    async with connect(address(port)) as socket:
        await receive_message(socket, "snap")
        for value in range(200):
            parts.hub.publish(kpis=[kpi_value(value=float(value))])
            await asyncio.sleep(0.002)
        deltas = 0
        while True:
            delta = await receive_message(socket, "delta")
            deltas += 1
            if delta["kpis"][0]["value"] == 199.0:
                break
        assert deltas <= 12


async def test_resume_after_a_lost_connection(parts: FakeParts, port: int) -> None:
    async with connect(address(port)) as socket:
        hello = await receive_message(socket, "hello")
        parts.hub.publish(kpis=[kpi_value(unit="1")])
        seen = (await receive_message(socket, "delta"))["seq"]
    parts.hub.publish(kpis=[kpi_value(unit="2")])
    await asyncio.sleep(0.3)
    query = f"topics=kpis,alerts,sources&epoch={hello['epoch']}&seq={seen}"
    async with connect(address(port, query)) as socket:
        delta = await receive_message(socket, "snap", "delta")
        assert (delta["type"], delta["prev"]) == ("delta", seen)
        assert [row["unit"] for row in delta["kpis"]] == ["2"]
    query = f"topics=kpis,alerts,sources&epoch=before-the-restart&seq={seen}"
    async with connect(address(port, query)) as socket:
        snap = await receive_message(socket, "snap", "delta")
        assert snap["type"] == "snap"
        assert {row["unit"] for row in snap["kpis"]} == {"1", "2"}


async def test_resync_on_request(parts: FakeParts, port: int) -> None:
    async with connect(address(port, "topics=kpis")) as socket:
        await receive_message(socket, "snap")
        parts.hub.publish(kpis=[kpi_value()])
        await receive_message(socket, "delta")
        await socket.send('{"type": "resync"}')
        snap = await receive_message(socket, "snap", "delta")
        assert snap["type"] == "snap"
        assert len(snap["kpis"]) == 1
        parts.hub.publish(kpis=[kpi_value(value=99)])
        assert (await receive_message(socket, "delta"))["prev"] == snap["seq"]


@pytest.mark.parametrize(
    ("query", "names"),
    [
        pytest.param("topics=weather", "weather", id="unknown topic"),
        pytest.param("topics=kpis,,sources", "topics", id="empty topic"),
        pytest.param("topics=", "topics", id="no topic"),
        pytest.param("topics=kpis&epoch=e", "epoch", id="epoch without seq"),
        pytest.param("topics=kpis&epoch=e&seq=-1", "seq", id="negative seq"),
        pytest.param("topics=kpis&epoch=e&seq=1e9", "seq", id="seq that is no whole number"),
        pytest.param("topics=kpis&token=x", "token", id="unknown parameter"),
        pytest.param("topics=" + "é" * 500, "topics", id="long and not ASCII: the reason must fit 123 bytes"),
    ],
)
async def test_a_bad_query_closes_with_a_reason(port: int, query: str, names: str) -> None:
    async with connect(address(port, query)) as socket:
        with pytest.raises(ConnectionClosed):
            await socket.recv()
        assert socket.close_code == 1008
        assert names in (socket.close_reason or "")


@pytest.mark.parametrize(
    "said", ["hello", '{"type": "sql"}', "[]", b"\x00\x01"], ids=["no JSON", "other", "list", "bytes"]
)
async def test_whoever_says_something_else_is_closed(parts: FakeParts, port: int, said: str | bytes) -> None:
    async with connect(address(port)) as socket:
        await receive_message(socket, "snap")
        await socket.send(said)
        with pytest.raises(ConnectionClosed):
            await receive_message(socket, "nothing more")
        assert socket.close_code == 1008
    assert parts.hub.clients == 0


async def test_a_message_beyond_all_need_is_refused(port: int) -> None:
    async with connect(address(port)) as socket:
        await receive_message(socket, "snap")
        await socket.send("x" * 100_000)
        with pytest.raises(ConnectionClosed):
            await receive_message(socket, "nothing more")
        assert socket.close_code == 1009


@pytest.mark.parametrize(
    ("origin", "allowed"),
    [
        pytest.param("http://127.0.0.1:{port}", True, id="a page of the centre"),
        pytest.param(None, True, id="a program"),
        pytest.param("http://evil.example", False, id="another site"),
        pytest.param("http://127.0.0.1:1", False, id="another port"),
        pytest.param("http://127.0.0.1:{port}.evil.example", False, id="a site that looks like it"),
        pytest.param("null", False, id="a page without a site"),
        pytest.param("http://127.0.0.1:x", False, id="no address at all"),
    ],
)
async def test_origin(port: int, origin: str | None, allowed: bool) -> None:
    headers = {} if origin is None else {"Origin": origin.format(port=port)}
    if allowed:
        async with connect(address(port), additional_headers=headers) as socket:
            await receive_message(socket, "snap")
        return
    with pytest.raises(InvalidStatus) as refused:
        await connect(address(port), additional_headers=headers)
    assert refused.value.response.status_code == 403


@pytest.mark.parametrize("ws", ["", "websockets-sansio"], ids=["direct", "through ASGI"])
async def test_slow_clients_hold_no_other_and_cost_bounded_memory(
    parts: FakeParts, run_server: Callable[..., int], ws: str
) -> None:
    """40 clients that read nothing, 1,000 values (0.3 MB) changing 30 times: kept for each they would be 360 MB."""
    port = run_server(parts, ws)
    stopped = [stopped_client(port) for _ in range(40)]
    units = [str(number) for number in range(1000)]
    delays_s = []
    async with connect(address(port, "topics=kpis"), max_size=None) as quick:
        await receive_message(quick, "snap")
        memory = psutil.Process().memory_info().rss
        for tick in range(30):
            at = time.monotonic()
            parts.hub.publish(kpis=[kpi_value(unit=unit, value=float(tick), as_of=datetime.now(UTC)) for unit in units])
            while (await receive_message(quick, "delta"))["kpis"][-1]["value"] != float(tick):
                pass
            delays_s.append(time.monotonic() - at)
        grown_mb = (psutil.Process().memory_info().rss - memory) / 1e6
    assert parts.hub.passed_over > 40 * 15
    assert sorted(delays_s)[15] < 0.5
    assert grown_mb < 120
    for raw in stopped:
        raw.close()


async def test_a_client_that_was_slow_gets_the_present(parts: FakeParts, port: int) -> None:
    units = [str(number) for number in range(1000)]
    async with connect(address(port, "topics=kpis"), max_size=None, max_queue=1) as slow:
        await receive_message(slow, "snap")
        for tick in range(30):
            parts.hub.publish(kpis=[kpi_value(unit=unit, value=float(tick)) for unit in units])
            await asyncio.sleep(0.1)
        position, deltas = 0, 0
        while True:
            delta = await receive_message(slow, "delta")
            assert delta["prev"] == position
            position = delta["seq"]
            deltas += 1
            if delta["kpis"][0]["value"] == 29.0:
                break
        assert deltas < 20


async def test_a_client_that_vanishes_is_forgotten(parts: FakeParts, port: int) -> None:
    raw = stopped_client(port)
    raw.recv(100)
    assert parts.hub.clients == 1
    raw.close()
    for _ in range(100):
        if parts.hub.clients == 0:
            break
        await asyncio.sleep(0.02)
    assert parts.hub.clients == 0


async def test_time_to_a_client(parts: FakeParts, port: int) -> None:
    """A single change does not wait for a tick."""
    async with connect(address(port, "topics=kpis")) as socket:
        await receive_message(socket, "snap")
        delays_s = []
        for value in range(10):
            await asyncio.sleep(hub_module.TICK_S * 1.5)
            at = time.monotonic()
            parts.hub.publish(kpis=[kpi_value(value=1000.0 + value)])
            await receive_message(socket, "delta")
            delays_s.append(time.monotonic() - at)
        assert sorted(delays_s)[5] < 0.05
