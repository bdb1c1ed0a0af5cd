"""Uvicorn's websocket connection, open to the hub: ready frames go straight to the transport.

Through ASGI each message to each client costs a task switch, a frame and a copy; written here it costs the system call.
"""

import socket
from collections.abc import Callable
from http import HTTPStatus
from typing import Any

from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.http11 import Request

from ioc.api.frames import Packet

EXTENSION = "ioc.direct"
_KERNEL_BUFFER_BYTES = 128 * 1024
_UNREAD_AT_MOST_S = 5.0


class DirectProtocol(WebSocketsSansIOProtocol):
    """Puts itself into the scope's extensions, where the websocket route finds it. Give it to uvicorn as `ws`, with
    `ws_per_message_deflate=False`: the frames that are written are not compressed."""

    on_free: Callable[[], None] | None = None

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

    def keepalive_timeout(self) -> None:
        super().keepalive_timeout()
        # close() waits until the buffer is empty; a client that reads nothing would keep it for ever.
        self.loop.call_later(_UNREAD_AT_MOST_S, self.transport.abort)

    def shutdown(self) -> None:
        super().shutdown()
        if not self.writable.is_set():
            self.transport.abort()


class DirectSink:
    """The hub's way to a client of a DirectProtocol."""

    __slots__ = ("_connection", "_is_closing", "_is_writable", "_write")

    def __init__(self, connection: DirectProtocol) -> None:
        self._connection = connection
        self._is_writable = connection.writable.is_set
        self._is_closing = connection.transport.is_closing
        self._write = connection.transport.write

    @property
    def is_free(self) -> bool:
        return self._is_writable() and not self._is_closing() and not self._connection.close_sent

    def send(self, *packets: Packet) -> None:
        for packet in packets:
            self._write(packet.frames)
