"""Who has a Quack server process just now: a seat a person, a few at once, taken from those who do not use theirs."""

import asyncio
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic

from ioc.errors import IocError
from ioc.lab.quack.process_handle import ProcessGone, QuackLimits, QuackProcess

MOST = 2
IDLE_S = 300.0
_QUIET_S = 5.0
_WATCH_EVERY_S = 0.25


class NoSeat(IocError):
    """Nothing can be asked just now; the text says why and when again."""


@dataclass(eq=False)
class Seat:
    """`asking` messages are being answered; `why_ended` is set when the watch killed the process."""

    process: QuackProcess
    asking: int = 0
    used_s: float = field(default_factory=monotonic)
    why_ended: str = ""

    @property
    def quiet(self) -> bool:
        """Nothing is being asked, and no result is likely to be still fetched from."""
        return not self.asking and monotonic() - self.used_s > _QUIET_S


class Seats:
    """`published` gives the lab's file in use, None while there is none; `minutes` are the day files it reads."""

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
        self._seats: dict[str, Seat] = {}
        self._changing = asyncio.Lock()
        self._watching: asyncio.Task[None] | None = None
        self.limits = limits

    async def of(self, person: str, *, fresh: bool) -> Seat:
        """The person's seat; a process is started if need be; anew if `fresh` and a newer snapshot was published, or
        what was asked before still fills it. Raises NoSeat."""
        async with self._changing:
            seat = self._seats.get(person)
            lab = self._published()
            old = seat is not None and fresh and ((seat.quiet and seat.process.lab != lab) or self._is_stuffed(seat))
            if seat is not None and (seat.process.ended or old):
                await self._vacate(person)
                seat = None
            if seat is None:
                if lab is None:
                    raise NoSeat("No snapshot is published yet; ask again in a minute.")
                await self._make_room()
                try:
                    process = await QuackProcess.start(lab, self._minutes, self._zone, self.limits)
                except ProcessGone as fault:
                    raise NoSeat(str(fault)) from fault
                seat = self._seats[person] = Seat(process)
                if self._watching is None or self._watching.done():
                    self._watching = asyncio.create_task(self._watch())
            seat.used_s = monotonic()
            return seat

    def taken(self) -> Mapping[str, Seat]:
        """By person."""
        return self._seats

    async def vacate(self, person: str, seat: Seat, why: str = "") -> None:
        """End the process of this seat; nothing when it has ended already."""
        seat.why_ended = seat.why_ended or why
        async with self._changing:
            if self._seats.get(person) is seat:
                await self._vacate(person)

    async def close(self) -> None:
        if self._watching is not None:
            self._watching.cancel()
            with suppress(asyncio.CancelledError):
                await self._watching
        async with self._changing:
            for person in list(self._seats):
                await self._vacate(person)

    async def _make_room(self) -> None:
        if len(self._seats) < self._most:
            return
        quiet = [person for person, seat in self._seats.items() if seat.quiet]
        if not quiet:
            raise NoSeat(f"All {self._most} places of Quack are being used; ask again in a minute.")
        await self._vacate(min(quiet, key=lambda person: self._seats[person].used_s))

    async def _vacate(self, person: str) -> None:
        await self._seats.pop(person).process.end()

    @property
    def _most_bytes(self) -> int:
        return 2 * self.limits.memory_mb << 20

    def _is_stuffed(self, seat: Seat) -> bool:
        """By a query that is over: the next one must not be ended for it."""
        return not seat.asking and seat.process.resident_bytes() > self._most_bytes

    async def _watch(self) -> None:
        """Until nobody has a seat: kill what takes too much memory, end what is idle."""
        while self._seats:
            await asyncio.sleep(_WATCH_EVERY_S)
            for person, seat in list(self._seats.items()):
                if seat.process.resident_bytes() > self._most_bytes:
                    await self.vacate(person, seat, f"The query took more than {self._most_bytes >> 20} MB of memory.")
                elif not seat.asking and monotonic() - seat.used_s > self._idle_s:
                    await self.vacate(person, seat)
