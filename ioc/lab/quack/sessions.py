"""Sessions of Quack clients: one server process per person, a few at once, idle ones give way."""

import asyncio
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic

from ioc.errors import IocError
from ioc.lab.quack.process_handle import ProcessGone, QuackLimits, QuackProcess
from ioc.messages import Message

MOST = 2
IDLE_S = 300.0
_QUIET_S = 5.0
_WATCH_EVERY_S = 0.25


class NoSession(IocError):
    """No process is available now; the text says why and when to retry."""


@dataclass(eq=False)
class QuackSession:
    """A person's server process.

    `asking` counts messages being answered; `why_ended` is set when the watch killed the process.
    """

    process: QuackProcess
    asking: int = 0
    used_s: float = field(default_factory=monotonic)
    why_ended: str = ""

    @property
    def quiet(self) -> bool:
        """Return whether nothing is running and no result is likely still being fetched."""
        return not self.asking and monotonic() - self.used_s > _QUIET_S


class QuackSessions:
    """The sessions.

    `published` returns the lab's file in use, None while there is none; `minutes` are the day files that it reads.
    """

    def __init__(
        self,
        published: Callable[[], Path | None],
        minutes: Path,
        zone: str,
        limits: QuackLimits,
        *,
        most: int = MOST,
        idle_s: float = IDLE_S,
    ) -> None:
        self._published = published
        self._minutes = minutes
        self._zone = zone
        self._most = most
        self._idle_s = idle_s
        self._sessions: dict[str, QuackSession] = {}
        self._changing = asyncio.Lock()
        self._watching: asyncio.Task[None] | None = None
        self.limits = limits

    async def of(self, person: str, *, fresh: bool) -> QuackSession:
        """Return the person's session, starting a process if needed.

        With `fresh`, a new process is started when a newer snapshot was published or an earlier query still
        fills the memory. Raises NoSession.
        """
        async with self._changing:
            session = self._sessions.get(person)
            lab = self._published()
            old = (
                session is not None
                and fresh
                and ((session.quiet and session.process.lab != lab) or self._is_full(session))
            )
            if session is not None and (session.process.ended or old):
                await self._vacate(person)
                session = None
            if session is None:
                if lab is None:
                    raise NoSession(Message("quack_no_snapshot"))
                await self._make_room()
                try:
                    process = await QuackProcess.start(lab, self._minutes, self._zone, self.limits)
                except ProcessGone as fault:
                    raise NoSession(fault.message) from fault
                session = self._sessions[person] = QuackSession(process)
                if self._watching is None or self._watching.done():
                    self._watching = asyncio.create_task(self._watch())
            session.used_s = monotonic()
            return session

    def taken(self) -> Mapping[str, QuackSession]:
        """Return the sessions by person."""
        return self._sessions

    async def end(self, person: str, session: QuackSession, why: str = "") -> None:
        """End the process of a session, if it still runs."""
        session.why_ended = session.why_ended or why
        async with self._changing:
            if self._sessions.get(person) is session:
                await self._vacate(person)

    async def close(self) -> None:
        if self._watching is not None:
            self._watching.cancel()
            with suppress(asyncio.CancelledError):
                await self._watching
        async with self._changing:
            for person in list(self._sessions):
                await self._vacate(person)

    async def _make_room(self) -> None:
        if len(self._sessions) < self._most:
            return
        quiet = [person for person, session in self._sessions.items() if session.quiet]
        if not quiet:
            raise NoSession(Message("quack_full", most=self._most))
        await self._vacate(min(quiet, key=lambda person: self._sessions[person].used_s))

    async def _vacate(self, person: str) -> None:
        await self._sessions.pop(person).process.end()

    @property
    def _most_bytes(self) -> int:
        return 2 * self.limits.memory_mb << 20

    def _is_full(self, session: QuackSession) -> bool:
        """Return whether a finished query fills the memory; the next one must not be killed for it."""
        return not session.asking and session.process.resident_bytes() > self._most_bytes

    async def _watch(self) -> None:
        """While there are sessions: kill processes that use too much memory, end idle ones."""
        while self._sessions:
            await asyncio.sleep(_WATCH_EVERY_S)
            for person, session in list(self._sessions.items()):
                if session.process.resident_bytes() > self._most_bytes:
                    await self.end(person, session, f"The query took more than {self._most_bytes >> 20} MB of memory.")
                elif not session.asking and monotonic() - session.used_s > self._idle_s:
                    await self.end(person, session)
