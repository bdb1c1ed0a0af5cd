"""GET /ws/v1: the websocket of live values."""

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from typing import Any
from urllib.parse import urlsplit

import orjson
from fastapi import APIRouter, WebSocket, WebSocketDisconnect

from ioc.api.auth.middleware import caller_of, credential_of
from ioc.api.context import ApiContext
from ioc.api.live.direct_writes import EXTENSION, DirectSink
from ioc.api.live.frames import Packet
from ioc.api.live.hub import Client, Hub, Sink
from ioc.api.live.identity_watch import ENDED_CODE, IdentityWatch, WatchedSocket
from ioc.api.live.topic_stream import NO_STATE, TOPICS
from ioc.messages import Message

_POLICY_VIOLATION = 1008
_CLOSED_WITHIN_S = 0.5
_DEFAULT_PORT = {"http": 80, "https": 443}


class ProtocolFault(Exception):
    """The client asked for something that is not there; the connection closes with code 1008 and this sentence."""


class AsgiSink:
    """The way to a client where the server has no direct one: a task of the client's own sends what waits."""

    def __init__(self, websocket: WebSocket) -> None:
        self._websocket = websocket
        self._waiting: list[Packet] = []
        self._given = asyncio.Event()

    @property
    def is_free(self) -> bool:
        return not self._waiting

    def send(self, *packets: Packet) -> None:
        self._waiting += packets
        self._given.set()

    async def pump(self, hub: Hub, client: Client) -> None:
        with suppress(WebSocketDisconnect, RuntimeError):
            while True:
                await self._given.wait()
                self._given.clear()
                for packet in self._waiting:
                    for payload in packet.payloads:
                        await self._websocket.send_text(payload.decode())
                self._waiting.clear()
                hub.catch_up(client)


class IdentityEnded(Exception):
    """The caller is no longer who they were when the socket opened. The text is the reason, one word."""


def routes(centre: ApiContext) -> APIRouter:
    router = APIRouter()
    watch = IdentityWatch(centre.people)

    @router.websocket("/ws/v1")
    async def live(websocket: WebSocket) -> None:
        origin, host = websocket.headers.get("origin"), websocket.headers.get("host")
        if not is_same_origin(origin, host, websocket.url.scheme, centre.settings.address):
            await websocket.close()  # before it is accepted: the handshake is answered 403
            return
        await websocket.accept()
        try:
            await _converse(websocket, centre.hub, watch)
        except ProtocolFault as fault:
            await websocket.close(_POLICY_VIOLATION, str(fault))
        except IdentityEnded as fault:
            _close_now(websocket)
            with suppress(RuntimeError):  # it has gone by itself meanwhile
                await websocket.close(ENDED_CODE, str(fault))
        except WebSocketDisconnect:
            pass

    return router


async def _converse(websocket: WebSocket, hub: Hub, watch: IdentityWatch) -> None:
    topics, epoch, seq = parse_query(websocket.query_params.multi_items())
    direct = websocket.scope.get("extensions", {}).get(EXTENSION)
    sink: Sink = AsgiSink(websocket) if direct is None else DirectSink(direct["connection"])
    client = hub.join(sink, topics, epoch, seq)
    pump: asyncio.Task[None] | None = None
    if isinstance(sink, AsgiSink):
        pump = asyncio.create_task(sink.pump(hub, client))
    else:
        direct["connection"].on_free = lambda: hub.catch_up(client)
    ended: asyncio.Future[str] = asyncio.get_running_loop().create_future()
    credential = credential_of(websocket)
    watched = WatchedSocket(credential, caller_of(websocket), ended.set_result) if credential else None
    if watched is not None:
        watch.add(watched)
    try:
        while True:
            check_message(await _received(websocket, ended))
            hub.resync(client)
    finally:
        hub.leave(client)
        if watched is not None:
            watch.remove(watched)
        if pump is not None:
            pump.cancel()


async def _received(websocket: WebSocket, ended: "asyncio.Future[str]") -> Mapping[str, object]:
    """The client's next message. Raises IdentityEnded."""
    receiving = asyncio.ensure_future(websocket.receive())
    waited: tuple[asyncio.Future[Any], ...] = (receiving, ended)
    try:
        await asyncio.wait(waited, return_when=asyncio.FIRST_COMPLETED)
        if ended.done():
            raise IdentityEnded(ended.result())
        return receiving.result()
    finally:
        receiving.cancel()


def _close_now(websocket: WebSocket) -> None:
    """Do not wait long for a client that reads nothing or does not answer the close."""
    direct = websocket.scope.get("extensions", {}).get(EXTENSION)
    if direct is not None:
        asyncio.get_running_loop().call_later(_CLOSED_WITHIN_S, direct["connection"].transport.abort)


def check_message(message: Mapping[str, object]) -> None:
    """The one thing a client may say is {"type": "resync"}. Raises ProtocolFault, WebSocketDisconnect."""
    if message["type"] == "websocket.disconnect":
        raise WebSocketDisconnect
    try:
        said = orjson.loads(str(message.get("text") or ""))
    except orjson.JSONDecodeError:
        said = None
    if said != {"type": "resync"}:
        raise ProtocolFault(Message("socket_only_resync"))


def parse_query(items: list[tuple[str, str]]) -> tuple[frozenset[str], str, int]:
    """(topics, epoch, seq) of ?topics=&epoch=&seq=; without epoch and seq ("", NO_STATE). Raises ProtocolFault."""
    query = dict(items)
    if unknown := sorted(set(query) - {"topics", "epoch", "seq"}):
        raise ProtocolFault(Message("socket_parameter", given=unknown[0][:20]))
    topics = frozenset(query.get("topics", ",".join(TOPICS)).split(","))
    if not topics <= set(TOPICS):
        unfit = min(topics - set(TOPICS))[:20]
        raise ProtocolFault(Message("socket_topics", given=unfit, known=", ".join(TOPICS)))
    if ("epoch" in query) != ("seq" in query):
        raise ProtocolFault(Message("socket_resume"))
    seq = query.get("seq", "")
    if seq and not (seq.isascii() and seq.isdigit() and len(seq) < 16):
        raise ProtocolFault(Message("socket_seq"))
    return topics, query.get("epoch", ""), int(seq) if seq else NO_STATE


def is_same_origin(origin: str | None, host: str | None, scheme: str, outer_address: str = "") -> bool:
    """A page of another site may not listen. Programs send no Origin and may.

    The centre's own site is what the request names as its host, and what IOC_ADDRESS says: a proxy may name another
    host to the centre than the reader's browser has.
    """
    if origin is None:
        return True
    here = f"{'https' if scheme in ('wss', 'https') else 'http'}://{host}"
    page = _site(origin)
    return page is not None and page in (_site(here), _site(outer_address))


def _site(address: str) -> tuple[str, str, int] | None:
    """Return scheme, host and port; None for what is not the address of a site."""
    parts = urlsplit(address)
    try:
        if parts.scheme not in _DEFAULT_PORT or not parts.hostname:
            return None
        return parts.scheme, parts.hostname, parts.port or _DEFAULT_PORT[parts.scheme]
    except ValueError:
        return None
