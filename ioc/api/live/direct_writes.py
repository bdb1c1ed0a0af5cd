"""Write websocket frames of the hub directly to uvicorn's transport.

Through ASGI, each message to each client costs a task switch, a frame and a copy. Written here, it costs the system
call.
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
_MAX_UNREAD_S = 5.0


class DirectProtocol(WebSocketsSansIOProtocol):
    """A websocket connection that puts itself into the extensions of the scope, where the websocket route finds it.

    Pass it to uvicorn as `ws`, with `ws_per_message_deflate=False`, since the frames are not compressed.
    """

    on_free: Callable[[], None] | None = None
    on_gone: Callable[[], None] | None = None

    def handle_connect(self, event: Request) -> None:
        """Accept the handshake, and limit the kernel's buffer."""
        super().handle_connect(event)
        if self.response.status_code == HTTPStatus.SWITCHING_PROTOCOLS:
            self.scope["extensions"][EXTENSION] = {"connection": self}
            # Data in the kernel's buffer can no longer be merged; a small buffer keeps a slow client up to date.
            raw: Any = self.transport.get_extra_info("socket")
            if raw is not None:
                raw.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _KERNEL_BUFFER_BYTES)

    def resume_writing(self) -> None:
        """Tell the hub that the client accepts data again."""
        super().resume_writing()
        if self.on_free is not None:
            self.on_free()

    def connection_lost(self, exc: Exception | None) -> None:
        """Tell `Connections` that the websocket is closed."""
        if self.on_gone is not None:
            self.on_gone()
        super().connection_lost(exc)

    def keepalive_timeout(self) -> None:
        """Close a client that does not answer pings."""
        super().keepalive_timeout()
        # close() waits until the buffer is empty, which never happens for a client that reads nothing.
        self.loop.call_later(_MAX_UNREAD_S, self.transport.abort)

    def shutdown(self) -> None:
        """Close, without waiting for a client that does not read."""
        super().shutdown()
        if not self.writable.is_set():
            self.transport.abort()


class DirectSink:
    """Sink for a client of a DirectProtocol.

    While the transport's buffer is empty, frames are written to the socket itself: with a thousand clients the
    transport's own work costs as much as the system call. What the socket does not accept goes to the transport.
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
        """Return whether the client accepts data."""
        return self._is_writable() and not self._is_closing() and not self._connection.close_sent

    def send(self, *packets: Packet) -> None:
        """Write packets without waiting."""
        for packet in packets:
            written = 0
            if self._descriptor >= 0 and not self._buffered_bytes():
                try:
                    written = os.write(self._descriptor, packet.frames)
                except OSError:
                    written = 0  # the buffer is full, or the client is gone: the transport handles both
            if written < len(packet.frames):
                self._write(memoryview(packet.frames)[written:])
