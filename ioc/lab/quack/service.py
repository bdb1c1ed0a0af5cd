"""The door for an analyst's own `duckdb`, as long as the lab runs: accounts, seats, front and port put together."""

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
from ioc.lab.quack.proxy import Front
from ioc.lab.quack.sessions import Seats
from ioc.people import People
from ioc.settings import Settings

_LOG = logging.getLogger(__name__)


class QuackDoor:
    """`published` gives the lab's file in use, None while there is none; `minutes` is the folder its views read."""

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
        self.seats = Seats(published, minutes, settings.zone.key, limits or QuackLimits())
        self._front = Front(self.seats, self._people.tokens.caller_of, self._note)
        self._running: asyncio.Task[None] | None = None
        self._address: str | None = None

    def start(self) -> None:
        self._running = asyncio.create_task(self._run())

    def address(self) -> str | None:
        """HOST:PORT while it can be attached."""
        return self._address

    async def close(self) -> None:
        if self._running is not None:
            self._running.cancel()
            with suppress(asyncio.CancelledError):
                await self._running
        await self.seats.close()

    async def _run(self) -> None:
        """The lab goes on without this door when it cannot be opened."""
        try:
            extensions.files()
            async with listening(self._front, self._settings) as self._address:
                await asyncio.Event().wait()
        except ConfigurationInvalid as fault:
            _LOG.warning("%s", fault)
        finally:
            self._address = None

    def _note(self, person: str) -> None:
        self._people.trail.note(person, "quack.attach", "lab")
