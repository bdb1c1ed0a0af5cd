"""Serve the centre below a base path, such as /ioc/ behind a proxy. IOC_ADDRESS contains the base path."""

from urllib.parse import urlsplit

from starlette.responses import RedirectResponse
from starlette.types import ASGIApp, Receive, Scope, Send


def base_path(outer_address: str) -> str:
    """Return the path without its last slash: "/ioc" for https://example.vn/ioc/, "" for https://example.vn."""
    return urlsplit(outer_address).path.rstrip("/")


class BasePath:
    """ASGI middleware that removes the base path.

    It accepts proxies that pass the whole path, proxies that remove the base path, and requests without a proxy.
    """

    def __init__(self, app: ASGIApp, base: str) -> None:
        self._app = app
        self._base = base
        self._raw_base = base.encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if self._base and scope["type"] in ("http", "websocket"):
            path: str = scope["path"]
            if path == self._base and scope["type"] == "http":
                await RedirectResponse(f"{self._base}/", 307)(scope, receive, send)
                return
            if path.startswith(f"{self._base}/"):
                raw: bytes = scope.get("raw_path") or path.encode()
                if not raw.startswith(self._raw_base + b"/"):
                    raw = b"/%2F"  # percent-encoded in another way: there is nothing at such an address
                scope.update(path=path[len(self._base) :], raw_path=raw.removeprefix(self._raw_base))
        await self._app(scope, receive, send)
