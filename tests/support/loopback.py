"""The one address of a test process's fake centres: a browser that comes back to it has scripts and fonts already."""

import asyncio
import socket
import threading
from collections.abc import Coroutine
from functools import cache
from typing import Any

import uvicorn
from starlette.responses import HTMLResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send
from starlette.websockets import WebSocketClose

NOTHING = "/nothing"
"""A page without anything, which forgets what pages of this address have stored."""
FORGET = "<!doctype html><script>localStorage.clear(), sessionStorage.clear()</script>"


class Loopback:
    """Serves on a free port from a thread of its own. The newest of `apps` answers; without any, nobody is home."""

    def __init__(self) -> None:
        self.apps: list[ASGIApp] = []
        listener = socket.create_server(("127.0.0.1", 0))
        self.address = f"http://127.0.0.1:{listener.getsockname()[1]}"
        config = uvicorn.Config(
            self._answer, log_level="error", lifespan="off", ws="websockets-sansio", interface="asgi3"
        )
        started = threading.Event()

        async def serve() -> None:
            self.loop = asyncio.get_running_loop()
            started.set()
            await uvicorn.Server(config).serve(sockets=[listener])

        threading.Thread(target=lambda: asyncio.run(serve()), daemon=True).start()
        started.wait(10)

    def run(self, work: Coroutine[Any, Any, Any]) -> None:
        """Let it run in the server's thread, and wait for its end."""
        asyncio.run_coroutine_threadsafe(work, self.loop).result(10)

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        app: ASGIApp
        if scope["path"] == NOTHING:
            app = HTMLResponse(FORGET)
        elif self.apps:
            app = self.apps[-1]
        else:
            app = WebSocketClose(1013) if scope["type"] == "websocket" else Response(status_code=503)
        await app(scope, receive, send)


@cache
def loopback() -> Loopback:
    return Loopback()
