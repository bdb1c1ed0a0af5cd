"""The MQTT server of the demonstration province in a process of its own."""

import asyncio

from ioc.demo.systems.mqtt_server import mqtt_server


def serve_mqtt(port: int) -> None:
    """Until it is killed."""
    asyncio.run(_serve(port))


async def _serve(port: int) -> None:
    async with mqtt_server(port):
        await asyncio.Event().wait()
