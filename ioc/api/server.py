"""Run the app under uvicorn, with limits of connections, direct websocket writes and a clean stop."""

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

_MAX_SHUTDOWN_S = 1
_MAX_MESSAGE_BYTES = 4096
_TICKS_PER_SWEEP = 10
"""Uvicorn ticks ten times a second."""


class Server(uvicorn.Server):
    """A server that leaves signals to `serve`. Uvicorn would raise them again before the caller could clean up."""

    def __init__(self, config: uvicorn.Config, connections: Connections) -> None:
        super().__init__(config)
        self.open_connections = connections

    async def on_tick(self, counter: int) -> bool:
        """Close slow connections once a second."""
        if counter % _TICKS_PER_SWEEP == 0:
            self.open_connections.sweep(asyncio.get_running_loop().time())
        return await super().on_tick(counter)

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Capture nothing."""
        yield


def _is_not_cancelled(record: logging.LogRecord) -> bool:
    """Filter out requests that were cancelled by the shutdown."""
    return not (record.exc_info and record.exc_info[0] is asyncio.CancelledError)


def configured(
    app: ASGIApp,
    *,
    limits: ConnectionLimits | None = None,
    trusted: TrustedProxies | None = None,
    metrics: CollectorRegistry | None = None,
) -> Server:
    """Return a server for `app`. Start it with `run(sockets=[listen(...)])`, stop it with `should_exit = True`.

    The default of `limits` follows from the process's limit of descriptors.
    """
    logging.getLogger("uvicorn.error").addFilter(_is_not_cancelled)
    proxies = trusted or TrustedProxies()
    connections = Connections(limits or ConnectionLimits.of_process())
    if metrics is not None:
        _add_metrics(connections, metrics)
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
        timeout_graceful_shutdown=_MAX_SHUTDOWN_S,
    )
    return Server(config, connections)


def _add_metrics(connections: Connections, metrics: CollectorRegistry) -> None:
    """Add the numbers of connections and descriptors to /metrics."""
    for name, text, value in (
        ("ioc_http_connections", "Open connections, including websockets", lambda: len(connections)),
        ("ioc_http_connections_refused", "Connections refused at the limit", lambda: connections.refused),
        ("ioc_http_connections_overdue", "Connections closed as too slow", lambda: connections.ended_overdue),
        ("ioc_open_descriptors", "Open files and sockets", lambda: connections.open_descriptors),
        ("ioc_max_descriptors", "Limit of open files and sockets", lambda: connections.limits.descriptors),
    ):
        Gauge(name, text, registry=metrics).set_function(value)


def warm(app: ASGIApp) -> None:
    """Request /healthz once without a network, so that the first client does not wait.

    FastAPI builds its routes at the first request. That takes a quarter of a second of a core, and seconds while other
    threads compute.
    """

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

    A query that still runs goes on in its thread, and the process waits for it before it exits. Must be called in the
    main thread. Raises ConfigurationInvalid when the address is not available.
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
