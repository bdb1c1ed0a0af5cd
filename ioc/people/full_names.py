"""Full names by account, for screens that show who has acknowledged an alert."""

from collections.abc import Callable, Mapping
from contextlib import suppress
from threading import Lock

from ioc.clock import Clock, to_ms
from ioc.errors import StoreUnavailable
from ioc.model.person import Person

MAX_AGE_MS = 30_000


class FullNames:
    """Return the full name of an account; the account itself where there is none, such as for scripts.

    May be called from any thread and thousands of times in a row: accounts are read at most every 30 s.
    """

    def __init__(self, accounts: Callable[[], list[Person]], clock: Clock) -> None:
        self._accounts = accounts
        self._clock = clock
        self._names: Mapping[str, str] = {}
        self._read_ms: int | None = None
        self._lock = Lock()

    def __call__(self, account: str) -> str:
        now_ms = to_ms(self._clock.now())
        with self._lock:
            if self._read_ms is None or not 0 <= now_ms - self._read_ms < MAX_AGE_MS:
                self._read_ms = now_ms
                with suppress(StoreUnavailable):  # earlier names remain; the fault is reported elsewhere
                    self._names = {one.name: one.full_name for one in self._accounts()}
            return self._names.get(account, account)
