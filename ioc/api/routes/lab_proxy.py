"""CanonicalPaths that the lab answers (`ioc lab`, a process of its own): forwarded as they come, piece by piece."""

import asyncio
from collections.abc import AsyncIterator, Coroutine
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fastapi import APIRouter, Request, Response
from fastapi.responses import StreamingResponse

from ioc.api.auth.forwarded import FORWARDED_HEADERS, signed_headers
from ioc.api.auth.middleware import caller_of
from ioc.api.context import ApiContext
from ioc.api.http.json_response import JsonResponse
from ioc.api.http.path_spelling import target_of
from ioc.api.http.problems import RETRY_AFTER_S, Problem
from ioc.api.http.threads import WorkerThreads
from ioc.clock import rfc3339
from ioc.store.snapshot import SnapshotFailed

if TYPE_CHECKING:
    import httpx

ADDRESSES: tuple[str, ...] = (
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
"""As in `permissions.TABLE`, which says who may call them."""
_LONGEST_S = 180.0
_CONNECT_S = 2.0
_LOOKS_EVERY_S = 1.0
_NOT_PASSED_ON = frozenset({
    "host", "connection", "keep-alive", "transfer-encoding", "te", "trailer", "upgrade", "authorization", "cookie",
    *(name.lower() for name in FORWARDED_HEADERS),
})  # fmt: skip
_NOT_PASSED_BACK = frozenset({"connection", "keep-alive", "transfer-encoding", "date", "server"})
_AWAY = "The lab does not answer just now; everything else goes on. Try again in a few seconds."


def routes(centre: ApiContext, threads: WorkerThreads) -> APIRouter:
    router = APIRouter(include_in_schema=False)
    line = _Line(centre.settings.lab_socket, centre.settings.lab_key())

    @router.post("/api/v1/lab/snapshot", response_model=None)
    async def snapshot(request: Request) -> Response:
        """Take a snapshot now; `in_use` is true once analysts see it."""
        try:
            taken = await threads.run(centre.take_snapshot)
        except SnapshotFailed as fault:
            raise Problem(503, fault.message) from fault
        try:
            answer = await line.pass_on(request)
            in_use = answer.status_code == 200
        except Problem:
            in_use = False
        told = {
            "taken_at": rfc3339(taken.taken_at),
            "size_bytes": taken.size_bytes,
            "took_s": round(taken.took_s, 3),
            "path": str(taken.path),
        }
        return JsonResponse({"taken": told, "in_use": in_use})

    async def forward(request: Request) -> Response:
        return await line.pass_on(request)

    for entry in ADDRESSES:
        method, path = entry.split()
        methods = ["GET", "HEAD"] if method == "GET" else [method]
        router.add_api_route(path, forward, methods=methods, response_model=None)
    return router


class _Line:
    """The line to the lab's socket. Neither question nor answer is ever held whole; who reads slowly is waited for."""

    def __init__(self, socket: Path, key: str) -> None:
        self._socket = socket
        self._key = key
        self._client: httpx.AsyncClient | None = None

    async def pass_on(self, request: Request) -> Response:
        """Raises Problem (503) when the lab is away."""
        import httpx  # only centres whose lab is asked need it

        if self._client is None:
            # No connection is used twice: the lab closes one after a fault, and the next question would meet its end.
            limits = httpx.Limits(max_connections=200, max_keepalive_connections=0)
            self._client = httpx.AsyncClient(
                transport=httpx.AsyncHTTPTransport(uds=str(self._socket), limits=limits),
                timeout=httpx.Timeout(_LONGEST_S, connect=_CONNECT_S),
                base_url="http://lab",
            )
        caller = caller_of(request)
        headers = [(name, value) for name, value in request.headers.raw if name.decode() not in _NOT_PASSED_ON]
        signed = signed_headers(self._key, caller.name, caller.permissions)
        headers += [(name.encode(), value.encode("latin-1")) for name, value in signed.items()]
        asked = self._client.build_request(
            request.method,
            httpx.URL("http://lab", raw_path=target_of(request.scope).joined()),
            headers=headers,
            content=request.stream() if _has_body(request) else None,
        )
        try:
            answer = await _while_waited_for(request, self._client.send(asked, stream=True))
        except httpx.TransportError:
            raise Problem(503, _AWAY, headers={"Retry-After": str(RETRY_AFTER_S)}) from None
        back = {name: value for name, value in answer.headers.items() if name.lower() not in _NOT_PASSED_BACK}
        return StreamingResponse(_pieces(answer), answer.status_code, back)


async def _while_waited_for(request: Request, asking: "Coroutine[Any, Any, httpx.Response]") -> "httpx.Response":
    """The answer; a client that goes away before it comes ends the question, and with it the query behind it."""
    task = asyncio.create_task(asking)
    try:
        while not (await asyncio.wait([task], timeout=_LOOKS_EVERY_S))[0]:
            # Only once the question has gone out whole: looking takes from the same stream.
            if (request._stream_consumed or not _has_body(request)) and await request.is_disconnected():
                task.cancel()
        return await task
    except asyncio.CancelledError:
        task.cancel()
        raise


async def _pieces(answer: "httpx.Response") -> AsyncIterator[bytes]:
    try:
        async for piece in answer.aiter_raw():
            yield piece
    finally:
        await answer.aclose()


def _has_body(request: Request) -> bool:
    return request.headers.get("content-length", "0") != "0" or "transfer-encoding" in request.headers
