"""The FastAPI app: every route, put together."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from fastapi import FastAPI

from ioc import __version__
from ioc.api.auth.middleware import SESSION_COOKIE, AuthMiddleware
from ioc.api.context import ApiContext
from ioc.api.http import problems
from ioc.api.http.base_path import BasePath, base_path
from ioc.api.http.body_limits import BodyLimits
from ioc.api.http.path_spelling import CanonicalPaths
from ioc.api.http.security_headers import SecurityHeaders
from ioc.api.http.strict_json import StrictJson
from ioc.api.http.threads import WorkerThreads
from ioc.api.live import socket
from ioc.api.routes import (
    alerts,
    cases,
    dead_letters,
    definitions,
    deliveries,
    displays,
    explain,
    external_alerts,
    health,
    incidents,
    ingest,
    kpis,
    lab_proxy,
    ledger,
    metrics,
    pages,
    people,
    reference,
    restatements,
    routing,
    rules,
    session,
    silences,
    sources,
    status,
    units,
)

_DESCRIPTION = """Who calls is known by a session's cookie, a display's token or the admin token; each address asks for
a permission of theirs, a push for the token of its source. Without any, a caller may look where the centre allows it.
Times are RFC 3339 in UTC. Errors are `application/problem+json` (RFC 9457)."""

_SCHEMES = {
    "token": {"type": "http", "scheme": "bearer", "description": "The admin token, or a wall display's"},
    "session": {"type": "apiKey", "in": "cookie", "name": SESSION_COOKIE},
}


def create_app(centre: ApiContext) -> FastAPI:
    """The hub of `centre` ticks while the app runs."""

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        centre.hub.start()
        yield
        centre.hub.stop()

    app = FastAPI(
        title="IOC",
        version=__version__,
        description=_DESCRIPTION,
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
        responses=problems.RESPONSES,
    )
    threads = WorkerThreads()
    for router in (
        kpis.routes(centre, threads),
        explain.routes(centre, threads),
        restatements.routes(centre, threads),
        units.routes(centre),
        definitions.routes(centre, threads),
        displays.routes(centre, threads),
        sources.routes(centre, threads),
        ledger.routes(centre, threads),
        cases.routes(centre, threads),
        dead_letters.routes(centre, threads),
        alerts.routes(centre, threads),
        external_alerts.routes(centre, threads),
        silences.routes(centre, threads),
        rules.routes(centre, threads),
        routing.routes(centre, threads),
        deliveries.routes(centre, threads),
        incidents.routes(centre, threads),
        ingest.routes(centre),
        health.routes(centre, threads),
        status.routes(centre, threads),
        metrics.routes(centre, threads),
        socket.routes(centre),
        session.routes(centre),
        people.routes(centre),
        lab_proxy.routes(centre, threads),
    ):
        app.include_router(router)
    reference.install(app, base_path(centre.settings.address))
    pages.install(app, base=base_path(centre.settings.address))
    problems.install(app)
    app.add_middleware(StrictJson)
    app.add_middleware(
        AuthMiddleware, people=centre.people, admin_token=centre.admin_token, anonymous_role=centre.settings.anonymous
    )
    app.add_middleware(BodyLimits)
    app.add_middleware(CanonicalPaths)
    app.add_middleware(SecurityHeaders, metrics=centre.metrics)
    base = base_path(centre.settings.address)
    app.add_middleware(BasePath, base=base)
    describe = app.openapi

    def openapi() -> dict[str, Any]:
        schema = describe()
        schema["components"]["schemas"]["Problem"] = problems.SCHEMA
        schema["components"].setdefault("securitySchemes", {}).update(_SCHEMES)
        if base:
            schema["servers"] = [{"url": base}]
        schema["security"] = [{"token": []}, {"session": []}]
        return schema

    app.openapi = openapi  # type: ignore[method-assign]
    return app
