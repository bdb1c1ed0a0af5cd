"""Alerts on `ioc.alerts.v1`, compacted by id: each as it stands, then that it is resolved, then nothing of it."""

import logging
from collections.abc import Mapping

import orjson
from kafka import KafkaProducer
from kafka.errors import KafkaError

from ioc.api.alert_shapes import AlertShape
from ioc.clock import Clock, rfc3339
from ioc.kafka import connection
from ioc.topics import ALERTS

LOG = logging.getLogger(__name__)


class AlertTopic:
    """While the broker is away changes are dropped here; the store and the websocket have them."""

    def __init__(self, bootstrap: str, security: Mapping[str, str], clock: Clock) -> None:
        self._connection = connection(bootstrap, security)
        self._clock = clock
        self._producer: KafkaProducer | None = None

    def publish(self, changed: Mapping[str, AlertShape | None]) -> None:
        """None for an alert that is over."""
        try:
            if self._producer is None:
                self._producer = KafkaProducer(
                    **self._connection, linger_ms=100, max_block_ms=200, compression_type="lz4", metrics_enabled=False
                )
            for name, shape in changed.items():
                key = name.encode()
                if shape is None:
                    over = {"id": name, "state": "resolved", "at": rfc3339(self._clock.now())}
                    self._producer.send(ALERTS, orjson.dumps(over), key=key, partition=0)
                    self._producer.send(ALERTS, None, key=key, partition=0)
                else:
                    self._producer.send(ALERTS, orjson.dumps(shape), key=key, partition=0)
        except (KafkaError, OSError) as fault:
            LOG.warning("alerts were not published: %r", fault)

    def close(self) -> None:
        if self._producer is not None:
            self._producer.close(timeout=2)
