"""Put the FastAPI app together: routes, middleware and the OpenAPI document."""

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

from fastapi import FastAPI

from ioc import __version__
from ioc.api import openapi
from ioc.api.auth.login import LoginService
from ioc.api.auth.middleware import AuthMiddleware
from ioc.api.context import ApiContext
from ioc.api.http import problems
from ioc.api.http.base_path import BasePath, base_path
from ioc.api.http.body_limits import BodyLimits
from ioc.api.http.path_spelling import CanonicalPaths
from ioc.api.http.security_headers import SecurityHeaders
from ioc.api.http.strict_json import StrictJson
from ioc.api.live import socket
from ioc.api.live.identity_watch import IdentityWatch
from ioc.api.routes import (
    alert_actions,
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
    on_call,
    pages,
    people,
    reference,
    restatements,
    route_tests,
    routing,
    rule_drafts,
    rules,
    session,
    silences,
    sources,
    status,
    units,
)

ROUTERS = tuple(
    module.router
    for module in (
        kpis,
        explain,
        restatements,
        units,
        definitions,
        displays,
        sources,
        ledger,
        cases,
        dead_letters,
        alerts,
        alert_actions,
        external_alerts,
        silences,
        rule_drafts,
        rules,
        routing,
        route_tests,
        on_call,
        deliveries,
        incidents,
        ingest,
        health,
        status,
        metrics,
        socket,
        session,
        people,
        lab_proxy,
        reference,
    )
)
"""All routes of the API. `POST /rules/check` comes before `/rules/{rule}`: the first match answers."""


def create_app(context: ApiContext, describe_lab: Callable[[], Mapping[str, Any]] = dict) -> FastAPI:
    """Return the app. Its hub sends to websockets while the app runs.

    `describe_lab` returns the OpenAPI document of the lab (`ioc.lab.app.describe`); without it the lab's addresses are
    missing in `/openapi.json`.
    """

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        context.hub.start()
        yield
        context.hub.stop()

    app = _app_with_routes(lifespan)
    settings = context.settings
    app.state.context = context
    app.state.login = LoginService(context.people, settings.login_key())
    app.state.identity_watch = IdentityWatch(context.people)
    app.state.lab = lab_proxy.LabClient(settings.lab_socket, settings.lab_key())
    context.metrics.register(metrics.ServerMetrics(context))
    pages.install(app, base=base_path(settings.address))
    problems.install(app)
    _add_middleware(app, context)
    openapi.install(app, settings.address, describe_lab)
    return app


def describe(describe_lab: Callable[[], Mapping[str, Any]] = dict) -> dict[str, Any]:
    """Return the OpenAPI document without a running centre."""
    app = _app_with_routes()
    openapi.install(app, "", describe_lab)
    return app.openapi()


def _app_with_routes(lifespan: Callable[[FastAPI], AbstractAsyncContextManager[None]] | None = None) -> FastAPI:
    app = FastAPI(
        title="IOC",
        version=__version__,
        description=openapi.DESCRIPTION,
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        responses=openapi.PROBLEM_RESPONSES,
        generate_unique_id_function=openapi.operation_id,
    )
    for router in ROUTERS:
        app.include_router(router)
    return app


def _add_middleware(app: FastAPI, context: ApiContext) -> None:
    """Add the layers around all routes, from the innermost to the outermost."""
    settings = context.settings
    app.add_middleware(StrictJson)
    app.add_middleware(
        AuthMiddleware, people=context.people, admin_token=context.admin_token, anonymous_role=settings.anonymous
    )
    app.add_middleware(BodyLimits)
    app.add_middleware(CanonicalPaths)
    app.add_middleware(SecurityHeaders, metrics=context.metrics)
    app.add_middleware(BasePath, base=base_path(settings.address))
