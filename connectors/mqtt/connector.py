"""Take what an MQTT server delivers, and acknowledge it once it is safe."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future
from contextlib import contextmanager
from typing import Any

from paho.mqtt.client import MQTTMessage

from connectors.base import Connector, Page, Surroundings, malformed
from connectors.configuration import SourceConfiguration
from connectors.mqtt.last_messages import LastMessages, mark_of
from connectors.mqtt.session import MAX_PACKET_BYTES, PATIENCE_S, Server, Session, read_server
from connectors.mqtt.subscriptions import SubscriptionFile
from connectors.mqtt.topic import TopicTemplate
from connectors.writer import SourceWriter
from ioc.clock import rfc3339
from ioc.errors import BatchMalformed, RecordUnfit, SourceUnavailable
from ioc.model.rejection import Reason
from ioc.wire.compact_json import kept_json
from ioc.wire.lenient_json import read_records, shown

MESSAGES_A_PAGE = 500
SHORT_CONNECTION_S = 5.0
KNOWN_AT_MOST = 600
"""Deliveries remembered; more than the server has under way at a time."""

_NO_OWN_TIME = (
    "This is a message that the server kept (retained), without a time of its own: nobody knows when it was measured. "
    "Send the time with the value."
)

Rows = list[tuple[Mapping[str, Any] | RecordUnfit, bytes]]

_CLIENTS: dict[tuple[str, int, str], str] = {}
"""Sources that run in this process, by server and client id."""


class MqttSubscription(Connector):
    """A persistent subscription at QoS 1, MQTT 5.0 or 3.1.1.

    Source   topics of the form `topic`; payloads are a JSON object, an array of them, or a bare number (`value`)
    Emits    what the mapping makes of them; without one, topic words and payload are the record's fields
    Resumes  the server sends again what was not acknowledged, marked as repeated and under the same packet number;
             the position holds the numbers and contents of the last deliveries, so a repeat is known after a crash
    Retained a copy that the server kept counts once, at its own time; without one it is refused, since it is not a
             measurement of now
    """

    kind = "mqtt"

    def __init__(self, configuration: SourceConfiguration, surroundings: Surroundings) -> None:
        super().__init__(configuration, surroundings)
        own = configuration.own
        self._server = read_server(own, configuration.source)
        try:
            self._template = TopicTemplate.parse(own.text("topic"))
        except ValueError as fault:
            raise own.fault("topic", f"{fault}.") from fault
        own.done()
        self._subscriptions = SubscriptionFile(surroundings.data_dir, configuration.source, self._server)
        self._timed_on_arrival = any(
            rule.path == "$arrival" or "{$arrival}" in rule.template for rules in self.mapping.outputs for rule in rules
        )
        self._known: dict[str, str] | None = None
        self._last = LastMessages()
        self._short_connections = 0

    async def run(self, writer: SourceWriter) -> None:
        if self._known is None:
            position = writer.position or {}
            self._known, self._last = dict(position.get("known", {})), LastMessages(position.get("last", ""))
        topic = self._template.subscription
        with _sole_client(self._server, self.configuration.source):
            session = Session(self._server, topic)
            try:
                left = [former for former in self._subscriptions.load() if former != topic]
                self._subscriptions.save([*left, topic])
                await session.connect(left)
                self._subscriptions.save([topic])
                self.report.last_success = self.surroundings.clock.now()
                connected_at_s = asyncio.get_running_loop().time()
                try:
                    while True:
                        messages = await session.batch(MESSAGES_A_PAGE)
                        await self._hand_over(writer, session, messages, self._known)
                except SourceUnavailable as fault:
                    is_short = asyncio.get_running_loop().time() - connected_at_s < SHORT_CONNECTION_S
                    self._short_connections = self._short_connections + 1 if is_short else 0
                    if self._short_connections > 1:
                        # Two clients with one id throw each other out: the faster they return, the less either gets.
                        fault.retry_in_s = max(fault.retry_in_s, PATIENCE_S)
                    raise
            finally:
                await session.close()

    async def _hand_over(
        self, writer: SourceWriter, session: Session, messages: Sequence[MQTTMessage], known: dict[str, str]
    ) -> None:
        rows: Rows = []
        duplicate = 0
        delivered: dict[str, str] = {}
        for message in messages:
            topic, payload = _topic_of(message), bytes(message.payload)
            arrival = "" if message.retain else rfc3339(self.surroundings.clock.now())
            parsed = self.parse(topic, payload, arrival)
            number, mark = str(message.mid), mark_of(topic, payload)
            repeated = message.dup and mark.hex() in (known.get(number), delivered.get(number))
            if (message.qos and repeated) or (message.retain and self._last.knows(mark)):
                duplicate += len(parsed)
                continue
            rows += parsed
            self._last.learn(_slot(message), mark)
            if message.qos:
                delivered[number] = mark.hex()
        after = {number: mark for number, mark in known.items() if number not in delivered} | delivered
        after = dict(list(after.items())[-KNOWN_AT_MOST:])
        position = {"known": after, "last": self._last.written()}
        taken = await self.take(writer, Page(rows, position, duplicate))
        known.clear()
        known.update(after)

        def settled(safe: Future[None]) -> None:
            for message in messages:
                if safe.exception() is None:
                    session.acknowledge(message)
                else:
                    known.pop(str(message.mid), None)
                    self._last.forget(_slot(message))

        taken.safe.add_done_callback(settled)

    def parse(self, topic: str, payload: bytes, arrival: str) -> Rows:
        """The rows of one message; a payload in which none can be told apart is one row. `arrival` is empty for a
        retained message: whatever would be timed by it is unfit."""
        words = self._template.words(topic)
        if words is None:
            return [(malformed(f"Topic {shown(topic)} is not of the form {'/'.join(self._template.levels)}."), payload)]
        if len(payload) > MAX_PACKET_BYTES:
            sentence = f"The payload has {len(payload):,} bytes; a message may have {MAX_PACKET_BYTES:,}."
            return [(RecordUnfit(Reason.TOO_LARGE, "", sentence), payload)]
        try:
            records = read_records(payload)
        except BatchMalformed as fault:
            return [(malformed(f"The payload on {shown(topic)} cannot be read: {fault}"), payload)]
        return [(self._row(topic, words, value, arrival), own or kept_json(value)) for value, own in records]

    def _row(self, topic: str, words: Mapping[str, str], value: Any, arrival: str) -> Mapping[str, Any] | RecordUnfit:
        if isinstance(value, RecordUnfit):
            return value
        fields = {"value": value} if isinstance(value, int | float) and not isinstance(value, bool) else value
        if not isinstance(fields, dict):
            return malformed(f"The payload on {shown(topic)} is neither a JSON object nor a number.")
        if self.mapping.outputs:
            if not arrival and self._timed_on_arrival:
                return RecordUnfit(Reason.MISSING_FIELD, "time", _NO_OWN_TIME)
            around = {f"${name}": word for name, word in words.items()}
            return {**fields, **around, "$topic": topic, **({"$arrival": arrival} if arrival else {})}
        row = {**words, **fields}
        if "time" not in row and not {"case_type", "case_id"} & row.keys():
            if not arrival:
                return RecordUnfit(Reason.MISSING_FIELD, "time", _NO_OWN_TIME)
            row["time"] = arrival
        return row


@contextmanager
def _sole_client(server: Server, source: str) -> Iterator[None]:
    """Hold a client id. Raises SourceUnavailable while another source of this process has it: the server would throw
    out one for the other."""
    client = server.host, server.port, server.client_id
    holder = _CLIENTS.setdefault(client, source)
    if holder != source:
        sentence = f"Source {holder!r} uses the same mqtt.client_id {server.client_id!r} at the same server"
        raise SourceUnavailable(f"{sentence}; give each its own.", retry_in_s=PATIENCE_S)
    try:
        yield
    finally:
        del _CLIENTS[client]


def _slot(message: MQTTMessage) -> str:
    """Where the message is remembered: what a topic was sent, and what it retains, may differ."""
    return f"retained {_topic_of(message)}" if message.retain else _topic_of(message)


def _topic_of(message: MQTTMessage) -> str:
    try:
        return message.topic
    except UnicodeDecodeError:  # a server that does not check what it forwards
        return "\ufffd"
