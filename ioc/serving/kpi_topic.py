"""KPI values on `ioc.kpis.v1`: one message a KPI, with its values for all units."""

import logging
from collections.abc import Callable, Iterable, Mapping, Sequence

import orjson
from kafka import KafkaProducer
from kafka.errors import KafkaError

from ioc.api.shapes import kpi_shape
from ioc.clock import Clock, rfc3339
from ioc.kafka import connection
from ioc.model.kpi import KpiValue
from ioc.topics import KPIS

LOG = logging.getLogger(__name__)


class KpiTopic:
    """Publishes what changed; while the broker is away values are dropped, since the next ones replace them."""

    def __init__(
        self,
        bootstrap: str,
        security: Mapping[str, str],
        values: Callable[[str], Sequence[KpiValue]],
        min_samples: Callable[[str], int],
        clock: Clock,
    ) -> None:
        """`values` gives the present values of a KPI by its id."""
        self._connection = connection(bootstrap, security)
        self._values = values
        self._min_samples = min_samples
        self._clock = clock
        self._producer: KafkaProducer | None = None

    def publish(self, kpis: Iterable[str]) -> None:
        try:
            if self._producer is None:
                self._producer = KafkaProducer(
                    **self._connection, linger_ms=100, max_block_ms=200, compression_type="lz4", metrics_enabled=False
                )
            now = rfc3339(self._clock.now())
            for kpi in kpis:
                self._producer.send(KPIS, self._message(kpi, now), key=kpi.encode(), partition=0)
        except (KafkaError, OSError) as fault:
            LOG.warning("KPI values were not published: %r", fault)

    def _message(self, kpi: str, now: str) -> bytes:
        values = self._values(kpi)
        version = values[0].definition_version if values else ""
        shapes = [kpi_shape(value, self._min_samples(kpi)) for value in values]
        return orjson.dumps({"id": kpi, "definition_version": version, "evaluated_at": now, "values": shapes})

    def close(self) -> None:
        if self._producer is not None:
            self._producer.close(timeout=2)
