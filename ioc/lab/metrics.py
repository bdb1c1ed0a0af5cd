"""GET /api/v1/lab/metrics: the lab's metrics for Prometheus, on the lab's socket and through `ioc serve`."""

from collections.abc import Iterator

from fastapi import APIRouter, Response
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4
from prometheus_client.registry import Collector

from ioc.clock import Clock
from ioc.lab.context import Lab, Sql
from ioc.lab.sql_service import SqlService

router = APIRouter(tags=["lab"])


class LabMetrics(Collector):
    """The state of queries and of the publication in use, read at each scrape."""

    def __init__(self, sql: SqlService, clock: Clock) -> None:
        self._sql = sql
        self._clock = clock

    def collect(self) -> Iterator[Metric]:
        """Yield one family per metric; those of the snapshot only while there is one."""
        queries = self._sql.queries
        ended = CounterMetricFamily("ioc_lab_queries", "Finished queries by outcome.", labels=["outcome"])
        for outcome, count in sorted(queries.counts.items()):
            ended.add_metric([outcome], count)
        yield ended
        yield GaugeMetricFamily("ioc_lab_queries_running", "Running queries.", queries.running)
        yield GaugeMetricFamily("ioc_lab_queries_waiting", "Queued queries.", queries.waiting)
        yield GaugeMetricFamily("ioc_lab_processes", "Running confined processes.", len(queries.processes()))
        published = self._sql.publications.in_use()
        if published is not None:
            age_s = (self._clock.now() - published.taken_at).total_seconds()
            yield GaugeMetricFamily("ioc_lab_snapshot_age_seconds", "Age of the snapshot in use.", age_s)
            yield GaugeMetricFamily("ioc_lab_snapshot_bytes", "Size of its publication.", published.size_bytes)


@router.get("/api/v1/lab/metrics", response_class=Response)
async def get_lab_metrics(lab: Lab, sql: Sql) -> Response:
    """Return the lab's own metrics in Prometheus's text format."""
    registry = CollectorRegistry()
    registry.register(LabMetrics(sql, lab.clock))
    return Response(generate_latest(registry), media_type=CONTENT_TYPE_PLAIN_0_0_4)
