"""Choose the port of the broker: the one that its clients know, then the wanted one, then the next free one."""

from __future__ import annotations

import socket
from collections.abc import Callable

from ioc.broker.properties import HOST

MAX_TRIED_PORTS = 100


def is_free(port: int) -> bool:
    """Whether nothing listens on the port."""
    with socket.socket() as probe:
        # As Kafka does: lingering connections of a broker that has ended do not hold the port.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
    return True


def any_free() -> int:
    """Return a free port."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port: int = probe.getsockname()[1]
    return port


def choose_port(wanted: int, known_address: str | None, claim: Callable[[int], bool]) -> int:
    """Return a port that was free and is claimed now.

    It is the port of `known_address` (`host:port`, from an earlier run) if possible, so that clients find the broker
    again; else the first free one from `wanted` on; 0 means any. `claim` says whether a port is free, and claims it.
    Raises ValueError when none of the next hundred is free.
    """
    known = (known_address or "").strip().rpartition(":")[2]
    if known.isdecimal() and 0 < int(known) < 65536 and claim(int(known)):
        return int(known)
    if wanted == 0:
        while not claim(port := any_free()):
            pass
        return port
    for port in range(wanted, min(wanted + MAX_TRIED_PORTS, 65536)):
        if claim(port):
            return port
    raise ValueError(f"no free port for the broker from {wanted} on; end a program that holds one")
