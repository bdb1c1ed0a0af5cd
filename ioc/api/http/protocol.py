"""Uvicorn's HTTP connection with limits for slow clients, and responses that come before the whole body."""

import asyncio
from collections.abc import Container
from typing import Any

from starlette.types import Receive, Scope, Send
from uvicorn.config import Config
from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.server import ServerState

from ioc.api.http.connections import HEALTH_PATHS, Connections
from ioc.api.http.problems import RETRY_AFTER_S, answer
from ioc.api.live.direct_writes import DirectProtocol
from ioc.messages import Message

_FULL = Message("connections_full")
_MAX_DRAIN_S = 2.0
_MAX_DRAINED_BYTES = 8 * 1024 * 1024
_FULL_WEBSOCKETS = (
    b"HTTP/1.1 503 Service Unavailable\r\nRetry-After: %d\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"
    % RETRY_AFTER_S
)


async def _refuse_as_full(scope: Scope, receive: Receive, send: Send) -> None:
    headers = {"Retry-After": str(RETRY_AFTER_S), "Connection": "close"}
    await answer(scope["path"], 503, _FULL, headers=headers)(scope, receive, send)


class LimitedProtocol(H11Protocol):
    """A connection that `Connections` counts and may close.

    After a response that comes before the whole body has arrived (413, 401), the rest of the body is discarded for a
    short time. Closing at once would reset the connection, and the client would never see the response.
    """

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
        *,
        connections: Connections,
        trusted: Container[str] = (),
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self._connections = connections
        self._trusted = trusted
        self._address = ""
        self._is_proxy = False
        self._is_admitted = True
        self._head_since_s: float | None = None
        self._is_draining = False
        self._drained_bytes = 0
        self._moved_bytes = 0
        self._progress_at_s = 0.0
        self._progress_bytes = 0

    # The interface for `Connections`.

    @property
    def waits_since_s(self) -> float | None:
        """Return since when it waits for a request head (monotonic seconds); None during a request."""
        return self._head_since_s

    def is_overdue(self, now_s: float) -> bool:
        """Return whether head, body or reading the response is too slow."""
        limits = self._connections.limits
        if self._head_since_s is not None:
            within_s = limits.head_within_s if self._is_admitted else min(2.0, limits.head_within_s)
            return now_s - self._head_since_s > within_s
        if not (self._waits_for_body() or self.flow.write_paused or self.transport.is_closing()):
            self._note_progress(now_s)
            return False
        if now_s - self._progress_at_s < limits.progress_within_s:
            return False
        moved = self._moved_bytes - self.transport.get_write_buffer_size()
        is_slow = moved - self._progress_bytes < limits.min_bytes_per_s * limits.progress_within_s
        self._note_progress(now_s)
        return is_slow

    def end(self) -> None:
        """Close at once."""
        self.transport.abort()

    # Callbacks of uvicorn.

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Register the connection."""
        super().connection_made(transport)
        now_s = self.loop.time()
        self._head_since_s = now_s
        self._note_progress(now_s)
        self._address = self.client[0] if self.client else ""
        self._is_proxy = self._address in self._trusted
        self._is_admitted = self._connections.admit(self, self._address, is_proxy=self._is_proxy)
        if not self._is_admitted:
            self.app = self._health_or_full

    def connection_lost(self, exc: Exception | None) -> None:
        """Unregister the connection."""
        self._connections.leave(self)
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Count received bytes, and discard the rest of a body after an early response."""
        if self._is_draining:
            self._drained_bytes += len(data)
            if self._drained_bytes > _MAX_DRAINED_BYTES:
                self.transport.abort()
            return
        self._moved_bytes += len(data)
        if self._head_since_s is None and (self.cycle is None or self.cycle.response_complete):
            self._head_since_s = self.loop.time()
        super().data_received(data)

    def handle_events(self) -> None:
        """Notice when the head of a request has arrived."""
        before = self.cycle
        super().handle_events()
        if self.cycle is not before:
            self._head_since_s = None
            self._note_progress(self.loop.time())

    def on_response_complete(self) -> None:
        """Discard the rest of the body after an early response."""
        if self.cycle.more_body and not self.transport.is_closing():
            self._is_draining = True
            self.server_state.total_requests += 1
            if self.transport.can_write_eof():
                self.transport.write_eof()
            self.flow.resume_reading()
            self.loop.call_later(_MAX_DRAIN_S, self.transport.close)
            return
        super().on_response_complete()

    def resume_writing(self) -> None:
        """Notice that the client has read."""
        super().resume_writing()
        self._note_progress(self.loop.time())

    def handle_websocket_upgrade(self, event: Any) -> None:
        """Admit the websocket, or answer 503 when there are too many."""
        self._connections.leave(self)
        websocket = object()
        if not (
            self._is_admitted and self._connections.admit_websocket(websocket, self._address, is_proxy=self._is_proxy)
        ):
            self.connections.discard(self)
            self.transport.write(_FULL_WEBSOCKETS)
            self.transport.close()
            return
        super().handle_websocket_upgrade(event)
        protocol = self.transport.get_protocol()
        if isinstance(protocol, DirectProtocol):
            protocol.on_gone = lambda: self._connections.leave_websocket(websocket)
        else:
            self._connections.leave_websocket(websocket)

    async def _health_or_full(self, scope: Scope, receive: Receive, send: Send) -> None:
        app: Any = self.config.loaded_app if scope["path"] in HEALTH_PATHS else _refuse_as_full
        await app(scope, receive, send)

    def _waits_for_body(self) -> bool:
        return (
            self.cycle is not None
            and self.cycle.more_body
            and not self.cycle.response_complete
            and not self.flow.read_paused
        )

    def _note_progress(self, now_s: float) -> None:
        self._progress_at_s = now_s
        self._progress_bytes = self._moved_bytes - self.transport.get_write_buffer_size()
