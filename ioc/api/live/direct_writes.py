"""Uvicorn's websocket connection, open to the hub: ready frames go straight to the transport.

Through ASGI each message to each client costs a task switch, a frame and a copy; written here it costs the system call.
"""

import os
import socket
from collections.abc import Callable
from http import HTTPStatus
from typing import Any

from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.http11 import Request

from ioc.api.live.frames import Packet

EXTENSION = "ioc.direct"
_KERNEL_BUFFER_BYTES = 128 * 1024
_UNREAD_AT_MOST_S = 5.0


class DirectProtocol(WebSocketsSansIOProtocol):
    """Puts itself into the scope's extensions, where the websocket route finds it. Give it to uvicorn as `ws`, with
    `ws_per_message_deflate=False`: the frames that are written are not compressed."""

    on_free: Callable[[], None] | None = None
    on_gone: Callable[[], None] | None = None

    def handle_connect(self, event: Request) -> None:
        super().handle_connect(event)
        if self.response.status_code == HTTPStatus.SWITCHING_PROTOCOLS:
            self.scope["extensions"][EXTENSION] = {"connection": self}
            # What the kernel holds for a client cannot be merged any more; a small buffer keeps a slow client fresh.
            raw: Any = self.transport.get_extra_info("socket")
            if raw is not None:
                raw.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _KERNEL_BUFFER_BYTES)

    def resume_writing(self) -> None:
        super().resume_writing()
        if self.on_free is not None:
            self.on_free()

    def connection_lost(self, exc: Exception | None) -> None:
        if self.on_gone is not None:
            self.on_gone()
        super().connection_lost(exc)

    def keepalive_timeout(self) -> None:
        super().keepalive_timeout()
        # close() waits until the buffer is empty; a client that reads nothing would keep it for ever.
        self.loop.call_later(_UNREAD_AT_MOST_S, self.transport.abort)

    def shutdown(self) -> None:
        super().shutdown()
        if not self.writable.is_set():
            self.transport.abort()


class DirectSink:
    """The hub's way to a client of a DirectProtocol.

    While the transport holds nothing back, frames are written to the socket itself: with a thousand clients the
    transport's own bookkeeping costs as much as the system call. What the socket does not take goes to the transport.
    """

    __slots__ = ("_buffered_bytes", "_connection", "_descriptor", "_is_closing", "_is_writable", "_write")

    def __init__(self, connection: DirectProtocol) -> None:
        transport = connection.transport
        self._connection = connection
        self._is_writable = connection.writable.is_set
        self._is_closing = transport.is_closing
        self._buffered_bytes = transport.get_write_buffer_size
        self._write = transport.write
        # Under TLS only the transport may write.
        self._descriptor = transport.get_extra_info("socket").fileno() if connection.scheme == "ws" else -1

    @property
    def is_free(self) -> bool:
        return self._is_writable() and not self._is_closing() and not self._connection.close_sent

    def send(self, *packets: Packet) -> None:
        for packet in packets:
            taken = 0
            if self._descriptor >= 0 and not self._buffered_bytes():
                try:
                    taken = os.write(self._descriptor, packet.frames)
                except OSError:
                    taken = 0  # no room, or lost: the transport deals with either
            if taken < len(packet.frames):
                self._write(memoryview(packet.frames)[taken:])
