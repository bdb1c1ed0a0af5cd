"""Put the lab's FastAPI app together. `ioc serve` forwards requests to it (ioc/api/routes/lab_proxy.py)."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

from fastapi import APIRouter, FastAPI

from ioc import __version__
from ioc.api import openapi
from ioc.api.http import problems
from ioc.api.http.path_spelling import CanonicalPaths
from ioc.api.http.strict_json import StrictJson
from ioc.lab import error_responses, metrics
from ioc.lab.context import LabContext
from ioc.lab.gate import LabGate
from ioc.lab.report_schedule import ReportSchedule
from ioc.lab.routes import explorer, open_data, queries, reports, saved, sql

ROUTERS = (explorer.router, reports.router, open_data.router)
SQL_ROUTERS = (sql.router, queries.router, saved.router, metrics.router)


def create_lab_app(context: LabContext) -> FastAPI:
    """Return the app. The processes of the lab run while it runs."""
    keeping = ReportSchedule(context)

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        tasks = [asyncio.create_task(keeping.run())]
        if context.asking is not None:
            context.asking.start()
            tasks.append(asyncio.create_task(open_data.keep_built(context.asking.published_path, context)))
        if context.quack is not None:
            context.quack.start()
        yield
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        if context.quack is not None:
            await context.quack.close()
        if context.asking is not None:
            await context.asking.close()
        await keeping.jobs.close()
        await context.for_reports.close()
        await context.beside.close()

    app = _app_with_routes((*ROUTERS, *(SQL_ROUTERS if context.asking is not None else ())), lifespan)
    app.state.context = context
    app.state.report_keeping = keeping
    app.state.forecasts = explorer.ForecastCache()
    problems.install(app)
    error_responses.install(app)
    app.add_exception_handler(Exception, error_responses.unexpected)
    app.add_middleware(StrictJson)
    app.add_middleware(LabGate, key=context.settings.lab_key())
    app.add_middleware(CanonicalPaths)
    return app


def describe() -> dict[str, Any]:
    """Return the OpenAPI document of all routes, without a running lab."""
    return _app_with_routes((*ROUTERS, *SQL_ROUTERS)).openapi()


def _app_with_routes(
    routers: Iterable[APIRouter], lifespan: Callable[[FastAPI], AbstractAsyncContextManager[None]] | None = None
) -> FastAPI:
    app = FastAPI(
        title="IOC lab",
        version=__version__,
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        responses=openapi.PROBLEM_RESPONSES,
        generate_unique_id_function=openapi.operation_id,
    )
    for router in routers:
        app.include_router(router)
    return app
