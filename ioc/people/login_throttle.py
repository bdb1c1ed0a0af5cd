"""Delay logins after wrong passwords, without a lock that strangers could cause.

The delay is per origin (an address, or a browser that has logged in to this account before) and account name, whether
the account exists or not. A second, shorter delay per origin slows down trying one password on many names. Delays are
kept in memory only: a restart forgets them, and nobody outside can cause a restart.
"""

from collections import OrderedDict
from dataclasses import dataclass

FREE_TRIES = 3
"""Failed attempts on one name without a delay, for typing errors."""
FREE_TRIES_OF_ADDRESS = 30
"""Failed attempts on all names from one address without a delay; a whole office may share an address."""
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
    """Delays by origin and name. Times are monotonic seconds. Belongs to one thread."""

    def __init__(self) -> None:
        self._tries: OrderedDict[tuple[str, str], _Tries] = OrderedDict()

    def reserve(self, origin: str, name: str, now_s: float) -> float | None:
        """Return how many seconds an attempt has to wait; None if too many wait already.

        Attempts of one origin and name wait one after the other, so that many at once are not quicker.
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
        """Count a wrong password."""
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
        """Forget failed attempts on this name from this origin."""
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
    """Return 0 while attempts are free (`failed` counts from below zero), then twice as much each time."""
    return 0.0 if failed < 0 else min(MAX_DELAY_S, FIRST_DELAY_S * 2.0 ** min(failed, 10))
