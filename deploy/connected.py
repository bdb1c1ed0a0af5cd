"""Health of a container without HTTP: exit code 0 while a process in it holds a connection to Kafka (IOC_KAFKA)."""

import os
import sys

import psutil


def main() -> int:
    ports = {int(address.rpartition(":")[2]) for address in os.environ["IOC_KAFKA"].split(",")}
    held = any(
        connection.status == psutil.CONN_ESTABLISHED and connection.raddr and connection.raddr.port in ports
        for connection in psutil.net_connections("tcp")
    )
    return 0 if held else 1


if __name__ == "__main__":
    sys.exit(main())
