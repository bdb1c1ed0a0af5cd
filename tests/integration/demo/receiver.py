"""A real HTTP server in the place of the centre's ingest address."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import orjson


@dataclass
class Push:
    path: str
    headers: dict[str, str]
    records: list[dict[str, Any]]

    @property
    def source(self) -> str:
        return self.path.rsplit("/", 1)[-1]


@dataclass
class Receiver:
    """Takes pushes; those of `watched` are answered with `statuses` in turn, the last one for ever, all others 202."""

    port: int = 0
    watched: str = "lgsp"
    statuses: list[int] = field(default_factory=lambda: [202])
    pushes: list[Push] = field(default_factory=list)
    others: list[Push] = field(default_factory=list)
    connections: set[asyncio.StreamWriter] = field(default_factory=set)

    async def handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections.add(writer)
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
                headers = {k.lower(): v for k, _, v in (line.partition(": ") for line in head[1:] if line)}
                body = await reader.readexactly(int(headers["content-length"]))
                push = Push(head[0].split()[1], headers, orjson.loads(body))
                (self.pushes if push.source == self.watched else self.others).append(push)
                status = 202
                if push.source == self.watched:
                    status = self.statuses.pop(0) if len(self.statuses) > 1 else self.statuses[0]
                writer.write(f"HTTP/1.1 {status} X\r\nContent-Length: 2\r\n\r\n{{}}".encode())
                await writer.drain()
        await self.end(writer)

    async def end(self, writer: asyncio.StreamWriter) -> None:
        self.connections.discard(writer)
        writer.close()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()


@asynccontextmanager
async def receiving() -> AsyncIterator[Receiver]:
    receiver = Receiver()
    server = await asyncio.start_server(receiver.handle, "127.0.0.1", 0)
    receiver.port = server.sockets[0].getsockname()[1]
    try:
        yield receiver
    finally:
        server.close()
        for writer in list(receiver.connections):
            await receiver.end(writer)


async def eventually(condition: Callable[[], bool], within_s: float = 10.0) -> None:
    """Raises AssertionError when the condition does not come true."""
    for _ in range(int(within_s / 0.02)):
        if condition():
            return
        await asyncio.sleep(0.02)
    raise AssertionError(f"not true within {within_s:g} s")
