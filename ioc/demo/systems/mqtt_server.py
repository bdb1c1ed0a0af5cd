"""Run the MQTT server that stations and counters publish to, open to everyone on this machine."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from amqtt.broker import Broker
from amqtt.contexts import BrokerConfig, ListenerConfig, ListenerType

_SHUTDOWN_S = 3.0
_SESSION_S = 1800
"""A subscriber that stays away longer is forgotten, with its messages in memory."""
_ANYONE = {"amqtt.plugins.authentication.AnonymousAuthPlugin": {"allow_anonymous": True}}


@asynccontextmanager
async def mqtt_server(port: int) -> AsyncIterator[None]:
    """Listen on loopback while the context is open. Raises amqtt's BrokerError when the port is taken."""
    listener = ListenerConfig(type=ListenerType.TCP, bind=f"127.0.0.1:{port}")
    broker = Broker(
        BrokerConfig(listeners={"default": listener}, plugins=dict(_ANYONE), session_expiry_interval=_SESSION_S)
    )
    await broker.start()
    try:
        yield
    finally:
        # It would wait for ever for a client that broke off while connecting.
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(broker.shutdown(), _SHUTDOWN_S)
