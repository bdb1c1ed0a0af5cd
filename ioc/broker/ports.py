"""Which port the broker listens on: the one its clients know, then the asked one, then the next free."""

from __future__ import annotations

import socket
from collections.abc import Callable

from ioc.broker.properties import HOST

TRIED_PORTS = 100


def is_free(port: int) -> bool:
    with socket.socket() as probe:
        # As Kafka itself does: connections of an ended broker that still linger do not hold the port.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
    return True


def any_free() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port: int = probe.getsockname()[1]
    return port


def choose_port(wanted: int, known_address: str | None, take: Callable[[int], bool]) -> int:
    """The port of `known_address` (`host:port`, from an earlier run) if free, so that clients find the broker again;
    else the first free one from `wanted` on; `wanted` 0 means any. `take` says whether a port is free, and claims it.

    Raises ValueError when none of the next hundred is free.
    """
    known = (known_address or "").strip().rpartition(":")[2]
    if known.isdecimal() and 0 < int(known) < 65536 and take(int(known)):
        return int(known)
    if wanted == 0:
        while not take(port := any_free()):
            pass
        return port
    for port in range(wanted, min(wanted + TRIED_PORTS, 65536)):
        if take(port):
            return port
    raise ValueError(f"no free port for the broker from {wanted} on; end a program that holds one")
