"""The centre below a path of its own, such as /ioc/ behind a proxy; IOC_ADDRESS says it."""

from urllib.parse import urlsplit

from starlette.responses import RedirectResponse
from starlette.types import ASGIApp, Receive, Scope, Send


def base_path(outer_address: str) -> str:
    """The path of an address without a slash at its end: "/ioc" of https://example.vn/ioc, "" of https://example.vn."""
    return urlsplit(outer_address).path.rstrip("/")


class BasePath:
    """ASGI layer. A proxy may hand the whole path on or have taken the base off already: both are understood, and so is
    a request that comes without a proxy."""

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
                    raw = b"/%2F"  # spelled in another way: nothing is at such an address
                scope.update(path=path[len(self._base) :], raw_path=raw.removeprefix(self._raw_base))
        await self._app(scope, receive, send)
