"""Alerts on `ioc.alerts.v1`, compacted by id: each as it stands, then that it is resolved, then nothing of it."""

from collections.abc import Iterator, Mapping

import orjson

from ioc.api.schemas.alerts import AlertShape
from ioc.clock import Clock, rfc3339
from ioc.server.topic_publishers import Announcing


class AlertTopic:
    """While the broker is away changes are dropped here; the store and the websocket have them."""

    def __init__(self, announcing: Announcing, clock: Clock) -> None:
        self._announcing = announcing
        self._clock = clock

    def publish(self, changed: Mapping[str, AlertShape | None]) -> None:
        """None for an alert that is over."""
        self._announcing.send(self._messages(changed))

    def _messages(self, changed: Mapping[str, AlertShape | None]) -> Iterator[tuple[str, bytes | None]]:
        for name, shape in changed.items():
            if shape is None:
                yield name, orjson.dumps({"id": name, "state": "resolved", "at": rfc3339(self._clock.now())})
                yield name, None
            else:
                yield name, orjson.dumps(shape)

    def close(self) -> None:
        self._announcing.close()
