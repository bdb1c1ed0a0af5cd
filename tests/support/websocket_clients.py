"""Clients of the live websocket: one that waits for a message, one that never reads."""

import asyncio
import json
import socket
from typing import Any

from websockets.asyncio.client import ClientConnection


async def receive_message(socket: ClientConnection, *kinds: str) -> dict[str, Any]:
    """Return the next message of one of the kinds."""
    async with asyncio.timeout(5):
        while True:
            message: dict[str, Any] = json.loads(await socket.recv())
            if message["type"] in kinds:
                return message


def address(port: int, query: str = "topics=kpis,alerts,sources") -> str:
    return f"ws://127.0.0.1:{port}/ws/v1?{query}"


def stopped_client(port: int, topics: str = "kpis", cookie: str = "") -> socket.socket:
    """Open a websocket that never reads."""
    raw = socket.socket()
    raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    raw.connect(("127.0.0.1", port))
    raw.sendall(
        f"GET /ws/v1?topics={topics} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n"
        f"Connection: Upgrade\r\nUpgrade: websocket\r\nCookie: {cookie}\r\n"
        "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n".encode()
    )
    return raw
