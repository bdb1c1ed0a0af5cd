"""What an MQTT source takes from a real server: retained messages, old subscriptions, two clients with one id."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from concurrent.futures import Future
from pathlib import Path
from typing import Any

import paho.mqtt.client as paho
import pytest
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion

from connectors.base import ConnectorContext, SourcePage, build_intake
from connectors.batching import Intake, IntakeResult
from connectors.configuration import read_source
from connectors.mqtt import MqttSubscription
from ioc.clock import SystemClock
from ioc.errors import SourceUnavailable
from ioc.settings import VIETNAM
from tests.integration.connectors.systems import Mosquitto
from tests.support.catalogs import hue
from tests.support.connect_process import Sources

TOPIC = "a/{unit}/{measure}/{subject}"
DEVICE = "a/19753/air.pm25/D"
OWN_TIME = json.dumps({"value": 31.5, "time": "2026-11-22T12:00:00+07:00"})


class Taking:
    """Stands where a source's writer stands, and keeps what it is handed."""

    def __init__(self) -> None:
        self.position: Any = None
        self.intakes: list[Intake] = []

    def add(self, intake: Intake) -> IntakeResult:
        self.intakes.append(intake)
        self.position = intake.position
        safe: Future[None] = Future()
        safe.set_result(None)
        return IntakeResult(0, 0, safe)

    @property
    def counts(self) -> tuple[int, int, int]:
        """Readings, refusals, duplicates."""
        rows = sum(intake.readings.num_rows for intake in self.intakes if intake.readings is not None)
        return rows, sum(len(i.rejections) for i in self.intakes), sum(i.duplicate for i in self.intakes)


@pytest.fixture(scope="module")
def mosquitto(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mosquitto]:
    home = tmp_path_factory.mktemp("mqtt")
    system = Mosquitto(home, Sources(home, ""), "mqtt")
    system.start()
    yield system
    system.stop()


def source(directory: Path, server: Mosquitto, name: str, settings: str = "", topic: str = TOPIC) -> MqttSubscription:
    head = f'name = {{ vi = "Thử", en = "Test" }}\nkind = "mqtt"\n[mqtt]\nhost = "127.0.0.1"\nport = {server.port}\n'
    (directory / f"{name}.toml").write_text(f'{head}topic = "{topic}"\n{settings}', encoding="utf-8")
    context = ConnectorContext(hue().vocabulary, SystemClock(), VIETNAM, directory)
    return MqttSubscription(read_source(directory / f"{name}.toml"), context)


def publish(server: Mosquitto, topic: str, payload: str | bytes | None, *, retain: bool = False) -> None:
    client = paho.Client(CallbackAPIVersion.VERSION2, protocol=MQTTProtocolVersion.MQTTv311)
    client.connect("127.0.0.1", server.port)
    client.loop_start()
    client.publish(topic, payload, qos=1, retain=retain).wait_for_publish(10)
    client.disconnect()
    client.loop_stop()


async def connected(connector: MqttSubscription, writer: Taking) -> asyncio.Task[None]:
    connector.report.last_success = None
    running = asyncio.create_task(connector.run(writer))  # type: ignore[arg-type]
    for _ in range(500):
        if connector.report.last_success is not None or running.done():
            break
        await asyncio.sleep(0.01)
    return running


async def session(connector: MqttSubscription, writer: Taking, publishing: Any = None, total: int = 1) -> None:
    """Connect, publish, and stay until so many records have come in all, or (0) until none comes for a while."""
    running = await connected(connector, writer)
    if publishing is not None:
        await asyncio.to_thread(publishing)
    for _ in range(500 if total else 15):
        if running.done() or (total and sum(writer.counts) >= total):
            break
        await asyncio.sleep(0.01)
    if not running.done():
        running.cancel()
    with pytest.raises((asyncio.CancelledError, SourceUnavailable)):
        await running


@pytest.mark.parametrize("version", ["5", "3.1.1"])
@pytest.mark.parametrize(
    ("payload", "expected"),
    [
        pytest.param("31.5", (0, 1), id="without a time it is no measurement of now"),
        pytest.param(OWN_TIME, (1, 0), id="with its own time it counts once"),
    ],
)
async def test_retained_message_over_reconnects(
    tmp_path: Path, mosquitto: Mosquitto, version: str, payload: str, expected: tuple[int, int]
) -> None:
    publish(mosquitto, DEVICE, payload, retain=True)
    name = f"retained-{version[0]}-{sum(expected[:1])}"
    writer, settings = Taking(), f'version = "{version}"\n'
    connector = source(tmp_path, mosquitto, name, settings)
    for number in range(1, 4):
        await session(connector, writer, total=number if version == "3.1.1" else int(number == 1))
    again = source(tmp_path, mosquitto, name, settings)
    await session(again, writer, total=4 if version == "3.1.1" else 0)
    publish(mosquitto, DEVICE, None, retain=True)
    assert writer.counts[:2] == expected
    refused = [rejection for intake in writer.intakes for rejection in intake.rejections]
    assert all("retained" in rejection.message and rejection.field == "time" for rejection in refused)


