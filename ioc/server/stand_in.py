"""Serve pages and the fault while store or broker are away at the server's start."""

from __future__ import annotations

import logging
from collections.abc import Callable

from fastapi import FastAPI, Request, Response
from fastapi.responses import JSONResponse
from prometheus_client import CollectorRegistry

from ioc.api.http import problems
from ioc.api.http.problems import RETRY_AFTER_S, answer
from ioc.api.http.security_headers import SecurityHeaders
from ioc.api.routes import pages
from ioc.api.schemas.faults import fault_shape
from ioc.api.server import configured
from ioc.errors import StoreUnavailable
from ioc.http_listener import listen
from ioc.model.fault import Fault
from ioc.periodic_thread import PeriodicThread
from ioc.settings import Settings
from ioc.store import Store

LOG = logging.getLogger(__name__)
TRY_EVERY_S = 1.0


def stand_in(settings: Settings, fault: Fault, is_over: Callable[[], bool]) -> None:
    """Serve pages and the fault until `is_over`, which is called every TRY_EVERY_S.

    Must run in the main thread; SIGINT and SIGTERM end the process. Raises ConfigurationInvalid when the address is
    in use.
    """
    LOG.error("%s", fault.detail)
    listener = listen(settings.http_host, settings.http_port)
    server = configured(stand_in_app(fault))

    def check() -> None:
        server.should_exit = is_over()

    checking = PeriodicThread("stand-in", check, TRY_EVERY_S)
    checking.start()
    try:
        server.run(sockets=[listener])
    finally:
        checking.stop()
        listener.close()


def store_opens(settings: Settings) -> bool:
    """Return whether the store can be opened."""
    try:
        Store.open(settings.store_path, settings.archive_dir, zone=settings.zone).close()
    except StoreUnavailable:
        return False
    return True


def stand_in_app(fault: Fault) -> FastAPI:
    """Return an app with the pages, /healthz, /readyz (503) and /api/v1/status; any other address answers 503."""
    app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)

    @app.get("/healthz")
    async def healthz() -> Response:
        return JSONResponse({"status": "ok"})

    @app.get("/api/v1/status")
    async def status() -> Response:
        return JSONResponse({"faults": [fault_shape(fault)], "notices": []})

    pages.install(app)

    async def refuse(request: Request) -> Response:
        return answer(request.url.path, 503, fault.message, [fault], {"Retry-After": str(RETRY_AFTER_S)})

    app.add_route("/{path:path}", refuse, methods=["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"])
    problems.install(app)
    app.add_middleware(SecurityHeaders, metrics=CollectorRegistry())
    return app
