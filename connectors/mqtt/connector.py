"""Take what an MQTT server delivers, and acknowledge it once it is safe."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import Future
from hashlib import blake2b
from typing import Any

import orjson
from paho.mqtt.client import MQTTMessage

from connectors.base import Connector, Page, Surroundings, malformed
from connectors.configuration import SourceConfiguration
from connectors.mqtt.session import Session, read_server
from connectors.mqtt.topic import TopicTemplate
from connectors.writer import SourceWriter
from ioc.clock import rfc3339
from ioc.errors import RecordUnfit

MESSAGES_A_PAGE = 500
KNOWN_AT_MOST = 600
"""Deliveries remembered; more than the server has under way at a time."""

Rows = list[tuple[Mapping[str, Any] | RecordUnfit, bytes]]


class MqttSubscription(Connector):
    """A persistent subscription at QoS 1, MQTT 5.0 or 3.1.1.

    Source   topics of the form `topic`; payloads are a JSON object, an array of them, or a bare number (`value`)
    Emits    what the mapping makes of them; without one, topic words and payload are the record's fields
    Resumes  the server sends again what was not acknowledged, marked as repeated and under the same packet number;
             the position holds the numbers and contents of the last deliveries, so a repeat is known after a crash
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
        self._known: dict[str, str] | None = None

    async def run(self, writer: SourceWriter) -> None:
        if self._known is None:
            self._known = dict((writer.position or {}).get("known", {}))
        session = Session(self._server, self._template.subscription)
        try:
            await session.connect()
            self.report.last_success = self.surroundings.clock.now()
            while True:
                messages = await session.batch(MESSAGES_A_PAGE)
                await self._hand_over(writer, session, messages, self._known)
        finally:
            await session.close()

    async def _hand_over(
        self, writer: SourceWriter, session: Session, messages: Sequence[MQTTMessage], known: dict[str, str]
    ) -> None:
        rows: Rows = []
        duplicate = 0
        delivered: dict[str, str] = {}
        for message in messages:
            parsed = self.parse(message.topic, bytes(message.payload), rfc3339(self.surroundings.clock.now()))
            number, mark = str(message.mid), _mark(message)
            if message.qos and message.dup and mark in (known.get(number), delivered.get(number)):
                duplicate += len(parsed)
                continue
            rows += parsed
            if message.qos:
                delivered[number] = mark
        after = {number: mark for number, mark in known.items() if number not in delivered} | delivered
        after = dict(list(after.items())[-KNOWN_AT_MOST:])
        taken = await self.take(writer, Page(rows, {"known": after}, duplicate))
        known.clear()
        known.update(after)

        def settled(safe: Future[None]) -> None:
            for message in messages:
                if safe.exception() is None:
                    session.acknowledge(message)
                else:
                    known.pop(str(message.mid), None)

        taken.safe.add_done_callback(settled)

    def parse(self, topic: str, payload: bytes, arrival: str) -> Rows:
        """The rows of one message; an unfit payload is one row."""
        words = self._template.words(topic)
        if words is None:
            return [(malformed(f"Topic {topic!r} is not of the form {'/'.join(self._template.levels)}."), payload)]
        try:
            given = orjson.loads(payload)
        except orjson.JSONDecodeError as fault:
            return [(malformed(f"The payload on {topic} is not JSON: {fault}."), payload)]
        rows: Rows = []
        for item in given if isinstance(given, list) else [given]:
            fields = {"value": item} if isinstance(item, int | float) and not isinstance(item, bool) else item
            if not isinstance(fields, dict):
                rows.append((malformed(f"The payload on {topic} is neither a JSON object nor a number."), payload))
            elif self.mapping.outputs:
                around = {f"${name}": word for name, word in words.items()}
                rows.append(({**fields, **around, "$arrival": arrival, "$topic": topic}, payload))
            else:
                rows.append(({"time": arrival, **words, **fields}, payload))
        return rows


def _mark(message: MQTTMessage) -> str:
    return blake2b(message.topic.encode() + b"\0" + bytes(message.payload), digest_size=6).hexdigest()
