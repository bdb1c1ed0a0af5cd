"""The socket that the server listens on."""

from __future__ import annotations

import socket
import time

from ioc.errors import ConfigurationInvalid
from ioc.messages import Message

_RETRY_EVERY_S = 0.1


def listen(host: str, port: int) -> socket.socket:
    """Return a listening socket. Raises ConfigurationInvalid when the address cannot be had."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
        listener.listen(2048)
    except OSError as fault:
        listener.close()
        reason = fault.strerror or str(fault)
        raise ConfigurationInvalid(Message("http_port_taken", host=host, port=port, reason=reason)) from fault
    return listener


def await_free_port(host: str, port: int, patience_s: float) -> None:
    """Wait until the address is free: a server that was killed may hold it for a moment.

    Raises ConfigurationInvalid when another program holds it for `patience_s`.
    """
    deadline = time.monotonic() + patience_s
    while True:
        try:
            listen(host, port).close()
            return
        except ConfigurationInvalid:
            if time.monotonic() > deadline:
                raise
            time.sleep(_RETRY_EVERY_S)
