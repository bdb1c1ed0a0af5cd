"""Run all simulated sector systems of the demonstration province in one process."""

import asyncio
import contextlib
import logging
import signal
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import uvicorn
from starlette.applications import Starlette

from ioc.catalog.units import province_units
from ioc.clock import Clock, SystemClock, to_ms
from ioc.demo import addresses, feeds, state
from ioc.demo.addresses import Addresses
from ioc.demo.places import World
from ioc.demo.sources import write_sources
from ioc.demo.state import FeedProgress
from ioc.demo.systems import handed_list
from ioc.demo.systems.day_file import DayFile
from ioc.demo.systems.document_exchange import DocumentExchange
from ioc.demo.systems.lgsp_gateway import SOURCE as LGSP
from ioc.demo.systems.lgsp_gateway import LgspGateway
from ioc.demo.systems.mqtt_server import mqtt_server
from ioc.demo.systems.profile_feeds import Pushes, YearFigures, own_feeds
from ioc.demo.systems.rest import application
from ioc.demo.systems.sensors import Counters, Gateway, Stations
from ioc.demo.world.profile_files import profiles
from ioc.settings import Settings

_LOG = logging.getLogger(__name__)
_FINISH_S = 3.0


def run(settings: Settings) -> None:
    """Run until SIGINT or SIGTERM. Raises ConfigurationInvalid when the province or the kept state is wrong."""
    asyncio.run(_until_signalled(settings))


def world_of(settings: Settings) -> World:
    """Return the simulated world of the settings' province. Raises ConfigurationInvalid."""
    return World.of(province_units(settings.province, settings.catalog_dir), settings.zone)


async def _until_signalled(settings: Settings) -> None:
    ending = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, ending.set)
    async with simulated(settings, SystemClock()):
        await ending.wait()


@asynccontextmanager
async def simulated(settings: Settings, clock: Clock) -> AsyncIterator[Addresses]:
    """Run the systems while the context is open, after writing the source configurations that reach them."""
    world, data_dir = world_of(settings), settings.data_dir
    began_at_ms = state.began_at_ms(data_dir, clock.now())
    progress = FeedProgress(data_dir, began_at_ms)
    at = addresses.choose(data_dir)
    write_sources(settings.sources_dir, at, settings.province)
    folders = {source: Path(folder) for source, folder in at.folders.items()}
    for folder in folders.values():
        folder.mkdir(parents=True, exist_ok=True)
    gateway = Gateway("127.0.0.1", at.mqtt_port, "ioc-demo-gateway")
    async with contextlib.AsyncExitStack() as stack:
        await stack.enter_async_context(mqtt_server(at.mqtt_port))
        await stack.enter_async_context(_served(application(world, began_at_ms, clock), at.rest_port))
        client = await stack.enter_async_context(httpx.AsyncClient(timeout=10))
        stack.push_async_callback(gateway.close)
        handed_list.drop_once(folders["handed-list"], progress, began_at_ms, to_ms(clock.now()))
        pushes = [
            Pushes(
                *(world, profile, client, began_at_ms),
                address=_push_address(settings, profile.source),
                token=settings.source_token(profile.source),
            )
            for profile in profiles()
            if profile.kind == "push"
        ]
        profiled = own_feeds(world, profiles(), folders, gateway, pushes)
        for feed in profiled:
            if isinstance(feed, YearFigures):
                feed.drop_past(progress, began_at_ms)
        running: tuple[feeds.Feed, ...] = (
            LgspGateway(world, client, _push_address(settings, LGSP), settings.source_token(LGSP)),
            Stations(world, gateway),
            Counters(world, gateway),
            DocumentExchange(world, folders["document-exchange"]),
            DayFile(world, folders["department-day-file"]),
            *profiled,
        )
        ending = asyncio.Event()
        tasks = [asyncio.create_task(feeds.run(feed, progress, clock, ending), name=feed.name) for feed in running]
        for task in tasks:
            task.add_done_callback(_log_failure)
        try:
            yield at
        finally:
            ending.set()
            _, unfinished = await asyncio.wait(tasks, timeout=_FINISH_S)
            for task in unfinished:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)


def _push_address(settings: Settings, source: str) -> str:
    host = "127.0.0.1" if settings.http_host in ("0.0.0.0", "::", "") else settings.http_host
    return f"http://{host}:{settings.http_port}/api/v1/ingest/{source}"


def _log_failure(task: asyncio.Task[None]) -> None:
    if not task.cancelled() and task.exception() is not None:
        _LOG.error("%s ended", task.get_name(), exc_info=task.exception())


class _DemoServer(uvicorn.Server):
    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave signals alone: they end the whole process, not this server."""
        yield


@asynccontextmanager
async def _served(app: Starlette, port: int) -> AsyncIterator[None]:
    listening = socket.create_server(("127.0.0.1", port))
    configuration = uvicorn.Config(
        app, log_level="warning", access_log=False, lifespan="off", timeout_graceful_shutdown=1
    )
    server = _DemoServer(configuration)
    task = asyncio.create_task(server.serve(sockets=[listening]))
    try:
        yield
    finally:
        server.should_exit = True
        await task
        listening.close()
