"""A process that runs configured sources as `ioc connect` does, and takes pushes on a port: one to be killed."""

import asyncio

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from connectors.http_push import HttpPushEndpoint
from connectors.registry import KINDS
from connectors.runner import Runner
from ioc.catalog.catalog_cache import CatalogFollower
from ioc.clock import SystemClock
from ioc.errors import BatchMalformed, IocError
from ioc.settings import Settings
from tests.support.catalogs import hue

CATALOG = hue()
"""Read before the fork."""


def run_sources(settings: Settings, port: int) -> None:
    asyncio.run(_run(settings, port))


async def _run(settings: Settings, port: int) -> None:
    follower = CatalogFollower(settings.province, settings.catalog_dir, settings.kept_dir, CATALOG)
    runner = Runner(settings, follower.catalog, tuple(KINDS), follow=follower.look)
    endpoint = HttpPushEndpoint(runner.writer_of, lambda: follower.catalog.vocabulary, SystemClock())

    async def ingest(request: Request) -> JSONResponse:
        try:
            answer = await endpoint.ingest(
                request.path_params["source"],
                await request.body(),
                request.headers.get("content-type", ""),
                request.headers.get("idempotency-key", ""),
            )
        except IocError as fault:
            return JSONResponse({"detail": str(fault)}, 400 if isinstance(fault, BatchMalformed) else 503)
        rejected = [{"index": r.index, "field": r.field, "reason": r.reason} for r in answer.rejected]
        return JSONResponse({"accepted": answer.accepted, "rejected": rejected, "duplicate": answer.duplicate}, 202)

    app = Starlette(routes=[Route("/{source}", ingest, methods=["POST"])])
    server = uvicorn.Server(uvicorn.Config(app, port=port, log_level="warning"))
    running = asyncio.create_task(runner.run())
    await server.serve()
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
