"""The lab's FastAPI app. `ioc serve` authorises a request and forwards it here (ioc/api/routes/lab_proxy.py)."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI

from ioc import __version__
from ioc.api.http import problems
from ioc.api.http.path_spelling import CanonicalPaths
from ioc.api.http.strict_json import StrictJson
from ioc.lab import error_responses, metrics
from ioc.lab.context import LabParts
from ioc.lab.gate import LabGate
from ioc.lab.report_schedule import ReportSchedule
from ioc.lab.routes import explorer, open_data, queries, reports, saved, sql


def create_lab_app(parts: LabParts) -> FastAPI:
    """Build the app. Its child processes end with its lifespan."""

    keeping = ReportSchedule(parts)

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        kept = asyncio.create_task(keeping.run())
        if parts.asking is not None:
            parts.asking.start()
            building = asyncio.create_task(open_data.keep_built(parts.asking.published_path, parts))
        if parts.quack is not None:
            parts.quack.start()
        yield
        if parts.quack is not None:
            await parts.quack.close()
        if parts.asking is not None:
            building.cancel()
            await asyncio.gather(building, return_exceptions=True)
            await parts.asking.close()
        kept.cancel()
        await asyncio.gather(kept, return_exceptions=True)
        await keeping.jobs.close()
        await parts.for_reports.close()
        await parts.beside.close()

    app = FastAPI(
        title="IOC lab",
        version=__version__,
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
        responses=problems.RESPONSES,
    )
    for router in (explorer.routes(parts), reports.routes(parts, keeping), open_data.routes(parts)):
        app.include_router(router)
    if parts.asking is not None:
        for router in (
            sql.routes(parts, parts.asking),
            queries.routes(parts, parts.asking),
            saved.routes(parts, parts.asking),
            metrics.routes(parts, parts.asking),
        ):
            app.include_router(router)
    problems.install(app)
    error_responses.install(app)
    app.add_exception_handler(Exception, error_responses.unexpected)
    app.add_middleware(StrictJson)
    app.add_middleware(LabGate, key=parts.settings.lab_key())
    app.add_middleware(CanonicalPaths)
    return app
