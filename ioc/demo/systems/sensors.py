"""Publish the readings of air-quality stations and traffic counters over MQTT.

Topic `{air|traffic}/{unit}/{measure}/{subject}`, payload `{"value": 31.5, "time": "2026-11-23T01:00:00.000Z"}`, QoS 1.
"""

import asyncio
from collections.abc import Iterator

import aiomqtt
import orjson

from ioc.clock import from_ms, rfc3339
from ioc.demo.calendar import MS_A_MINUTE
from ioc.demo.feeds import FeedBlocked, Rhythm
from ioc.demo.habits import FaultCode, SendsAgain
from ioc.demo.places import World
from ioc.demo.world import air, traffic
from ioc.demo.world.readings import MEASURES, SUBJECTS, Readings

MqttMessage = tuple[str, bytes]
"""Topic and payload."""


class Gateway:
    """Publishes one topic tree; keeps its connection from one interval to the next."""

    def __init__(self, host: str, port: int, identifier: str) -> None:
        self._server = (host, port, identifier)
        self._client: aiomqtt.Client | None = None
        # Stations and counters share the connection; a second one with the same identifier would end the first.
        self._turn = asyncio.Lock()

    async def publish(self, messages: Iterator[MqttMessage]) -> None:
        """Publish messages; the server has acknowledged each when this returns. Raises FeedBlocked."""
        async with self._turn:
            await self._publish(messages)

    async def _publish(self, messages: Iterator[MqttMessage]) -> None:
        try:
            if self._client is None:
                host, port, identifier = self._server
                client = aiomqtt.Client(host, port, identifier=identifier, timeout=10)
                await client.__aenter__()
                self._client = client
            for topic, payload in messages:
                await self._client.publish(topic, payload, qos=1)
        except aiomqtt.MqttError as fault:
            await self.close()
            raise FeedBlocked(f"The MQTT server does not accept it: {fault}") from fault

    async def close(self) -> None:
        """End the connection; the next message opens another."""
        client, self._client = self._client, None
        if client is not None:
            try:
                await client.__aexit__(None, None, None)
            except aiomqtt.MqttError:
                return


class Stations:
    """Air-quality stations: readings every 10 s; after a stop those of the last quarter of an hour."""

    name = "air-stations"
    rhythm = Rhythm(step_ms=air.STEP_MS, memory_ms=15 * MS_A_MINUTE, piece_ms=5 * MS_A_MINUTE, shift_ms=600)

    def __init__(self, world: World, gateway: Gateway) -> None:
        self._world, self._gateway = world, gateway
        self._fault_code = FaultCode()

    async def send(self, from_ms: int, to_ms: int) -> None:
        """Publish an interval. Raises FeedBlocked."""
        await self._gateway.publish(self.messages(from_ms, to_ms))

    def messages(self, from_ms: int, to_ms: int) -> Iterator[MqttMessage]:
        """Yield the messages of an interval."""
        step_ms = air.STEP_MS if to_ms - from_ms <= MS_A_MINUTE else MS_A_MINUTE
        true = air.readings(self._world, from_ms, to_ms, step_ms)
        ahead = air.with_wrong_clock(self._world, from_ms, to_ms)
        yield from reading_messages("air", self._world, Readings.joined([true, ahead]))
        for record in true.records(self._world):
            for faulty in self._fault_code.added(self._world, record, from_ms):
                yield _message("air", faulty)


class Counters:
    """Traffic counting points: vehicles and mean speed every 10 s; after a stop those of the last 15 minutes."""

    name = "traffic-counters"
    rhythm = Rhythm(step_ms=traffic.STEP_MS, memory_ms=15 * MS_A_MINUTE, piece_ms=5 * MS_A_MINUTE, shift_ms=700)

    def __init__(self, world: World, gateway: Gateway) -> None:
        self._world, self._gateway = world, gateway
        self._sends_again = SendsAgain()

    async def send(self, from_ms: int, to_ms: int) -> None:
        """Publish an interval. Raises FeedBlocked."""
        await self._gateway.publish(self.messages(from_ms, to_ms))

    def messages(self, from_ms: int, to_ms: int) -> Iterator[MqttMessage]:
        """Yield the messages of an interval."""
        step_ms = traffic.STEP_MS if to_ms - from_ms <= MS_A_MINUTE else MS_A_MINUTE
        counted = traffic.readings(self._world, from_ms, to_ms, step_ms)
        for counter, message in enumerate(reading_messages("traffic", self._world, counted)):
            yield message
            if self._sends_again.again(self._world, counter, from_ms):
                yield message


def reading_messages(tree: str, world: World, readings: Readings) -> Iterator[MqttMessage]:
    """Yield the messages of readings, below a topic."""
    for measure, unit, subject, time_ms, value in zip(*(c.tolist() for c in readings.columns()), strict=True):
        payload = {"value": value, "time": rfc3339(from_ms(time_ms))}
        yield f"{tree}/{world.units[unit]}/{MEASURES[measure]}/{SUBJECTS[subject]}", orjson.dumps(payload)


def _message(tree: str, record: dict[str, object]) -> MqttMessage:
    topic = f"{tree}/{record['unit']}/{record['measure']}/{record['subject']}"
    return topic, orjson.dumps({"value": record["value"], "time": record["time"]})
