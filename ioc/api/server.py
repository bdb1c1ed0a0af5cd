"""Run the app under uvicorn: quiet, direct frames, a clean stop."""

import asyncio
import contextlib
import logging
import signal
from collections.abc import Iterator
from functools import partial
from typing import Any

import uvicorn
from prometheus_client import CollectorRegistry, Gauge
from starlette.types import ASGIApp, Scope
from starlette.types import Message as AsgiMessage

from ioc.api.auth.proxies import TrustedProxies
from ioc.api.http.connections import ConnectionLimits, Connections
from ioc.api.http.protocol import LimitedProtocol
from ioc.api.live.direct_writes import DirectProtocol
from ioc.http_listener import listen

_STOP_WITHIN_S = 1
_MAX_MESSAGE_BYTES = 4096
_TICKS_A_SWEEP = 10
"""Uvicorn ticks ten times a second."""


class Server(uvicorn.Server):
    """Leaves signals to `serve`: uvicorn would raise them again after its stop, before the caller could clean up."""

    def __init__(self, config: uvicorn.Config, connections: Connections) -> None:
        super().__init__(config)
        self.open_connections = connections

    async def on_tick(self, counter: int) -> bool:
        if counter % _TICKS_A_SWEEP == 0:
            self.open_connections.sweep(asyncio.get_running_loop().time())
        return await super().on_tick(counter)

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def _is_news(record: logging.LogRecord) -> bool:
    """A request that was cut off by the stop is none."""
    return not (record.exc_info and record.exc_info[0] is asyncio.CancelledError)


def configured(
    app: ASGIApp,
    *,
    limits: ConnectionLimits | None = None,
    trusted: TrustedProxies | None = None,
    metrics: CollectorRegistry | None = None,
) -> Server:
    """A server for `app`, not listening yet: `run(sockets=[listen(...)])`, and `should_exit = True` stops it.

    Without `limits` they follow from the process's limit of descriptors.
    """
    logging.getLogger("uvicorn.error").addFilter(_is_news)
    proxies = trusted or TrustedProxies()
    connections = Connections(limits or ConnectionLimits.of_process())
    if metrics is not None:
        _tell(connections, metrics)
    http: Any = partial(LimitedProtocol, connections=connections, trusted=proxies)
    config = uvicorn.Config(
        app,
        http=http,
        ws=DirectProtocol,
        ws_per_message_deflate=False,
        ws_max_size=_MAX_MESSAGE_BYTES,
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=bool(proxies.addresses),
        forwarded_allow_ips=list(proxies.addresses),
        timeout_graceful_shutdown=_STOP_WITHIN_S,
    )
    return Server(config, connections)


def _tell(connections: Connections, metrics: CollectorRegistry) -> None:
    """Show the connections and descriptors in /metrics."""
    for name, text, value in (
        ("ioc_http_connections", "Open connections, websockets too", lambda: len(connections)),
        ("ioc_http_connections_refused", "Connections that found no place", lambda: connections.refused),
        ("ioc_http_connections_overdue", "Connections ended since they stood still", lambda: connections.ended_overdue),
        ("ioc_open_descriptors", "Open files and sockets", lambda: connections.open_descriptors),
        ("ioc_max_descriptors", "Most files and sockets", lambda: connections.limits.descriptors),
    ):
        Gauge(name, text, registry=metrics).set_function(value)


def warm(app: ASGIApp) -> None:
    """Ask once whether it lives. FastAPI makes the routes at the first request: a quarter of a second of a core, and
    seconds once others compute."""

    async def receive() -> AsgiMessage:
        return {"type": "http.request"}

    async def send(_answer: AsgiMessage) -> None:
        pass

    scope: Scope = {
        "type": "http",
        "http_version": "1.1",
        "method": "GET",
        "scheme": "http",
        "path": "/healthz",
        "raw_path": b"/healthz",
        "root_path": "",
        "query_string": b"",
        "headers": [],
        "client": ("127.0.0.1", 0),
        "server": ("127.0.0.1", 0),
    }
    asyncio.run(app(scope, receive, send))  # type: ignore[arg-type]


def serve(
    app: ASGIApp,
    host: str,
    port: int,
    *,
    trusted: TrustedProxies | None = None,
    metrics: CollectorRegistry | None = None,
) -> None:
    """Serve until SIGINT or SIGTERM, then return within about two seconds, whatever clients do.

    A query that still runs then goes on in its thread, and the process waits for it at its very end.
    Must run in the main thread. Raises ConfigurationInvalid when the address cannot be had.
    """
    listener = listen(host, port)
    server = configured(app, trusted=trusted, metrics=metrics)

    def stop(_signal: int, _frame: object) -> None:
        server.should_exit = True

    before = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        server.run(sockets=[listener])
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
