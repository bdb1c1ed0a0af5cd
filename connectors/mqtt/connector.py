"""Receive what an MQTT server delivers, and acknowledge it once it is safe."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future
from contextlib import contextmanager
from typing import Any

from paho.mqtt.client import MQTTMessage

from connectors.base import Connector, ConnectorContext, RowContent, SourcePage, malformed
from connectors.configuration import SourceConfiguration
from connectors.mqtt.last_messages import LastMessages, digest_of
from connectors.mqtt.session import MAX_PACKET_BYTES, RETRY_WAIT_S, MqttServer, MqttSession, read_server
from connectors.mqtt.subscriptions import SubscriptionFile
from connectors.mqtt.topic import TopicTemplate
from connectors.writer import SourceWriter
from ioc.clock import rfc3339
from ioc.errors import BatchMalformed, RecordUnfit, SourceUnavailable
from ioc.messages import Message
from ioc.model.rejection import Reason
from ioc.wire.compact_json import kept_json
from ioc.wire.lenient_json import read_records, shown

MAX_PAGE_MESSAGES = 500
SHORT_CONNECTION_S = 5.0
MAX_KNOWN_DELIVERIES = 600
"""Deliveries that are remembered; more than the server has in flight at a time."""

_NO_OWN_TIME = Message("retained_without_time")

_CLIENTS: dict[tuple[str, int, str], str] = {}
"""Sources that run in this process, by server and client id."""


class MqttSubscription(Connector):
    """A persistent subscription at QoS 1, MQTT 5.0 or 3.1.1.

    Source   topics of the form `topic`; payloads are a JSON object, an array of them, or a bare number (`value`)
    Emits    what the mapping makes of them; without one, named topic levels and payload are the record's fields
    Resumes  the server sends again what was not acknowledged, marked as repeated and under the same packet id; the
             position holds the ids and digests of the last deliveries, so that a repeat is recognised after a crash
    Retained a copy that the server kept counts once, at its own time; without one it is refused, since it does not
             measure the present
    """

    kind = "mqtt"

    def __init__(self, configuration: SourceConfiguration, context: ConnectorContext) -> None:
        super().__init__(configuration, context)
        own = configuration.own
        self._server = read_server(own, configuration.source)
        try:
            self._template = TopicTemplate.parse(own.text("topic"))
        except ValueError as fault:
            raise own.invalid("topic", Message("topic_template", reason=str(fault))) from fault
        own.finish()
        self._subscriptions = SubscriptionFile(context.data_dir, configuration.source, self._server)
        self._timed_on_arrival = any(
            rule.path == "$arrival" or "{$arrival}" in rule.template for rules in self.mapping.outputs for rule in rules
        )
        self._known: dict[str, str] | None = None
        self._last = LastMessages()
        self._short_connections = 0

    async def run(self, writer: SourceWriter) -> None:
        """Subscribe, and submit what comes until the connection ends."""
        if self._known is None:
            position = writer.position or {}
            self._known, self._last = dict(position.get("known", {})), LastMessages(position.get("last", ""))
        topic = self._template.subscription
        with _sole_client(self._server, self.configuration.source):
            session = MqttSession(self._server, topic)
            try:
                former = [other for other in self._subscriptions.load() if other != topic]
                self._subscriptions.save([*former, topic])
                await session.connect(former)
                self._subscriptions.save([topic])
                self.report.last_success = self.context.clock.now()
                connected_at_s = asyncio.get_running_loop().time()
                try:
                    while True:
                        messages = await session.batch(MAX_PAGE_MESSAGES)
                        await self._submit(writer, session, messages, self._known)
                except SourceUnavailable as fault:
                    is_short = asyncio.get_running_loop().time() - connected_at_s < SHORT_CONNECTION_S
                    self._short_connections = self._short_connections + 1 if is_short else 0
                    if self._short_connections > 1:
                        # Two clients with one id disconnect each other: the faster they return, the less each receives.
                        fault.retry_in_s = max(fault.retry_in_s, RETRY_WAIT_S)
                    raise
            finally:
                await session.close()

    async def _submit(
        self, writer: SourceWriter, session: MqttSession, messages: Sequence[MQTTMessage], known: dict[str, str]
    ) -> None:
        rows: list[RowContent] = []
        duplicate = 0
        delivered: dict[str, str] = {}
        for message in messages:
            topic, payload = _topic_of(message), bytes(message.payload)
            arrival = "" if message.retain else rfc3339(self.context.clock.now())
            parsed = self.parse(topic, payload, arrival)
            number, digest = str(message.mid), digest_of(topic, payload)
            repeated = message.dup and digest.hex() in (known.get(number), delivered.get(number))
            if (message.qos and repeated) or (message.retain and self._last.knows(digest)):
                duplicate += len(parsed)
                continue
            rows += parsed
            self._last.learn(_slot(message), digest)
            if message.qos:
                delivered[number] = digest.hex()
        after = {number: digest for number, digest in known.items() if number not in delivered} | delivered
        after = dict(list(after.items())[-MAX_KNOWN_DELIVERIES:])
        position = {"known": after, "last": self._last.to_text()}
        result = await self.submit_page(writer, SourcePage(rows, position, duplicate))
        known.clear()
        known.update(after)

        def settled(safe: Future[None]) -> None:
            for message in messages:
                if safe.exception() is None:
                    session.acknowledge(message)
                else:
                    known.pop(str(message.mid), None)
                    self._last.forget(_slot(message))

        result.safe.add_done_callback(settled)

    def parse(self, topic: str, payload: bytes, arrival: str) -> list[RowContent]:
        """Return the rows of one message; a payload that cannot be separated into rows is one row.

        `arrival` is empty for a retained message: a record that would be timed by it is unfit.
        """
        levels = self._template.named_levels(topic)
        if levels is None:
            return [
                (malformed(Message("topic_form", topic=shown(topic), form="/".join(self._template.levels))), payload)
            ]
        if len(payload) > MAX_PACKET_BYTES:
            return [
                (
                    RecordUnfit(
                        Reason.TOO_LARGE, "", Message("payload_large", count=len(payload), max=MAX_PACKET_BYTES)
                    ),
                    payload,
                )
            ]
        try:
            records = read_records(payload)
        except BatchMalformed as fault:
            return [(malformed(Message("payload_unreadable", topic=shown(topic), reason=fault.message)), payload)]
        return [(self._row(topic, levels, value, arrival), own or kept_json(value)) for value, own in records]

    def _row(self, topic: str, levels: Mapping[str, str], value: Any, arrival: str) -> Mapping[str, Any] | RecordUnfit:
        if isinstance(value, RecordUnfit):
            return value
        fields = {"value": value} if isinstance(value, int | float) and not isinstance(value, bool) else value
        if not isinstance(fields, dict):
            return malformed(Message("payload_kind", topic=shown(topic)))
        if self.mapping.outputs:
            if not arrival and self._timed_on_arrival:
                return RecordUnfit(Reason.MISSING_FIELD, "time", _NO_OWN_TIME)
            extra = {f"${name}": level for name, level in levels.items()}
            return {**fields, **extra, "$topic": topic, **({"$arrival": arrival} if arrival else {})}
        row = {**levels, **fields}
        if "time" not in row and not {"case_type", "case_id"} & row.keys():
            if not arrival:
                return RecordUnfit(Reason.MISSING_FIELD, "time", _NO_OWN_TIME)
            row["time"] = arrival
        return row


@contextmanager
def _sole_client(server: MqttServer, source: str) -> Iterator[None]:
    """Hold a client id. Raises SourceUnavailable while another source of this process has it.

    The server would disconnect one for the other.
    """
    client = server.host, server.port, server.client_id
    holder = _CLIENTS.setdefault(client, source)
    if holder != source:
        raise SourceUnavailable(
            Message("mqtt_client_taken", holder=holder, client=server.client_id), retry_in_s=RETRY_WAIT_S
        )
    try:
        yield
    finally:
        del _CLIENTS[client]


def _slot(message: MQTTMessage) -> str:
    """Return the name that a message is remembered by: the last and the retained one of a topic may differ."""
    return f"retained {_topic_of(message)}" if message.retain else _topic_of(message)


def _topic_of(message: MQTTMessage) -> str:
    try:
        return message.topic
    except UnicodeDecodeError:  # a server that does not check what it forwards
        return "\ufffd"