async def test_message_that_came_as_published_does_not_come_again_as_retained(
    tmp_path: Path, mosquitto: Mosquitto
) -> None:
    writer = Taking()
    connector = source(tmp_path, mosquitto, "live", 'version = "3.1.1"\n')
    await session(connector, writer, lambda: publish(mosquitto, DEVICE, "31.5", retain=True))
    await session(connector, writer, total=2)
    publish(mosquitto, DEVICE, None, retain=True)
    assert writer.counts == (1, 0, 1)


async def test_topic_change_ends_the_old_subscription(tmp_path: Path, mosquitto: Mosquitto) -> None:
    writer = Taking()
    await session(source(tmp_path, mosquitto, "moved"), writer, lambda: publish(mosquitto, DEVICE, OWN_TIME))
    assert writer.counts == (1, 0, 0)
    moved = source(tmp_path, mosquitto, "moved", topic="b/{unit}/{measure}/{subject}")

    def both() -> None:
        publish(mosquitto, DEVICE, OWN_TIME)
        publish(mosquitto, DEVICE.replace("a/", "b/"), OWN_TIME)

    await session(moved, writer, both, total=2)
    assert writer.counts == (2, 0, 0)


@pytest.mark.parametrize("version", ["5", "3.1.1"])
async def test_two_clients_with_one_id(tmp_path: Path, mosquitto: Mosquitto, version: str) -> None:
    """The second time in a row the source waits, so that the two do not throw each other out all the time."""
    connector = source(tmp_path, mosquitto, "twin", f'client_id = "one"\nversion = "{version}"\n')
    waits = []
    for _ in range(2):
        running = await connected(connector, Taking())
        other = paho.Client(CallbackAPIVersion.VERSION2, client_id="one", protocol=MQTTProtocolVersion.MQTTv311)
        await asyncio.to_thread(other.connect, "127.0.0.1", mosquitto.port)
        other.loop_start()
        with pytest.raises(
            SourceUnavailable, match="another client uses the same client_id: give this source"
        ) as fault:
            await running
        other.disconnect()
        other.loop_stop()
        waits.append(fault.value.retry_in_s)
    assert waits == [0, 30]


async def test_two_sources_with_one_id_are_named(tmp_path: Path, mosquitto: Mosquitto) -> None:
    running = await connected(source(tmp_path, mosquitto, "first", 'client_id = "same"\n'), Taking())
    with pytest.raises(SourceUnavailable, match=r"Source 'first' uses the same mqtt\.client_id 'same'"):
        await source(tmp_path, mosquitto, "second", 'client_id = "same"\n').run(Taking())  # type: ignore[arg-type]
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running


@pytest.mark.parametrize(
    ("payload", "counts"),
    [
        pytest.param(f"[{OWN_TIME}, {OWN_TIME.replace('31.5', 'NaN')}]", (1, 1, 0), id="NaN in an array"),
        pytest.param("\ufeff31.5", (1, 0, 0), id="a byte order mark"),
        pytest.param(f"{OWN_TIME}\noops\n{OWN_TIME}", (2, 1, 0), id="lines"),
        pytest.param(b"\xff", (0, 1, 0), id="no text"),
        pytest.param('"31.5"', (0, 1, 0), id="a text"),
        pytest.param(
            '{"case_type": "dossier", "case_id": "1", "status": "received", "received_at": 1795309200000,'
            ' "updated_at": 1795309200000, "unit": "19753"}',
            (0, 1, 0),
            id="a case under a topic with a measure",
        ),
    ],
)
def test_payloads(tmp_path: Path, payload: str | bytes, counts: tuple[int, int, int]) -> None:
    server = Mosquitto(tmp_path, Sources(tmp_path, ""), "mqtt")
    server.port = 1883
    connector = source(tmp_path, server, "payloads")
    content = payload if isinstance(payload, bytes) else payload.encode()
    rows = connector.parse(DEVICE, content, "2026-11-22T05:00:00Z")
    intake = build_intake(SourcePage(rows), connector.mapping, connector.context)
    assert ((intake.readings.num_rows if intake.readings else 0), len(intake.rejections), 0) == counts
