#!/usr/bin/python3
"""Ask the broker for its API versions, as Kafka's own tool of this name does; exit code 0 when it answers."""

import socket
import struct
import sys

host, _, port = sys.argv[sys.argv.index("--bootstrap-server") + 1].rpartition(":")
request = struct.pack(">hhih", 18, 0, 1, 5) + b"check"  # ApiVersions, version 0, correlation 1, client id
with socket.create_connection((host, int(port)), timeout=5) as connection:
    connection.sendall(struct.pack(">i", len(request)) + request)
    length, correlation, error = struct.unpack(">iih", connection.recv(10, socket.MSG_WAITALL))
sys.exit(0 if (correlation, error) == (1, 0) else 1)
