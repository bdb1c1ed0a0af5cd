"""GET /metrics: the server's own metrics in Prometheus's text format."""

from collections import Counter
from collections.abc import Iterable, Iterator

from fastapi import APIRouter, Response
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric, SummaryMetricFamily
from prometheus_client.registry import Collector

from ioc.alert_service.service import AlertService
from ioc.api.context import ApiContext, Context
from ioc.errors import StoreUnavailable
from ioc.model.fault import Fault
from ioc.model.ledger import Ledger

router = APIRouter(tags=["operation"])


class ServerMetrics(Collector):
    """Metrics of the ledger, the alerts and the websocket, read at each scrape."""

    def __init__(self, context: ApiContext) -> None:
        self._context = context

    def describe(self) -> Iterator[Metric]:
        """Return nothing, so that registering does not read the store."""
        return iter(())

    def collect(self) -> Iterator[Metric]:
        """Read all metrics; without those of the store while it is unavailable."""
        hub = self._context.hub
        yield GaugeMetricFamily("ioc_websocket_clients", "Open websockets", value=hub.clients)
        yield CounterMetricFamily("ioc_websocket_sent", "Messages sent to websockets", value=hub.sent)
        yield CounterMetricFamily(
            "ioc_websocket_passed_over", "Times a slow websocket was passed over", value=hub.passed_over
        )
        yield GaugeMetricFamily(
            "ioc_writes", "1 while no part of the centre has a fault", value=not self._context.faults()
        )
        yield fault_metrics(self._context.faults())
        try:
            yield from alert_metrics(self._context.alerting.service)
            ledger = self._context.ledger()
        except StoreUnavailable:
            return
        yield GaugeMetricFamily("ioc_ledger_balanced", "1 while the ledger balances", value=ledger.balanced)
        yield from ledger_metrics(ledger)


def fault_metrics(faults: Iterable[Fault]) -> Metric:
    """Return the number of present faults by code."""
    metric = GaugeMetricFamily("ioc_faults", "Present faults of the centre's parts", labels=["code"])
    for code, count in Counter(fault.code for fault in faults).items():
        metric.add_metric([code], count)
    return metric


def alert_metrics(service: AlertService) -> Iterator[Metric]:
    """Read the metrics of alerts, deliveries and rule evaluation. Raises StoreUnavailable."""
    alerts = GaugeMetricFamily("ioc_alerts", "Present alerts", labels=["severity", "state", "handling"])
    standing = Counter(
        (one.severity.value, one.condition.value, one.handling.value) for one in service.state.alerts.values()
    )
    for labels, count in standing.items():
        alerts.add_metric(labels, count)
    rows = service.store.select("SELECT channel, state, count(*) AS n FROM delivery_states GROUP BY channel, state")
    deliveries = GaugeMetricFamily("ioc_deliveries", "Messages of the last 90 days", labels=["channel", "state"])
    for row in rows:
        deliveries.add_metric([row["channel"], row["state"]], row["n"])
    by_state = Counter({state: sum(row["n"] for row in rows if row["state"] == state) for state in ("waiting", "dead")})
    yield from (alerts, deliveries)
    yield GaugeMetricFamily("ioc_notifications_pending", "Messages not sent yet", value=by_state["waiting"])
    yield GaugeMetricFamily("ioc_deliveries_dead", "Messages given up", value=by_state["dead"])
    flooded = service.current_flood(service.now()) is not None
    yield GaugeMetricFamily("ioc_alert_flood", "1 while alerts flood (ISA-18.2)", value=flooded)
    ticks = service.ticks
    yield SummaryMetricFamily(
        "ioc_rule_evaluation_seconds", "Time of a tick of the rules", count_value=ticks.count, sum_value=ticks.seconds
    )
    yield GaugeMetricFamily("ioc_rule_evaluation_last_seconds", "Time of the last tick", value=ticks.last_s)


def ledger_metrics(ledger: Ledger) -> Iterator[Metric]:
    """Return the records of each source by outcome, and the lag of each partition."""
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


@router.get("/metrics", response_class=Response)
async def get_metrics(context: Context) -> Response:
    """Return the server's own metrics in Prometheus's text format."""
    text = await context.threads.run(lambda: generate_latest(context.metrics))
    return Response(text, media_type=CONTENT_TYPE_LATEST)
