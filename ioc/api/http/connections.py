"""Limit the number of connections, in all and per address, and close those that are too slow.

At the limit, the connection that has waited longest for its request is closed. A new connection beyond the limit may
still request the health of the process, within a small reserve.
"""

import logging
import resource
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

log = logging.getLogger("ioc.api")

HEALTH_PATHS = frozenset({"/healthz", "/readyz"})
"""Paths that connections of the reserve may request."""
_MAX_CONNECTIONS = 4096
_RESERVED_DESCRIPTORS = 256
"""Descriptors for files, the broker, the store and the lab."""
_RESERVE = 64
_LOG_INTERVAL_S = 60.0


@dataclass(frozen=True)
class ConnectionLimits:
    """Limits of a server.

    - `total` connections, of which `per_address` from one address and `websockets` in all; `reserve` more for health.
    - `descriptors`: how many files and sockets the process may have open.
    - `head_within_s`: the time for the head of a request.
    - `min_bytes_per_s`: the least rate of a body and of reading a response, measured over `progress_within_s`.
    """

    total: int
    per_address: int
    websockets: int
    reserve: int
    descriptors: int
    head_within_s: float = 10.0
    progress_within_s: float = 15.0
    min_bytes_per_s: int = 2048

    @classmethod
    def of_process(cls) -> "ConnectionLimits":
        """Return the limits that the process's limit of descriptors allows."""
        return cls.within(resource.getrlimit(resource.RLIMIT_NOFILE)[0])

    @classmethod
    def within(cls, descriptors: int) -> "ConnectionLimits":
        """Return limits for so many descriptors: one address gets at most half, websockets at most three quarters."""
        total = max(16, min(_MAX_CONNECTIONS, descriptors - _RESERVED_DESCRIPTORS - _RESERVE))
        return cls(total, total // 2, total * 3 // 4, min(_RESERVE, total), descriptors)


class Connection(Protocol):
    """A connection of the server."""

    @property
    def waits_since_s(self) -> float | None:
        """Since when it waits for a whole request head (monotonic seconds); None during a request."""

    def is_overdue(self, now_s: float) -> bool:
        """Return whether its client is too slow."""

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
        self._logged_s = float("-inf")

    def __len__(self) -> int:
        return len(self._open) + len(self._websockets)

    @property
    def websockets(self) -> int:
        """The number of open websockets."""
        return len(self._websockets)

    def admit(self, connection: Connection, address: str, *, is_proxy: bool) -> bool:
        """Return whether the connection may request everything.

        Otherwise it may only request HEALTH_PATHS, or was closed at once.

        The limit per address does not apply to a trusted proxy, which stands for many clients.
        """
        is_many = not is_proxy and self._total_of(address) >= self.limits.per_address
        is_full = len(self) >= self.limits.total or self.open_descriptors >= self.limits.descriptors - _RESERVE
        is_admitted = not (is_many or is_full) or self._make_way(address if is_many else None)
        self._open[connection] = address
        self._of_address[address] += 1
        if not is_admitted:
            self.refused += 1
            if len(self._reserved) >= self.limits.reserve:
                connection.end()
            self._reserved.add(connection)
        return is_admitted

    def leave(self, connection: Connection) -> None:
        """Forget a connection that was closed or has become a websocket."""
        address = self._open.pop(connection, None)
        self._reserved.discard(connection)
        if address is not None:
            _subtract_one(self._of_address, address)

    def admit_websocket(self, websocket: object, address: str, *, is_proxy: bool) -> bool:
        """Return whether one more websocket is allowed. Its connection was forgotten before."""
        is_many = not is_proxy and self._total_of(address) >= self.limits.per_address
        if is_many or len(self._websockets) >= self.limits.websockets:
            self.refused += 1
            return False
        self._websockets[websocket] = address
        self._websockets_of[address] += 1
        return True

    def leave_websocket(self, websocket: object) -> None:
        """Forget a closed websocket."""
        address = self._websockets.pop(websocket, None)
        if address is not None:
            _subtract_one(self._websockets_of, address)

    def sweep(self, now_s: float) -> None:
        """Close slow connections and count open descriptors. Call it about once a second."""
        for connection in [one for one in self._open if one.is_overdue(now_s)]:
            self.ended_overdue += 1
            connection.end()
        self.open_descriptors = count_descriptors()
        is_short = self.open_descriptors >= self.limits.descriptors - _RESERVE
        if is_short and now_s - self._logged_s >= _LOG_INTERVAL_S:
            self._logged_s = now_s
            log.error(
                "%d of %d file descriptors are open; new connections may only request the health of the process.",
                self.open_descriptors,
                self.limits.descriptors,
            )

    def _make_way(self, address: str | None) -> bool:
        """Close the connection (from `address`, if not None) that has waited longest for its request."""
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
    """Return how many files and sockets this process has open; 0 where the system does not show it."""
    try:
        return sum(1 for _ in Path("/proc/self/fd").iterdir())
    except OSError:
        return 0


def _subtract_one(counter: "Counter[str]", key: str) -> None:
    counter[key] -= 1
    if counter[key] <= 0:
        del counter[key]
