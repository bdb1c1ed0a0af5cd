"""Publish KPI values, alerts and other facts on compacted Kafka topics, for other systems.

The store is the record: while the broker is away, messages are dropped here, and newer ones replace them later.
"""

import logging
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

import orjson
from kafka import KafkaProducer
from kafka.errors import KafkaError

from ioc.api.schemas.alerts import AlertShape
from ioc.api.schemas.kpis import kpi_shape
from ioc.clock import Clock, rfc3339
from ioc.kafka import connection
from ioc.model.kpi import KpiValue

LOG = logging.getLogger(__name__)


class TopicPublisher:
    """Publish messages on one topic, in the order of the calls; a message may arrive twice.

    The producer is not idempotent in Kafka's sense: an idempotent one waits for ever for its id when the broker hangs
    while it asks for one.
    """

    def __init__(self, bootstrap: str, security: Mapping[str, str], topic: str) -> None:
        self._connection = connection(bootstrap, security)
        self._topic = topic
        self._producer: KafkaProducer | None = None

    def send(self, messages: Iterable[tuple[str, bytes | None]]) -> None:
        """Send (key, value) pairs; a value of None deletes the key.

        Blocks for at most 0.2 s while the broker is away, once it has been reached before.
        """
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
            LOG.warning("%s: messages were dropped: %r", self._topic, fault)

    def close(self) -> None:
        """Close the producer; messages under way have 2 s to arrive."""
        if self._producer is not None:
            self._producer.close(timeout=2)


class KpiPublisher:
    """Publish KPI values on `ioc.kpis.v1`: one message per KPI, with its values for all units."""

    def __init__(
        self,
        publisher: TopicPublisher,
        values: Callable[[str], Sequence[KpiValue]],
        min_samples: Callable[[str], int],
        clock: Clock,
    ) -> None:
        """`values` returns the present values of a KPI by its id, `min_samples` its minimum number of samples."""
        self._publisher = publisher
        self._values = values
        self._min_samples = min_samples
        self._clock = clock

    def publish(self, kpis: Iterable[str]) -> None:
        """Publish the present values of these KPIs (ids)."""
        now = rfc3339(self._clock.now())
        self._publisher.send((kpi, self._message(kpi, now)) for kpi in kpis)

    def _message(self, kpi: str, now: str) -> bytes:
        values = self._values(kpi)
        version = values[0].definition_version if values else ""
        shapes = [kpi_shape(value, self._min_samples(kpi)) for value in values]
        return orjson.dumps({"id": kpi, "definition_version": version, "evaluated_at": now, "values": shapes})

    def close(self) -> None:
        """Close the producer."""
        self._publisher.close()


class AlertPublisher:
    """Publish alerts on `ioc.alerts.v1` by id: the alert after each change, then `resolved`, then a deletion."""

    def __init__(self, publisher: TopicPublisher, clock: Clock) -> None:
        self._publisher = publisher
        self._clock = clock

    def publish(self, changed: Mapping[str, AlertShape | None]) -> None:
        """Publish changed alerts by id; None stands for an alert that has ended."""
        self._publisher.send(self._messages(changed))

    def _messages(self, changed: Mapping[str, AlertShape | None]) -> Iterator[tuple[str, bytes | None]]:
        for name, shape in changed.items():
            if shape is None:
                yield name, orjson.dumps({"id": name, "state": "resolved", "at": rfc3339(self._clock.now())})
                yield name, None
            else:
                yield name, orjson.dumps(shape)

    def close(self) -> None:
        """Close the producer."""
        self._publisher.close()
