"""Wrong passwords cost time: a delay for each address and name, which no stranger can turn into a lock.

The delay belongs to whoever tries (an address, or a browser that has logged in to this account before) together with
the name that is tried, whether there is such an account or not. A second, milder one belongs to the address alone and
makes trying one password on many names slow. Kept in memory: a restart forgets it, and nobody outside can cause one.
"""

from collections import OrderedDict
from dataclasses import dataclass

FREE_TRIES = 3
"""Failed tries of one name without delay: typing errors cost nothing."""
FREE_TRIES_OF_ADDRESS = 30
"""Failed tries of all names from one address: a whole office may share it."""
FIRST_DELAY_S = 0.5
MAX_DELAY_S = 8.0
FORGOTTEN_AFTER_S = 900.0
MAX_REMEMBERED = 20_000


@dataclass(slots=True)
class _Tries:
    failed: int
    next_at_s: float
    seen_at_s: float


class LoginThrottle:
    """Times are seconds of one clock that only goes forward. Belongs to one thread."""

    def __init__(self) -> None:
        self._tries: OrderedDict[tuple[str, str], _Tries] = OrderedDict()

    def reserve(self, origin: str, name: str, now_s: float) -> float | None:
        """Return how many seconds a try has to wait; None when so many wait already that it must come again later.

        Tries of one origin and name wait behind each other, so that many at once are not quicker.
        """
        kept = [tries for key in _keys(origin, name) if (tries := self._known(key, now_s)) is not None]
        starts_at_s = max([now_s, *(tries.next_at_s for tries in kept)])
        if starts_at_s - now_s > MAX_DELAY_S:
            return None
        for tries in kept:
            if delay_s := _delay_s(tries.failed):
                tries.next_at_s = starts_at_s + delay_s
        return starts_at_s - now_s

    def failed(self, origin: str, name: str, now_s: float) -> None:
        """Remember a wrong password."""
        for key, free in zip(_keys(origin, name), (FREE_TRIES, FREE_TRIES_OF_ADDRESS), strict=True):
            tries = self._known(key, now_s) or _Tries(-free, now_s, now_s)
            tries.failed += 1
            tries.seen_at_s = now_s
            if delay_s := _delay_s(tries.failed):
                tries.next_at_s = max(tries.next_at_s, now_s + delay_s)
            self._tries[key] = tries
            self._tries.move_to_end(key)
        while len(self._tries) > MAX_REMEMBERED:
            self._tries.popitem(last=False)

    def succeeded(self, origin: str, name: str) -> None:
        """Forget the wrong tries of this name from this origin."""
        self._tries.pop(_keys(origin, name)[0], None)

    def _known(self, key: tuple[str, str], now_s: float) -> _Tries | None:
        tries = self._tries.get(key)
        if tries is not None and now_s - tries.seen_at_s > FORGOTTEN_AFTER_S:
            del self._tries[key]
            return None
        return tries


def _keys(origin: str, name: str) -> tuple[tuple[str, str], tuple[str, str]]:
    return (origin, name), (origin, "")


def _delay_s(failed: int) -> float:
    """None while tries are free (`failed` counts from below zero), then doubled each time."""
    return 0.0 if failed < 0 else min(MAX_DELAY_S, FIRST_DELAY_S * 2.0 ** min(failed, 10))
