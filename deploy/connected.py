"""Health of a container without HTTP: exit code 0 while a process in it holds a connection to Kafka (IOC_KAFKA).

`connected.py --sources` is for `ioc connect`, which needs no connection while no source has to be fetched: it is
healthy then as long as Kafka's port can be reached.
"""

import os
import socket
import sys
import tomllib
from pathlib import Path

import psutil


def main(arguments: list[str]) -> int:
    brokers = [address.rpartition(":")[::2] for address in os.environ["IOC_KAFKA"].split(",")]
    ports = {int(port) for _, port in brokers}
    held = any(
        connection.status == psutil.CONN_ESTABLISHED and connection.raddr and connection.raddr.port in ports
        for connection in psutil.net_connections("tcp")
    )
    if held:
        return 0
    idle = "--sources" in arguments and not any(map(_is_fetched, Path(os.environ["IOC_SOURCES_DIR"]).glob("*.toml")))
    return 0 if idle and any(_reachable(host, int(port)) for host, port in brokers) else 1


def _is_fetched(configuration: Path) -> bool:
    """Whether `ioc connect` has to do with the file; it reports those that nobody can read, too."""
    try:
        return tomllib.loads(configuration.read_text(encoding="utf-8-sig")).get("kind") != "http_push"
    except (OSError, ValueError):
        return True


def _reachable(host: str, port: int) -> bool:
    try:
        socket.create_connection((host, port), timeout=3).close()
    except OSError:
        return False
    return True


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
