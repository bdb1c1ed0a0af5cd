"""One connection to an MQTT server: paho's thread on one side, asyncio on the other."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from paho.mqtt.client import Client, ConnectFlags, DisconnectFlags, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode
from paho.mqtt.subscribeoptions import SubscribeOptions

from ioc.catalog.toml_table import TomlTable
from ioc.errors import SourceUnavailable
from ioc.messages import Message

KEEP_SESSION_S = 7 * 24 * 3600
MAX_IN_FLIGHT = 500
MAX_WAITING = 2000
"""Messages that have arrived and are not submitted; with more, the connection is not read."""
MAX_PACKET_BYTES = 16 * 1024 * 1024
RETRY_WAIT_S = 30.0
"""Wait before a new attempt that would fail like the last one, or disconnect another client."""
_UNSPECIFIED, _SESSION_TAKEN_OVER = 0x80, 0x8E
_ADVICE_CODES = {
    0x84: "mqtt_other_version",
    0x85: "mqtt_check_client",
    0x86: "mqtt_check_login",
    0x87: "mqtt_check_rights",
    0x8F: "mqtt_check_topic_alone",
}


@dataclass(frozen=True)
class MqttServer:
    """The server and the login there. The server keeps the session because the `client_id` stays the same."""

    host: str
    port: int
    client_id: str
    version: int
    user: str
    password: str
    tls: bool
    ca_file: str


def read_server(table: TomlTable, source: str) -> MqttServer:
    """Return the server of a table `[mqtt]`. Raises ConfigurationInvalid naming file and field."""
    tls = table.flag("tls")
    ca_file = table.text("ca_file", "")
    if ca_file and not Path(ca_file).is_file():
        raise table.invalid("ca_file", Message("not_a_file", given=ca_file))
    return MqttServer(
        host=table.text("host"),
        port=int(table.number("port", 8883 if tls else 1883)),
        client_id=table.text("client_id", f"ioc-{source}"),
        version=int({"5": 5, "3.1.1": 4}[table.choice("version", ("5", "3.1.1"), "5")]),
        user=table.text("user", ""),
        password=table.text("password", ""),
        tls=tls,
        ca_file=ca_file,
    )


class MqttSession:
    """A persistent session at QoS 1 without automatic acknowledgement."""

    def __init__(self, server: MqttServer, subscription: str) -> None:
        self._server = server
        self._subscription = subscription
        self._loop = asyncio.get_running_loop()
        self.messages: asyncio.Queue[MQTTMessage] = asyncio.Queue()
        self._room = threading.Semaphore(MAX_WAITING)
        self._is_closing = threading.Event()
        self._former: Sequence[str] = ()
        self._ended: asyncio.Future[SourceUnavailable] = self._loop.create_future()
        self._ready: asyncio.Future[None] = self._loop.create_future()
        is_v5 = server.version == 5
        self._client = Client(
            CallbackAPIVersion.VERSION2,
            client_id=server.client_id,
            protocol=MQTTProtocolVersion(server.version),
            clean_session=None if is_v5 else False,
            manual_ack=True,
            reconnect_on_failure=False,
        )
        if server.user:
            self._client.username_pw_set(server.user, server.password or None)
        if server.tls:
            self._client.tls_set(server.ca_file or None)
        self._client.on_connect = self._connected
        self._client.on_disconnect = self._disconnected
        self._client.on_subscribe = self._subscribed
        self._client.on_message = self._received

    async def connect(self, former: Sequence[str] = (), timeout_s: float = 10.0) -> None:
        """Subscribe, and end the `former` subscriptions. Raises SourceUnavailable."""
        self._former = former
        server = f"MQTT server {self._server.host}:{self._server.port}"
        try:
            await asyncio.wait_for(asyncio.to_thread(self._connect), timeout_s)
            self._client.loop_start()
            waited: set[asyncio.Future[Any]] = {self._ready, self._ended}
            await asyncio.wait(waited, timeout=timeout_s, return_when=asyncio.FIRST_COMPLETED)
        except (OSError, ValueError, TimeoutError) as fault:
            raise SourceUnavailable(
                Message("server_unreachable", server=server, reason=fault or "no answer in time")
            ) from None
        if self._ended.done():
            raise self._ended.result()
        if not self._ready.done():
            raise SourceUnavailable(Message("server_slow", server=server, seconds=timeout_s))

    async def batch(self, max_messages: int) -> list[MQTTMessage]:
        """Wait for a message, and return it with those that have arrived. Raises SourceUnavailable at the end."""
        getting = asyncio.ensure_future(self.messages.get())
        waited: set[asyncio.Future[Any]] = {getting, self._ended}
        await asyncio.wait(waited, return_when=asyncio.FIRST_COMPLETED)
        if not getting.done():
            getting.cancel()
            raise self._ended.result()
        messages = [getting.result()]
        while len(messages) < max_messages and not self.messages.empty():
            messages.append(self.messages.get_nowait())
        self._room.release(len(messages))
        return messages

    def acknowledge(self, message: MQTTMessage) -> None:
        """Acknowledge a message, from any thread. After the connection has ended, the server sends it again instead."""
        if not self._ended.done():
            self._client.ack(message.mid, message.qos)

    async def close(self) -> None:
        """End the connection; the server keeps the session."""
        await asyncio.to_thread(self._close)

    def _close(self) -> None:
        self._is_closing.set()
        self._client.disconnect()
        self._client.loop_stop()

    def _connect(self) -> None:
        if self._server.version == 5:
            properties = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]
            properties.SessionExpiryInterval = KEEP_SESSION_S
            properties.ReceiveMaximum = MAX_IN_FLIGHT
            properties.MaximumPacketSize = MAX_PACKET_BYTES
            self._client.connect(
                self._server.host, self._server.port, keepalive=20, clean_start=False, properties=properties
            )
        else:
            self._client.connect(self._server.host, self._server.port, keepalive=20)

    def _call_in_loop(self, call: Callable[..., Any], *arguments: Any) -> None:
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(call, *arguments)

    def _received(self, _client: Client, _userdata: Any, message: MQTTMessage) -> None:
        """Queue a message, in paho's thread; waits while many are waiting, so that the server waits too."""
        while not self._room.acquire(timeout=0.5):
            if self._is_closing.is_set():
                return
        self._call_in_loop(self.messages.put_nowait, message)

    def _connected(
        self, client: Client, _userdata: Any, _flags: ConnectFlags, reason: ReasonCode, _properties: Properties | None
    ) -> None:
        if reason.is_failure:
            code = _ADVICE_CODES.get(reason.value)
            advice = Message(code) if code else ""
            self._end(Message("mqtt_refuses", reason=str(reason), advice=advice), RETRY_WAIT_S)
            return
        for topic in self._former:
            client.unsubscribe(topic)
        if self._server.version == 5:
            # Retained messages come with a new subscription only, not at each connection.
            client.subscribe(
                self._subscription,
                options=SubscribeOptions(qos=1, retainHandling=SubscribeOptions.RETAIN_SEND_IF_NEW_SUB),
            )
        else:
            client.subscribe(self._subscription, qos=1)

    def _subscribed(
        self, _client: Client, _userdata: Any, _mid: int, reasons: list[ReasonCode], _properties: Properties | None
    ) -> None:
        if any(reason.is_failure for reason in reasons):
            advice = Message(_ADVICE_CODES.get(reasons[0].value, "mqtt_check_topic"))
            topic, reason = self._subscription, str(reasons[0])
            self._end(Message("mqtt_refuses_topic", topic=topic, reason=reason, advice=advice), RETRY_WAIT_S)
        else:
            self._call_in_loop(_settle, self._ready, None)

    def _disconnected(
        self,
        _client: Client,
        _userdata: Any,
        _flags: DisconnectFlags,
        reason: ReasonCode,
        _properties: Properties | None,
    ) -> None:
        own_id = Message("mqtt_own_id", client=self._server.client_id)
        if reason.value == _SESSION_TAKEN_OVER:
            self._end(Message("mqtt_taken_over", advice=own_id), RETRY_WAIT_S)
        elif reason.value == _UNSPECIFIED:
            self._end(Message("mqtt_closed", advice=own_id))
        else:
            self._end(Message("mqtt_ended", reason=str(reason)))

    def _end(self, how: Message, retry_in_s: float = 0.0) -> None:
        message = Message("mqtt_server", server=f"{self._server.host}:{self._server.port}", how=how)
        fault = SourceUnavailable(message, retry_in_s=retry_in_s)
        self._call_in_loop(_settle, self._ended, fault)


def _settle(future: asyncio.Future[Any], result: Any) -> None:
    if not future.done():
        future.set_result(result)
