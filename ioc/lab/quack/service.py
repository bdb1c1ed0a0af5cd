"""Serve DuckDB's remote protocol while the lab runs."""

import asyncio
import logging
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from ioc.clock import Clock
from ioc.errors import ConfigurationInvalid
from ioc.lab.quack import extensions
from ioc.lab.quack.http import listening
from ioc.lab.quack.process_handle import QuackLimits
from ioc.lab.quack.proxy import QuackProxy
from ioc.lab.quack.sessions import QuackSessions
from ioc.people import People
from ioc.settings import Settings

_LOG = logging.getLogger(__name__)


class QuackService:
    """The service.

    `published` returns the lab's file in use, None while there is none; `minutes` is the folder that its views
    read.
    """

    def __init__(
        self,
        settings: Settings,
        clock: Clock,
        published: Callable[[], Path | None],
        minutes: Path,
        limits: QuackLimits | None = None,
    ) -> None:
        self._settings = settings
        self._people = People.open(settings.people_path, clock)
        self.sessions = QuackSessions(published, minutes, settings.zone.key, limits or QuackLimits())
        self._proxy = QuackProxy(self.sessions, self._people.tokens.caller_of, self._note)
        self._running: asyncio.Task[None] | None = None
        self._address: str | None = None

    def start(self) -> None:
        self._running = asyncio.create_task(self._run())

    def address(self) -> str | None:
        """Return HOST:PORT while clients can attach."""
        return self._address

    async def close(self) -> None:
        if self._running is not None:
            self._running.cancel()
            with suppress(asyncio.CancelledError):
                await self._running
        await self.sessions.close()

    async def _run(self) -> None:
        """Serve; the lab goes on without it when no port is available."""
        try:
            extensions.files()
            async with listening(self._proxy, self._settings) as self._address:
                await asyncio.Event().wait()
        except ConfigurationInvalid as fault:
            _LOG.warning("%s", fault)
        finally:
            self._address = None

    def _note(self, person: str) -> None:
        self._people.trail.note(person, "quack.attach", "lab")
