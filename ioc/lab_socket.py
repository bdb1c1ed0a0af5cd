"""Whether the lab behind a unix socket answers: one that stands still takes connections and says nothing."""

import socket
from pathlib import Path

_REQUEST = b"GET /healthz HTTP/1.1\r\nHost: lab\r\nConnection: close\r\n\r\n"


def lab_answers(path: Path, within_s: float) -> bool:
    """Return whether any HTTP answer comes; a request that the centre did not sign is refused, which is enough."""
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(within_s)
        try:
            connection.connect(str(path))
            connection.sendall(_REQUEST)
            return connection.recv(64).startswith(b"HTTP/")
        except OSError:
            return False
