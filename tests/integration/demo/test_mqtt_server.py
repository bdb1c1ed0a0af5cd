"""The demonstration's MQTT server with the newest websockets, which amqtt's metadata does not allow."""

import asyncio
from importlib.metadata import version

import aiomqtt
import pytest
from amqtt.broker import Broker
from amqtt.contexts import BrokerConfig, ListenerConfig, ListenerType

from ioc.demo.systems.mqtt_server import mqtt_server
from tests.support.running_centre import free_port

ANYONE = {"amqtt.plugins.authentication.AnonymousAuthPlugin": {"allow_anonymous": True}}


async def exchange(port: int, *, through_websocket: bool = False) -> list[bytes | None]:
    """Publish three messages at QoS 1 and return what a subscriber receives of them."""
    transport = "websockets" if through_websocket else "tcp"
    topic = "đo/46/air.pm25"
    async with (
        aiomqtt.Client("127.0.0.1", port, identifier="subscriber", transport=transport) as subscriber,  # type: ignore[arg-type]
        aiomqtt.Client("127.0.0.1", port, identifier="publisher", transport=transport) as publisher,  # type: ignore[arg-type]
    ):
        await subscriber.subscribe(topic, qos=1)
        for number in range(3):
            await publisher.publish(topic, b"%d" % number, qos=1)
        messages = aiter(subscriber.messages)
        return [(await anext(messages)).payload for _ in range(3)]


@pytest.mark.parametrize("through_websocket", [False, True], ids=["TCP", "websocket"])
async def test_messages_arrive(through_websocket: bool) -> None:
    """Over TCP with the demonstration's own server; over websocket since that is where amqtt uses the package."""
    assert int(version("websockets").partition(".")[0]) >= 17
    port = free_port()
    async with asyncio.timeout(20):
        if not through_websocket:
            async with mqtt_server(port):
                assert await exchange(port) == [b"0", b"1", b"2"]
            return
        listener = ListenerConfig(type=ListenerType.WS, bind=f"127.0.0.1:{port}")
        broker = Broker(BrokerConfig(listeners={"default": listener}, plugins=dict(ANYONE)))
        await broker.start()
        try:
            assert await exchange(port, through_websocket=True) == [b"0", b"1", b"2"]
        finally:
            await broker.shutdown()
