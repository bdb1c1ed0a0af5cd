"""Limits of connections: how many there may be, in all and from one address, and what waits too long.

When the places are full the connection that has waited longest for its request gives way. A new connection that finds
no place may still ask for the state of the process, in a small reserve of its own.
"""

import logging
import resource
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

log = logging.getLogger("ioc.api")

HEALTH_PATHS = frozenset({"/healthz", "/readyz"})
"""Paths that a connection of the reserve may request."""
_WANTED_PLACES = 4096
_KEPT_FOR_OTHERS = 256
"""Descriptors for files, the broker, the store and the lab."""
_RESERVE = 64
_SAY_AGAIN_AFTER_S = 60.0


@dataclass(frozen=True)
class ConnectionLimits:
    """`places` connections in all, `per_address` from one address, `websockets` of them at most; `reserve` more for
    the state of the process. `descriptors` is how many files and sockets the process may have open.

    A request's head comes within `head_within_s`; its body, and the reading of its answer, move by at least
    `min_bytes_per_s`, looked at over `progress_within_s`.
    """

    places: int
    per_address: int
    websockets: int
    reserve: int
    descriptors: int
    head_within_s: float = 10.0
    progress_within_s: float = 15.0
    min_bytes_per_s: int = 2048

    @classmethod
    def of_process(cls) -> "ConnectionLimits":
        """As many places as the process's limit of descriptors allows."""
        return cls.within(resource.getrlimit(resource.RLIMIT_NOFILE)[0])

    @classmethod
    def within(cls, descriptors: int) -> "ConnectionLimits":
        """One address gets at most half of the places, so that nobody takes them all; websockets leave a quarter."""
        places = max(16, min(_WANTED_PLACES, descriptors - _KEPT_FOR_OTHERS - _RESERVE))
        return cls(places, places // 2, places * 3 // 4, min(_RESERVE, places), descriptors)


class Connection(Protocol):
    """One connection of the server."""

    @property
    def waits_since_s(self) -> float | None:
        """Since when it waits for a whole request head (monotonic); None while a request is under way."""

    def is_overdue(self, now_s: float) -> bool:
        """Whether it has waited too long for its client."""

    def end(self) -> None:
        """Close at once."""


class Connections:
    """All open connections of a server. Belongs to the event loop."""

    def __init__(self, limits: ConnectionLimits) -> None:
        self.limits = limits
        self.refused = 0
        self.ended_overdue = 0
        self.open_descriptors = 0
        self._open: dict[Connection, str] = {}
        self._reserved: set[Connection] = set()
        self._of_address: Counter[str] = Counter()
        self._websockets: dict[object, str] = {}
        self._websockets_of: Counter[str] = Counter()
        self._said_s = float("-inf")

    def __len__(self) -> int:
        return len(self._open) + len(self._websockets)

    @property
    def websockets(self) -> int:
        return len(self._websockets)

    def admit(self, connection: Connection, address: str, *, is_proxy: bool) -> bool:
        """Whether it has a place for every request. False: it may only ask for HEALTH_PATHS, or was ended at once.

        A trusted proxy speaks for many people: the limit per address is not for it.
        """
        is_many = not is_proxy and self._total_of(address) >= self.limits.per_address
        is_full = len(self) >= self.limits.places or self.open_descriptors >= self.limits.descriptors - _RESERVE
        is_let = not (is_many or is_full) or self._make_way(address if is_many else None)
        self._open[connection] = address
        self._of_address[address] += 1
        if not is_let:
            self.refused += 1
            if len(self._reserved) >= self.limits.reserve:
                connection.end()
            self._reserved.add(connection)
        return is_let

    def leave(self, connection: Connection) -> None:
        """The connection is closed, or has become a websocket."""
        address = self._open.pop(connection, None)
        self._reserved.discard(connection)
        if address is not None:
            _take_one(self._of_address, address)

    def admit_websocket(self, websocket: object, address: str, *, is_proxy: bool) -> bool:
        """Whether there is a place for one more websocket; its connection has left before."""
        is_many = not is_proxy and self._total_of(address) >= self.limits.per_address
        if is_many or len(self._websockets) >= self.limits.websockets:
            self.refused += 1
            return False
        self._websockets[websocket] = address
        self._websockets_of[address] += 1
        return True

    def leave_websocket(self, websocket: object) -> None:
        address = self._websockets.pop(websocket, None)
        if address is not None:
            _take_one(self._websockets_of, address)

    def sweep(self, now_s: float) -> None:
        """End what is overdue and look how many descriptors are open; called about once a second."""
        for connection in [one for one in self._open if one.is_overdue(now_s)]:
            self.ended_overdue += 1
            connection.end()
        self.open_descriptors = count_descriptors()
        is_short = self.open_descriptors >= self.limits.descriptors - _RESERVE
        if is_short and now_s - self._said_s >= _SAY_AGAIN_AFTER_S:
            self._said_s = now_s
            log.error(
                "%d of %d file descriptors are open; new connections only get the state of the process.",
                self.open_descriptors,
                self.limits.descriptors,
            )

    def _make_way(self, address: str | None) -> bool:
        """End the connection, of `address` if it is given, that has waited longest for its request."""
        waiting = [
            (since_s, number, one)
            for number, (one, of) in enumerate(self._open.items())
            if (address is None or of == address) and (since_s := one.waits_since_s) is not None
        ]
        if not waiting:
            return False
        longest = min(waiting)[2]
        self.leave(longest)
        longest.end()
        return True

    def _total_of(self, address: str) -> int:
        return self._of_address[address] + self._websockets_of[address]


def count_descriptors() -> int:
    """How many files and sockets this process has open; 0 where the system does not tell."""
    try:
        return sum(1 for _ in Path("/proc/self/fd").iterdir())
    except OSError:
        return 0


def _take_one(counter: "Counter[str]", key: str) -> None:
    counter[key] -= 1
    if counter[key] <= 0:
        del counter[key]
