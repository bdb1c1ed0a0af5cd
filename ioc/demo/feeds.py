"""Feeds: what a sector system hands over by itself, interval after interval."""

import asyncio
import contextlib
import logging
from dataclasses import dataclass
from typing import Protocol

from ioc.clock import Clock, to_ms
from ioc.demo.state import HandedOver

_LOG = logging.getLogger(__name__)
_FIRST_WAIT_S, _LONGEST_WAIT_S = 1.0, 30.0
_BETWEEN_PIECES_S = 0.05


class FeedBlocked(Exception):
    """The other side does not take it now; the feed sends the same interval again later."""


@dataclass(frozen=True)
class Rhythm:
    """A feed sends every `step_ms`, `shift_ms` into the step (so that feeds take turns). After a stop it still has
    the last `memory_ms` and hands them over in pieces of up to `piece_ms`."""

    step_ms: int
    memory_ms: int
    piece_ms: int
    shift_ms: int = 0

    def border_ms(self, now_ms: int) -> int:
        """The newest border of steps that lies behind `now_ms`."""
        return (now_ms - self.shift_ms) // self.step_ms * self.step_ms

    def wait_s(self, now_ms: int) -> float:
        """Until the next border has passed."""
        return (self.border_ms(now_ms) + self.step_ms + self.shift_ms - now_ms) / 1000


class Feed(Protocol):
    name: str
    rhythm: Rhythm

    async def send(self, from_ms: int, to_ms: int) -> None:
        """Hand over all that falls into [from_ms, to_ms). Raises FeedBlocked."""


async def hand_over(feed: Feed, handed_over: HandedOver, now_ms: int) -> bool:
    """Send the next piece that is due; false when nothing is. Raises FeedBlocked."""
    rhythm = feed.rhythm
    border_ms = rhythm.border_ms(now_ms)
    forgotten_ms = rhythm.border_ms(now_ms - rhythm.memory_ms)
    if handed_over.until_ms(feed.name) < forgotten_ms:
        handed_over.settle(feed.name, forgotten_ms)
    if handed_over.until_ms(feed.name) >= border_ms:
        return False
    piece_to_ms = min(border_ms, handed_over.until_ms(feed.name) + rhythm.piece_ms)
    from_ms, to_ms_ = handed_over.claim(feed.name, piece_to_ms)
    await feed.send(from_ms, to_ms_)
    handed_over.settle(feed.name, to_ms_)
    return True


async def run(feed: Feed, handed_over: HandedOver, clock: Clock, ending: asyncio.Event) -> None:
    """Until `ending` is set; a piece under way is finished first, so that the other side is left in order."""
    wait_s = _FIRST_WAIT_S
    while not ending.is_set():
        now_ms = to_ms(clock.now())
        try:
            more = await hand_over(feed, handed_over, now_ms)
        except FeedBlocked as fault:
            if wait_s == _FIRST_WAIT_S:
                _LOG.warning("%s: %s", feed.name, fault)
            await _pause(ending, wait_s)
            wait_s = min(2 * wait_s, _LONGEST_WAIT_S)
            continue
        wait_s = _FIRST_WAIT_S
        await _pause(ending, _BETWEEN_PIECES_S if more else max(_BETWEEN_PIECES_S, feed.rhythm.wait_s(now_ms)))


async def _pause(ending: asyncio.Event, wait_s: float) -> None:
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(ending.wait(), wait_s)
