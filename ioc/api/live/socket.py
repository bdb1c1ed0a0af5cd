"""GET /ws/v1: the websocket of live values."""

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from typing import Any
from urllib.parse import urlsplit

import orjson
from fastapi import APIRouter, WebSocket, WebSocketDisconnect

from ioc.api.auth.middleware import caller_of, credential_of
from ioc.api.context import Context
from ioc.api.live.direct_writes import EXTENSION, DirectSink
from ioc.api.live.frames import Packet
from ioc.api.live.hub import Client, Hub, Sink
from ioc.api.live.identity_watch import ENDED_CODE, IdentityWatch, WatchedSocket
from ioc.api.live.topic_stream import NO_STATE, TOPICS
from ioc.messages import Message

router = APIRouter()

_POLICY_VIOLATION = 1008
_MAX_CLOSE_S = 0.5
_DEFAULT_PORT = {"http": 80, "https": 443}


class ProtocolFault(Exception):
    """The client sent something that is not allowed. The connection closes with code 1008 and this text."""


class AsgiSink:
    """Sink for servers without direct writes: a task per client sends its queue through ASGI."""

    def __init__(self, websocket: WebSocket) -> None:
        self._websocket = websocket
        self._queue: list[Packet] = []
        self._has_packets = asyncio.Event()

    @property
    def is_free(self) -> bool:
        """Return whether the queue is empty."""
        return not self._queue

    def send(self, *packets: Packet) -> None:
        """Add packets to the queue."""
        self._queue += packets
        self._has_packets.set()

    async def pump(self, hub: Hub, client: Client) -> None:
        """Send the queue until the client disconnects."""
        with suppress(WebSocketDisconnect, RuntimeError):
            while True:
                await self._has_packets.wait()
                self._has_packets.clear()
                for packet in self._queue:
                    for payload in packet.payloads:
                        await self._websocket.send_text(payload.decode())
                self._queue.clear()
                hub.catch_up(client)


class IdentityEnded(Exception):
    """The session or token of the caller has ended, or their role has changed. The text is the reason code."""


@router.websocket("/ws/v1")
async def live(context: Context, websocket: WebSocket) -> None:
    """Send live values of the requested topics until the client disconnects or its session ends."""
    origin, host = websocket.headers.get("origin"), websocket.headers.get("host")
    if not is_same_origin(origin, host, websocket.url.scheme, context.settings.address):
        await websocket.close()  # before it is accepted: the handshake is answered 403
        return
    await websocket.accept()
    try:
        await _converse(websocket, context.hub, websocket.app.state.identity_watch)
    except ProtocolFault as fault:
        await websocket.close(_POLICY_VIOLATION, str(fault))
    except IdentityEnded as fault:
        _abort_soon(websocket)
        with suppress(RuntimeError):  # the client has disconnected meanwhile
            await websocket.close(ENDED_CODE, str(fault))
    except WebSocketDisconnect:
        pass


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
    """Return the client's next message. Raises IdentityEnded."""
    receiving = asyncio.ensure_future(websocket.receive())
    waited: tuple[asyncio.Future[Any], ...] = (receiving, ended)
    try:
        await asyncio.wait(waited, return_when=asyncio.FIRST_COMPLETED)
        if ended.done():
            raise IdentityEnded(ended.result())
        return receiving.result()
    finally:
        receiving.cancel()


def _abort_soon(websocket: WebSocket) -> None:
    """Abort the connection of a client that does not answer the close in half a second."""
    direct = websocket.scope.get("extensions", {}).get(EXTENSION)
    if direct is not None:
        asyncio.get_running_loop().call_later(_MAX_CLOSE_S, direct["connection"].transport.abort)


def check_message(message: Mapping[str, object]) -> None:
    """Accept {"type": "resync"}, the only message that a client may send.

    Raises ProtocolFault for any other message, WebSocketDisconnect when the client has disconnected.
    """
    if message["type"] == "websocket.disconnect":
        raise WebSocketDisconnect
    try:
        content = orjson.loads(str(message.get("text") or ""))
    except orjson.JSONDecodeError:
        content = None
    if content != {"type": "resync"}:
        raise ProtocolFault(Message("socket_only_resync"))


def parse_query(items: list[tuple[str, str]]) -> tuple[frozenset[str], str, int]:
    """Return (topics, epoch, seq) of ?topics=&epoch=&seq=. Without a state to resume, epoch is "" and seq NO_STATE.

    Raises ProtocolFault.
    """
    query = dict(items)
    if unknown := sorted(set(query) - {"topics", "epoch", "seq"}):
        raise ProtocolFault(Message("socket_parameter", given=unknown[0][:20]))
    topics = frozenset(query.get("topics", ",".join(TOPICS)).split(","))
    if not topics <= set(TOPICS):
        unknown_topic = min(topics - set(TOPICS))[:20]
        raise ProtocolFault(Message("socket_topics", given=unknown_topic, known=", ".join(TOPICS)))
    if ("epoch" in query) != ("seq" in query):
        raise ProtocolFault(Message("socket_resume"))
    seq = query.get("seq", "")
    if seq and not (seq.isascii() and seq.isdigit() and len(seq) < 16):
        raise ProtocolFault(Message("socket_seq"))
    return topics, query.get("epoch", ""), int(seq) if seq else NO_STATE


def is_same_origin(origin: str | None, host: str | None, scheme: str, outer_address: str = "") -> bool:
    """Return whether a request comes from a page of the centre, or from a program, which sends no Origin.

    The centre's own site is the host of the request, and IOC_ADDRESS (`outer_address`): behind a proxy, the host may
    differ from the one in the browser.
    """
    if origin is None:
        return True
    here = f"{'https' if scheme in ('wss', 'https') else 'http'}://{host}"
    page = _site(origin)
    return page is not None and page in (_site(here), _site(outer_address))


def _site(address: str) -> tuple[str, str, int] | None:
    """Return scheme, host and port; None unless it is the address of a site."""
    parts = urlsplit(address)
    try:
        if parts.scheme not in _DEFAULT_PORT or not parts.hostname:
            return None
        return parts.scheme, parts.hostname, parts.port or _DEFAULT_PORT[parts.scheme]
    except ValueError:
        return None
