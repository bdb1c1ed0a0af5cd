"""Metrics of a worker, for Prometheus."""

from collections.abc import Mapping
from pathlib import Path

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, disable_created_metrics, start_http_server

from ioc.atomic_file import write_atomically
from ioc.wire.headers import OutputHeaders

_LATENCIES_S = (0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 60)


class Metrics:
    """Counters of one worker; `listen` serves them on a free port of loopback."""

    def __init__(self) -> None:
        disable_created_metrics()  # type: ignore[no-untyped-call]
        self._registry = CollectorRegistry()
        self._next: dict[tuple[str, int], int] = {}
        self._messages = Counter("ioc_streams_messages", "Source messages answered", ["topic"], registry=self._registry)
        self._applied = Counter("ioc_streams_applied", "Records in outputs", ["topic"], registry=self._registry)
        self._rejected = Counter(
            "ioc_streams_rejected", "Records in dead letters", ["topic", "reason"], registry=self._registry
        )
        self._latency = Histogram(
            "ioc_streams_latency_seconds",
            "From the broker taking an input to the broker having its output",
            ["topic"],
            buckets=_LATENCIES_S,
            registry=self._registry,
        )
        self._lag = Gauge(
            "ioc_streams_lag_messages",
            "Source messages not answered yet, of the partitions of this worker",
            ["topic", "partition"],
            registry=self._registry,
        )

    def answered(self, counts: OutputHeaders, now_s: float) -> None:
        """Count a message that is answered and acknowledged."""
        self._next[counts.topic, counts.partition] = counts.offset + 1
        self._messages.labels(counts.topic).inc()
        self._applied.labels(counts.topic).inc(counts.applied)
        for reason, records in counts.rejected.items():
            self._rejected.labels(counts.topic, reason).inc(records)
        self._latency.labels(counts.topic).observe(max(0.0, now_s - counts.input_time_ms / 1000))

    def measure_lag(self, ends: Mapping[tuple[str, int], int]) -> None:
        """Set the lag of each partition.

        `ends` has the end offset of each partition of this worker; a partition that is not in it belongs to another
        worker.
        """
        self._lag.clear()
        for (topic, partition), end in ends.items():
            self._lag.labels(topic, str(partition)).set(max(0, end - self._next.get((topic, partition), end)))

    def listen(self, address_file: Path) -> None:
        """Serve on 127.0.0.1 and write the address, `127.0.0.1:port`, to the file."""
        server, _ = start_http_server(0, addr="127.0.0.1", registry=self._registry)
        write_atomically(address_file, f"127.0.0.1:{server.server_port}")
