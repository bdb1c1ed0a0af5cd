"""GET /metrics: the server's own metrics for Prometheus."""

from collections.abc import Iterator

from fastapi import APIRouter, Response
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from ioc.api.centre import Centre
from ioc.api.threads import Threads
from ioc.errors import StoreUnavailable
from ioc.model.ledger import Ledger


class CentreMetrics(Collector):
    """The ledger and the websocket, read when Prometheus asks."""

    def __init__(self, centre: Centre) -> None:
        self._centre = centre

    def describe(self) -> Iterator[Metric]:
        """Names only: registering must not read the store."""
        return iter(())

    def collect(self) -> Iterator[Metric]:
        hub = self._centre.hub
        yield GaugeMetricFamily("ioc_websocket_clients", "Open websockets", value=hub.clients)
        yield CounterMetricFamily("ioc_websocket_sent", "Messages sent to websockets", value=hub.sent)
        yield CounterMetricFamily(
            "ioc_websocket_passed_over", "Times a slow websocket was passed over", value=hub.passed_over
        )
        yield GaugeMetricFamily("ioc_writes", "1 while the centre can write", value=not self._centre.fault())
        try:
            ledger = self._centre.ledger()
        except StoreUnavailable:
            return
        yield GaugeMetricFamily("ioc_ledger_balanced", "1 while the ledger balances", value=ledger.balanced)
        yield from ledger_metrics(ledger)


def ledger_metrics(ledger: Ledger) -> Iterator[Metric]:
    records = CounterMetricFamily(
        "ioc_records", "Records of a source by what became of them", labels=["source", "fate"]
    )
    rejected = CounterMetricFamily("ioc_records_rejected", "Unfit records by reason", labels=["source", "reason"])
    flying = GaugeMetricFamily("ioc_records_in_flight", "Received, not applied yet", labels=["source"])
    for source in ledger.sources:
        for fate in ("received", "applied", "duplicate"):
            records.add_metric([source.source, fate], getattr(source, fate))
        for reason, count in source.rejected.items():
            rejected.add_metric([source.source, reason], count)
        flying.add_metric([source.source], source.in_flight)
    lag = GaugeMetricFamily("ioc_partition_lag", "Messages not applied yet", labels=["topic", "partition"])
    for partition in ledger.partitions:
        lag.add_metric([partition.topic, str(partition.partition)], partition.end_offset - partition.next_offset)
    yield from (records, rejected, flying, lag)


def routes(centre: Centre, threads: Threads) -> APIRouter:
    router = APIRouter(tags=["operation"])
    centre.metrics.register(CentreMetrics(centre))

    @router.get("/metrics", response_class=Response)
    async def metrics() -> Response:
        text = await threads.run(lambda: generate_latest(centre.metrics))
        return Response(text, media_type=CONTENT_TYPE_LATEST)

    return router
