"""The HTTP side of the proxy: `POST /quack` carries a message and returns the answer."""

import asyncio
import errno
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from starlette.types import Receive, Scope, Send

from ioc.atomic_file import write_atomically
from ioc.errors import ConfigurationInvalid
from ioc.lab.quack.proxy import QuackProxy
from ioc.lab.server import configured
from ioc.messages import Message
from ioc.settings import Settings

DEFAULT_PORT = 9494
MAX_CONCURRENT = 64
MAX_MESSAGE_BYTES = 1 << 20
_BODY_WITHIN_S = 10.0
_TRIED_PORTS = 50
_PLAIN = b"text/plain; charset=utf-8"


class QuackApp:
    """ASGI app.

    Accepts messages up to MAX_MESSAGE_BYTES, and MAX_CONCURRENT of them at a time.
    """

    def __init__(self, proxy: QuackProxy) -> None:
        self._proxy = proxy
        self._answering = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        if scope["method"] != "POST" or scope["path"] != "/quack":
            await _reply(send, 404, b"Quack of the analysts' lab: ATTACH 'quack:HOST:PORT' AS ioc (TOKEN '...')\n")
        elif self._answering >= MAX_CONCURRENT:
            await _reply(send, 503, b"Too many messages at once; try again.\n")
        else:
            self._answering += 1
            try:
                await self._converse(receive, send)
            finally:
                self._answering -= 1

    async def _converse(self, receive: Receive, send: Send) -> None:
        try:
            async with asyncio.timeout(_BODY_WITHIN_S):
                message = await _message(receive)
        except TimeoutError:
            await _reply(send, 408, b"The message did not come.\n")
            return
        if message is None:
            await _reply(send, 413, b"The message is too long.\n")
            return
        answering = asyncio.ensure_future(self._proxy.answer(message))
        gone = asyncio.ensure_future(_gone(receive))
        await asyncio.wait((answering, gone), return_when=asyncio.FIRST_COMPLETED)
        gone.cancel()
        if answering.done():
            await _reply(send, 200, answering.result(), b"application/vnd.duckdb")
        else:
            answering.cancel()
            with suppress(asyncio.CancelledError):
                await answering


@asynccontextmanager
async def listening(proxy: QuackProxy, settings: Settings) -> AsyncIterator[str]:
    """Serve while the block lasts; yields the address, also written to `quack.address` in the data directory.

    Raises ConfigurationInvalid when no port is available.
    """
    listener = _listen(settings)
    address = f"{settings.quack_host}:{listener.getsockname()[1]}"
    written = settings.quack_address
    write_atomically(written, address + "\n")
    server = configured(QuackApp(proxy))
    serving = asyncio.create_task(server.serve(sockets=[listener]))
    try:
        yield address
    finally:
        server.should_exit = True
        await serving
        listener.close()
        written.unlink(missing_ok=True)


def _listen(settings: Settings) -> socket.socket:
    """Bind the configured port, or DEFAULT_PORT or the next free one."""
    ports = [settings.quack_port] if settings.quack_port else range(DEFAULT_PORT, DEFAULT_PORT + _TRIED_PORTS)
    for port in ports:
        try:
            return socket.create_server((settings.quack_host, port), backlog=128)
        except OSError as fault:
            if fault.errno != errno.EADDRINUSE or settings.quack_port:
                raise ConfigurationInvalid(
                    Message("quack_listen", host=settings.quack_host, port=port, reason=fault.strerror)
                ) from fault
    raise ConfigurationInvalid(Message("quack_no_port", port=DEFAULT_PORT))


async def _message(receive: Receive) -> bytes | None:
    """Read a message; None when it is too long. A message cut off by a lost client is refused by the proxy."""
    data = bytearray()
    while True:
        event = await receive()
        data += event.get("body", b"")
        if len(data) > MAX_MESSAGE_BYTES:
            return None
        if not event.get("more_body", False):
            return bytes(data)


async def _gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


async def _reply(send: Send, status: int, body: bytes, kind: bytes = _PLAIN) -> None:
    headers = [(b"content-type", kind), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
