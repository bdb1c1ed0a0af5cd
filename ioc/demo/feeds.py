"""Feeds: data that a sector system sends by itself, interval after interval."""

import asyncio
import contextlib
import logging
from dataclasses import dataclass
from typing import Protocol

from ioc.clock import Clock, to_ms
from ioc.demo.state import FeedProgress

_LOG = logging.getLogger(__name__)
_MIN_WAIT_S, _MAX_WAIT_S = 1.0, 30.0
_BETWEEN_PIECES_S = 0.05


class FeedBlocked(Exception):
    """The receiver does not accept the data now; the feed sends the same interval again later."""


@dataclass(frozen=True)
class Rhythm:
    """When a feed sends: every `step_ms`, `shift_ms` after the beginning of the step, so that feeds take turns.

    After a stop the feed still has the last `memory_ms` and sends them in pieces of up to `piece_ms`.
    """

    step_ms: int
    memory_ms: int
    piece_ms: int
    shift_ms: int = 0

    def boundary_ms(self, now_ms: int) -> int:
        """Return the newest boundary between steps before `now_ms`."""
        return (now_ms - self.shift_ms) // self.step_ms * self.step_ms

    def wait_s(self, now_ms: int) -> float:
        """Return the seconds until the next boundary has passed."""
        return (self.boundary_ms(now_ms) + self.step_ms + self.shift_ms - now_ms) / 1000


class Feed(Protocol):
    """A feed with its name and rhythm."""

    name: str
    rhythm: Rhythm

    async def send(self, from_ms: int, to_ms: int) -> None:
        """Send everything in [from_ms, to_ms). Raises FeedBlocked."""


async def send_next(feed: Feed, progress: FeedProgress, now_ms: int) -> bool:
    """Send the next piece that is due; return False when nothing is. Raises FeedBlocked."""
    rhythm = feed.rhythm
    boundary_ms = rhythm.boundary_ms(now_ms)
    oldest_ms = rhythm.boundary_ms(now_ms - rhythm.memory_ms)
    if progress.until_ms(feed.name) < oldest_ms:
        progress.settle(feed.name, oldest_ms)
    if progress.until_ms(feed.name) >= boundary_ms:
        return False
    piece_to_ms = min(boundary_ms, progress.until_ms(feed.name) + rhythm.piece_ms)
    from_ms, to_ms_ = progress.claim(feed.name, piece_to_ms)
    await feed.send(from_ms, to_ms_)
    progress.settle(feed.name, to_ms_)
    return True


async def run(feed: Feed, progress: FeedProgress, clock: Clock, ending: asyncio.Event) -> None:
    """Send until `ending` is set; a piece that has begun is finished first."""
    wait_s = _MIN_WAIT_S
    while not ending.is_set():
        now_ms = to_ms(clock.now())
        try:
            more = await send_next(feed, progress, now_ms)
        except FeedBlocked as fault:
            if wait_s == _MIN_WAIT_S:
                _LOG.warning("%s: %s", feed.name, fault)
            await _pause(ending, wait_s)
            wait_s = min(2 * wait_s, _MAX_WAIT_S)
            continue
        wait_s = _MIN_WAIT_S
        await _pause(ending, _BETWEEN_PIECES_S if more else max(_BETWEEN_PIECES_S, feed.rhythm.wait_s(now_ms)))


async def _pause(ending: asyncio.Event, wait_s: float) -> None:
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(ending.wait(), wait_s)
