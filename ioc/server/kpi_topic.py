"""KPI values on `ioc.kpis.v1`: one message a KPI, with its values for all units."""

from collections.abc import Callable, Iterable, Sequence

import orjson

from ioc.api.schemas.shapes import kpi_shape
from ioc.clock import Clock, rfc3339
from ioc.model.kpi import KpiValue
from ioc.server.topic_publishers import Announcing


class KpiTopic:
    """Publishes what changed; what is dropped while the broker is away is replaced by the next values."""

    def __init__(
        self,
        announcing: Announcing,
        values: Callable[[str], Sequence[KpiValue]],
        min_samples: Callable[[str], int],
        clock: Clock,
    ) -> None:
        """`values` gives the present values of a KPI by its id."""
        self._announcing = announcing
        self._values = values
        self._min_samples = min_samples
        self._clock = clock

    def publish(self, kpis: Iterable[str]) -> None:
        now = rfc3339(self._clock.now())
        self._announcing.send((kpi, self._message(kpi, now)) for kpi in kpis)

    def _message(self, kpi: str, now: str) -> bytes:
        values = self._values(kpi)
        version = values[0].definition_version if values else ""
        shapes = [kpi_shape(value, self._min_samples(kpi)) for value in values]
        return orjson.dumps({"id": kpi, "definition_version": version, "evaluated_at": now, "values": shapes})

    def close(self) -> None:
        self._announcing.close()
