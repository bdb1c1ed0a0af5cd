"""GET /metrics of the lab, in Prometheus's text format; reached on the lab's socket, and through `ioc serve`."""

from fastapi import APIRouter, Response

from ioc.lab.context import LabParts
from ioc.lab.sql_service import Asking


def routes(parts: LabParts, asking: Asking) -> APIRouter:
    router = APIRouter(tags=["lab"])

    @router.get("/api/v1/lab/metrics")
    async def metrics() -> Response:
        published = asking.publications.in_use()
        lines = [
            "# HELP ioc_lab_queries_total Queries that ended, by how.",
            "# TYPE ioc_lab_queries_total counter",
            *(f'ioc_lab_queries_total{{outcome="{name}"}} {n}' for name, n in sorted(asking.queries.counts.items())),
            "# HELP ioc_lab_queries_running Queries under way.",
            "# TYPE ioc_lab_queries_running gauge",
            f"ioc_lab_queries_running {asking.queries.running}",
            "# HELP ioc_lab_queries_waiting Queries that wait their turn.",
            "# TYPE ioc_lab_queries_waiting gauge",
            f"ioc_lab_queries_waiting {asking.queries.waiting}",
            "# HELP ioc_lab_processes Confined processes that run.",
            "# TYPE ioc_lab_processes gauge",
            f"ioc_lab_processes {len(asking.queries.processes())}",
        ]
        if published is not None:
            age_s = (parts.clock.now() - published.taken_at).total_seconds()
            lines += [
                "# HELP ioc_lab_snapshot_age_seconds Age of the snapshot in use.",
                "# TYPE ioc_lab_snapshot_age_seconds gauge",
                f"ioc_lab_snapshot_age_seconds {age_s:.1f}",
                "# HELP ioc_lab_snapshot_bytes Size of what is published of it.",
                "# TYPE ioc_lab_snapshot_bytes gauge",
                f"ioc_lab_snapshot_bytes {published.size_bytes}",
            ]
        return Response("\n".join(lines) + "\n", media_type="text/plain; version=0.0.4; charset=utf-8")

    return router
