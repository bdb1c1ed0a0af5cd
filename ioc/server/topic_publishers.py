"""Messages for others on a compacted topic: as well as it goes, since what is true stands in the store."""

import logging
from collections.abc import Iterable, Mapping

from kafka import KafkaProducer
from kafka.errors import KafkaError

from ioc.kafka import connection

LOG = logging.getLogger(__name__)


class Announcing:
    """While the broker is away messages are dropped. In the order of calls; one may come twice.

    Not idempotent in Kafka's sense: such a producer waits for ever for its id when the broker stood still as it asked.
    """

    def __init__(self, bootstrap: str, security: Mapping[str, str], topic: str) -> None:
        self._connection = connection(bootstrap, security)
        self._topic = topic
        self._producer: KafkaProducer | None = None

    def send(self, messages: Iterable[tuple[str, bytes | None]]) -> None:
        """Key and value; None ends what the key stands for. Waits for a broker that is away for 0.2 s at most, once it
        has been there."""
        try:
            if self._producer is None:
                self._producer = KafkaProducer(
                    **self._connection,
                    enable_idempotence=False,
                    max_in_flight_requests_per_connection=1,
                    linger_ms=100,
                    max_block_ms=200,
                    compression_type="lz4",
                    metrics_enabled=False,
                )
            for key, value in messages:
                self._producer.send(self._topic, value, key=key.encode(), partition=0)
        except (KafkaError, OSError) as fault:
            LOG.warning("%s: not told to others: %r", self._topic, fault)

    def close(self) -> None:
        """What is on its way has 2 s."""
        if self._producer is not None:
            self._producer.close(timeout=2)
