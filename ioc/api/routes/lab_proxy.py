"""Forward requests to the lab (`ioc lab`, a process of its own), and its responses back, piece by piece."""

import asyncio
from collections.abc import AsyncIterator, Coroutine
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import StreamingResponse
from starlette.requests import HTTPConnection

from ioc.api.auth.forwarded import FORWARDED_HEADERS, signed_headers
from ioc.api.auth.middleware import caller_of
from ioc.api.context import Context
from ioc.api.http.json_response import JsonResponse
from ioc.api.http.path_spelling import target_of
from ioc.api.http.problems import RETRY_AFTER_S, Problem
from ioc.api.schemas.lab import SnapshotTakenShape
from ioc.clock import rfc3339
from ioc.messages import Message
from ioc.store.snapshot import SnapshotFailed

if TYPE_CHECKING:
    import httpx

router = APIRouter()

FORWARDED: tuple[str, ...] = (
    "POST /api/v1/sql",
    "GET /api/v1/lab",
    "GET /api/v1/lab/dictionary",
    "POST /api/v1/lab/queries",
    "GET /api/v1/lab/queries/{query}",
    "DELETE /api/v1/lab/queries/{query}",
    "GET /api/v1/lab/queries/{query}/rows",
    "GET /api/v1/lab/queries/{query}/result",
    "POST /api/v1/lab/check",
    "POST /api/v1/lab/plan",
    "GET /api/v1/lab/history",
    "GET /api/v1/lab/saved",
    "POST /api/v1/lab/saved",
    "GET /api/v1/lab/saved/{saved}",
    "PUT /api/v1/lab/saved/{saved}",
    "DELETE /api/v1/lab/saved/{saved}",
    "GET /api/v1/lab/saved/{saved}/versions",
    "GET /api/v1/lab/questions",
    "GET /api/v1/lab/metrics",
    "GET /api/v1/explore/{kpi}/series",
    "GET /api/v1/explore/{kpi}/parts",
    "GET /api/v1/explore/{kpi}/forecast",
    "GET /api/v1/explore/{kpi}/sql",
    "GET /api/v1/reports",
    "GET /api/v1/reports/{report}",
    "GET /api/v1/reports/{report}/issues",
    "POST /api/v1/reports/{report}/issues",
    "GET /api/v1/reports/{report}/issues/{issue}",
    "GET /api/v1/reports/{report}/issues/{issue}/{file}",
    "GET /open/{file}",
    "GET /open/{dataset}/dictionary.csv",
)
"""Addresses that the lab answers. `permissions.TABLE` says who may call them; the lab describes them in OpenAPI."""
_MAX_ANSWER_S = 180.0
_CONNECT_S = 2.0
_DISCONNECT_CHECK_S = 1.0
_REQUEST_HEADERS_DROPPED = frozenset({
    "host", "connection", "keep-alive", "transfer-encoding", "te", "trailer", "upgrade", "authorization", "cookie",
    *(name.lower() for name in FORWARDED_HEADERS),
})  # fmt: skip
_RESPONSE_HEADERS_DROPPED = frozenset({"connection", "keep-alive", "transfer-encoding", "date", "server"})
_AWAY = Message("lab_silent")


class LabClient:
    """Client of the lab's unix socket. Bodies are streamed both ways and never held whole."""

    def __init__(self, socket: Path, key: str) -> None:
        """`key` signs the headers that name the caller."""
        self._socket = socket
        self._key = key
        self._client: httpx.AsyncClient | None = None

    async def forward(self, request: Request) -> Response:
        """Return the lab's response. Raises Problem (503) when the lab is away."""
        import httpx  # only centres whose lab is used need it

        caller = caller_of(request)
        headers = [
            (name, value) for name, value in request.headers.raw if name.decode() not in _REQUEST_HEADERS_DROPPED
        ]
        signed = signed_headers(self._key, caller.name, caller.permissions)
        headers += [(name.encode(), value.encode("latin-1")) for name, value in signed.items()]
        client = self._opened()
        outgoing = client.build_request(
            request.method,
            httpx.URL("http://lab", raw_path=target_of(request.scope).joined()),
            headers=headers,
            content=request.stream() if _has_body(request) else None,
        )
        try:
            response = await _unless_disconnected(request, client.send(outgoing, stream=True))
        except httpx.TransportError:
            raise Problem(503, _AWAY, headers={"Retry-After": str(RETRY_AFTER_S)}) from None
        kept = {name: text for name, text in response.headers.items() if name.lower() not in _RESPONSE_HEADERS_DROPPED}
        return StreamingResponse(_pieces(response), response.status_code, kept)

    def _opened(self) -> "httpx.AsyncClient":
        if self._client is None:
            import httpx

            # No connection is used twice: the lab closes one after a fault, and the next request would fail.
            limits = httpx.Limits(max_connections=200, max_keepalive_connections=0)
            self._client = httpx.AsyncClient(
                transport=httpx.AsyncHTTPTransport(uds=str(self._socket), limits=limits),
                timeout=httpx.Timeout(_MAX_ANSWER_S, connect=_CONNECT_S),
                base_url="http://lab",
            )
        return self._client


async def get_lab(connection: HTTPConnection) -> LabClient:
    """Return the client of the lab."""
    lab: LabClient = connection.app.state.lab
    return lab


Lab = Annotated[LabClient, Depends(get_lab)]


@router.post("/api/v1/lab/snapshot", tags=["lab"], response_model=SnapshotTakenShape)
async def take_snapshot(context: Context, lab: Lab, request: Request) -> Response:
    """Take a snapshot of the store now, and have the lab publish it."""
    try:
        taken = await context.threads.run(context.take_snapshot)
    except SnapshotFailed as fault:
        raise Problem(503, fault.message) from fault
    try:
        in_use = (await lab.forward(request)).status_code == 200
    except Problem:
        in_use = False
    shape: SnapshotTakenShape = {
        "taken": {
            "taken_at": rfc3339(taken.taken_at),
            "size_bytes": taken.size_bytes,
            "took_s": round(taken.took_s, 3),
            "path": str(taken.path),
        },
        "in_use": in_use,
    }
    return JsonResponse(shape)


async def forward_to_lab(lab: Lab, request: Request) -> Response:
    """Forward a request to the lab."""
    return await lab.forward(request)


for _entry in FORWARDED:
    _method, _path = _entry.split()
    _methods = ["GET", "HEAD"] if _method == "GET" else [_method]
    router.add_api_route(_path, forward_to_lab, methods=_methods, response_model=None, include_in_schema=False)


async def _unless_disconnected(request: Request, sending: "Coroutine[Any, Any, httpx.Response]") -> "httpx.Response":
    """Return the lab's response. A client that disconnects before it cancels the request, and with it the query."""
    task = asyncio.create_task(sending)
    is_sent_whole = not _has_body(request)
    try:
        while not (await asyncio.wait([task], timeout=_DISCONNECT_CHECK_S))[0]:
            # Only once the request was sent whole: looking for a disconnect takes from the same stream.
            is_sent_whole = is_sent_whole or request._stream_consumed  # noqa: SLF001 - Starlette has no public way
            if is_sent_whole and await request.is_disconnected():
                task.cancel()
        return await task
    except asyncio.CancelledError:
        task.cancel()
        raise


async def _pieces(response: "httpx.Response") -> AsyncIterator[bytes]:
    try:
        async for piece in response.aiter_raw():
            yield piece
    finally:
        await response.aclose()


def _has_body(request: Request) -> bool:
    return request.headers.get("content-length", "0") != "0" or "transfer-encoding" in request.headers
