"""The outbox goes out: each delivery until it is sent or given up, those of a lane one after the other."""

import logging
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from functools import cached_property

import httpx

from ioc.catalog.channels import Channel
from ioc.clock import Clock
from ioc.errors import SourceUnavailable, StoreUnavailable
from ioc.fault_register import FaultRegister
from ioc.periodic_thread import PeriodicThread
from ioc.serving.sending import Undeliverable, client, send
from ioc.store.alerting import AlertStore, Letter

LOG = logging.getLogger(__name__)
MOST_TRIES = 12
FIRST_BACK_OFF = timedelta(seconds=1)
LONGEST_BACK_OFF = timedelta(minutes=10)
AT_ONCE = 4
IDLE_S = 0.5


class Deliveries:
    """A crash between sending and noting it sends once more, with the same id. `take` may be called from any thread.

    Tries of one delivery come 1, 2, 4, … seconds apart, at most ten minutes; after MOST_TRIES, or when the receiver
    refuses it for good, it is dead, with the reason, and its lane goes on. A dead one that a person sends again goes on
    where its tries ended.
    """

    def __init__(
        self,
        store: AlertStore,
        channels: Callable[[], Mapping[str, Channel]],
        clock: Clock,
        first_back_off: timedelta = FIRST_BACK_OFF,
        faults: FaultRegister | None = None,
    ) -> None:
        """Raises StoreUnavailable."""
        self._store = store
        self._channels = channels
        self._clock = clock
        self._first_back_off = first_back_off
        self._lanes: dict[str, list[Letter]] = {}
        self._next_at: dict[str, datetime] = {}
        self._tries: dict[str, int] = {}
        self._busy: set[str] = set()
        self._lock = threading.Lock()
        self._pool = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="delivery")
        self._thread = PeriodicThread("deliveries", self._step, IDLE_S, faults)
        self.take(store.waiting())

    @cached_property
    def _client(self) -> httpx.Client:
        """Made when something is to be sent: the certificates take it a tenth of a second."""
        return client()

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._thread.stop(5)
        self._pool.shutdown(wait=True, cancel_futures=True)
        if "_client" in self.__dict__:
            self._client.close()

    def take(self, letters: Iterable[Letter]) -> None:
        with self._lock:
            for letter in letters:
                self._lanes.setdefault(letter.lane, []).append(letter)
                self._tries[letter.id] = letter.attempts
                if letter.next_at is not None:
                    self._next_at[letter.lane] = letter.next_at
        self._thread.wake()

    @property
    def waiting(self) -> int:
        with self._lock:
            return sum(map(len, self._lanes.values()))

    def try_channel(self, channel: str, text: str) -> None:
        """A message that is kept nowhere. Raises SourceUnavailable."""
        now = self._clock.now()
        payload = '{"version":"4","status":"test","alerts":[]}'
        letter = Letter("test", "test", "", 0, "", "", channel, "", now, (), (), "IOC", text, payload)
        try:
            send(self._client, self._channels()[channel], letter)
        except Undeliverable as fault:
            raise SourceUnavailable(str(fault)) from None

    def retry(self, deliveries: Sequence[str], by: str) -> list[str]:
        """Those of them that were given up go out once more; the ids of these. Raises StoreUnavailable."""
        letters = self._store.revive(deliveries, self._clock.now(), f"{by} sent it again.")
        self.take(letters)
        return [letter.id for letter in letters]

    def _step(self) -> None:
        for letter in self._due():
            self._pool.submit(self._deliver, letter)

    def _due(self) -> list[Letter]:
        """The first of each lane that is not being sent and whose time has come."""
        now = self._clock.now()
        with self._lock:
            due = [
                letters[0]
                for lane, letters in self._lanes.items()
                if lane not in self._busy and self._next_at.get(lane, now) <= now
            ]
            self._busy |= {letter.lane for letter in due}
        return due

    def _deliver(self, letter: Letter) -> None:
        outcome, reason, next_at = "failed", "", None
        number = self._tries[letter.id] + 1
        try:
            channel = self._channels().get(letter.channel)
            if channel is None:
                raise Undeliverable(f"There is no channel {letter.channel!r} any more.")
            send(self._client, channel, letter)
            outcome = "sent"
        except Undeliverable as fault:
            outcome, reason = "dead", str(fault)
        except SourceUnavailable as fault:
            reason = str(fault)
        except Exception as fault:  # whatever a channel's library throws is a failed try
            LOG.exception("delivery %s", letter.id)
            reason = repr(fault)
        if outcome == "failed" and number >= MOST_TRIES:
            outcome, reason = "dead", f"Given up after {number} tries: {reason}"
        now = self._clock.now()
        if outcome == "failed":
            next_at = now + min(self._first_back_off * 2 ** (number - 1), LONGEST_BACK_OFF)
        try:
            self._store.note_attempt(letter.id, number, now, outcome, reason[:1000], next_at)
        except StoreUnavailable as fault:
            # It is sent again with the same id: a receiver that keeps ids takes it once.
            LOG.warning("delivery %s was not noted: %s", letter.id, fault)
            outcome, next_at = "failed", now + self._first_back_off
        self._settle(letter, number, outcome, next_at)

    def _settle(self, letter: Letter, number: int, outcome: str, next_at: datetime | None) -> None:
        with self._lock:
            self._busy.discard(letter.lane)
            self._next_at.pop(letter.lane, None)
            if outcome == "failed" and next_at is not None:
                self._tries[letter.id] = number
                self._next_at[letter.lane] = next_at
            else:
                self._tries.pop(letter.id, None)
                rest = self._lanes[letter.lane][1:]
                if rest:
                    self._lanes[letter.lane] = rest
                else:
                    del self._lanes[letter.lane]
        self._thread.wake()
