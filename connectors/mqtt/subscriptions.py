"""Remember the subscriptions of this client at its server, which outlive the connection and the process."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import orjson

from connectors.mqtt.session import MqttServer
from ioc.atomic_file import write_atomically


class SubscriptionFile:
    """The file `<data_dir>/checkpoints/<source>.mqtt.json`: the server, the client and its topics there."""

    def __init__(self, data_dir: Path, source: str, server: MqttServer) -> None:
        self._path = data_dir / "checkpoints" / f"{source}.mqtt.json"
        self._session = [server.host, server.port, server.client_id]

    def load(self) -> list[str]:
        """Return the topics that the server may still send; none if they belong to another server or client."""
        with suppress(OSError, ValueError, KeyError, TypeError):
            stored = orjson.loads(self._path.read_bytes())
            if stored["session"] == self._session:
                return [str(topic) for topic in stored["topics"]]
        return []

    def save(self, topics: Sequence[str]) -> None:
        """Save the topics of the subscriptions. Raises OSError."""
        write_atomically(self._path, orjson.dumps({"session": self._session, "topics": list(topics)}))
