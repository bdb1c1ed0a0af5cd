"""The hub: accepts changes from any thread and sends them to every websocket client, without waiting for any."""

import asyncio
import secrets
from collections.abc import Callable, Iterable, Mapping
from threading import Lock
from types import MappingProxyType
from typing import Any, Protocol

from ioc.api.live.frames import Packet
from ioc.api.live.latest_values import LatestValues
from ioc.api.live.topic_stream import LEDGER, NO_STATE, TOPICS, TopicStream
from ioc.api.schemas.kpis import kpi_shape
from ioc.api.schemas.ledger import ledger_totals
from ioc.api.schemas.sources import source_shape
from ioc.clock import Clock, rfc3339
from ioc.model.kpi import KpiValue
from ioc.model.ledger import Ledger
from ioc.model.source import SourceState
from ioc.wire.compact_json import kept_json

TICK_S = 0.1
BEAT_S = 1.0
_NO_ALERTS: Mapping[str, Mapping[str, Any] | None] = MappingProxyType({})


class Sink(Protocol):
    """Sends to one client."""

    @property
    def is_free(self) -> bool:
        """Whether everything sent before has left. Until then the hub sends nothing."""

    def send(self, *packets: Packet) -> None:
        """Send packets. Must never wait and never raise."""


class Client:
    """One websocket. `position` is the `seq` of the state that was sent last."""

    __slots__ = ("position", "sink", "stream")

    def __init__(self, sink: Sink, stream: TopicStream) -> None:
        self.sink = sink
        self.stream = stream
        self.position = NO_STATE


class Hub:
    """Merges the changes of a tick, encodes them once per set of topics, and sends them to every client that is free.

    A client that is not free is skipped. Once it is free it gets one merged delta from its own position, so a slow
    client costs at most one message of memory. `publish` may be called from any thread; everything else belongs to the
    event loop. `min_samples(kpi)` is the least number of samples of a KPI.
    """

    def __init__(self, clock: Clock, min_samples: Callable[[str], int], epoch: str = "") -> None:
        self._clock = clock
        self._min_samples = min_samples
        self._epoch = epoch or secrets.token_hex(6)
        self._tables = {name: LatestValues() for name in (*TOPICS, LEDGER)}
        self._streams: dict[frozenset[str], TopicStream] = {}
        self._clients: dict[TopicStream, set[Client]] = {}
        self._seq = 0
        self._lock = Lock()
        self._pending: dict[str, dict[str, tuple[bytes, bool]]] = {name: {} for name in self._tables}
        self._replaced: set[str] = set()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._tick_handle: asyncio.TimerHandle | None = None
        self._beat_handle: asyncio.TimerHandle | None = None
        self._beat_due = False
        self._last_tick_s = 0.0
        self.sent = 0
        self.passed_over = 0

    # From any thread.

    def publish(
        self,
        *,
        kpis: Iterable[KpiValue] = (),
        sources: Iterable[SourceState] = (),
        removed_sources: Iterable[str] = (),
        ledger: Ledger | None = None,
        replace_kpis: bool = False,
        alerts: Mapping[str, Mapping[str, Any] | None] = _NO_ALERTS,
    ) -> None:
        """Publish changed values, or all of them. Values that equal the last known ones are not sent again.

        `replace_kpis`: `kpis` are all that exist (after a reload of the catalogue), and every client gets a snap.
        `alerts` are by id; None for an alert that has ended.
        """
        changes: dict[str, dict[str, tuple[bytes, bool]]] = {
            "kpis": {f"{value.id}\n{value.unit}": (self._kpi(value), True) for value in kpis},
            "sources": {state.source: (kept_json(source_shape(state)), True) for state in sources},
        }
        changes["alerts"] = {
            name: (kept_json({"id": name, "removed": True} if shape is None else shape), shape is not None)
            for name, shape in alerts.items()
        }
        for name in removed_sources:
            changes["sources"][name] = (kept_json({"source": name, "removed": True}), False)
        if ledger is not None:
            changes[LEDGER] = {LEDGER: (kept_json(ledger_totals(ledger)), True)}
        with self._lock:
            if replace_kpis:
                self._pending["kpis"].clear()
                self._replaced.add("kpis")
            for table, rows in changes.items():
                self._pending[table].update(rows)
            loop = self._loop
        if loop is not None:
            loop.call_soon_threadsafe(self._wake)

    def _kpi(self, value: KpiValue) -> bytes:
        return kept_json(kpi_shape(value, self._min_samples(value.id)))

    # In the event loop.

    def start(self) -> None:
        """Start ticking in the running event loop."""
        loop = asyncio.get_running_loop()
        with self._lock:
            self._loop = loop
        self._beat_handle = loop.call_later(BEAT_S, self._beat)
        self._wake()

    def stop(self) -> None:
        """Stop ticking."""
        with self._lock:
            self._loop = None
        for handle in (self._tick_handle, self._beat_handle):
            if handle is not None:
                handle.cancel()
        self._tick_handle = self._beat_handle = None

    def join(self, sink: Sink, topics: frozenset[str], epoch: str = "", seq: int = NO_STATE) -> Client:
        """Add a client and send it hello and its state: a snap, or a delta if (epoch, seq) can be resumed."""
        stream = self._streams.get(topics)
        if stream is None:
            stream = self._streams[topics] = TopicStream(topics, self._epoch, self._tables)
            stream.advance(self._seq)
            self._clients[stream] = set()
        client = Client(sink, stream)
        self._clients[stream].add(client)
        sink.send(stream.hello(rfc3339(self._clock.now())), stream.update(stream.resumed(epoch, seq)))
        client.position = stream.seq
        return client

    def leave(self, client: Client) -> None:
        """Remove a client."""
        self._clients[client.stream].discard(client)

    def resync(self, client: Client) -> None:
        """Send a snap to a client that lost its state, as soon as it is free."""
        client.position = NO_STATE
        self.catch_up(client)

    def catch_up(self, client: Client) -> None:
        """Send a client whose sink became free everything it missed, merged."""
        if client.position != client.stream.seq and client.sink.is_free and client in self._clients[client.stream]:
            client.sink.send(client.stream.update(client.position))
            client.position = client.stream.seq

    @property
    def clients(self) -> int:
        """The number of open websockets."""
        return sum(map(len, self._clients.values()))

    def _wake(self) -> None:
        if self._tick_handle is None and self._loop is not None:
            self._tick_handle = self._loop.call_at(self._last_tick_s + TICK_S, self._tick)

    def _tick(self) -> None:
        assert self._loop is not None
        self._tick_handle = None
        self._last_tick_s = self._loop.time()
        changed, replaced = self._apply()
        for stream in self._streams.values():
            if changed.intersection(stream.topics):
                stream.advance(self._seq, restarted=bool(replaced.intersection(stream.topics)))
        self._deliver()

    def _beat(self) -> None:
        assert self._loop is not None
        self._beat_handle = self._loop.call_later(BEAT_S, self._beat)
        self._beat_due = True
        if self._tick_handle is None:
            self._deliver()

    def _apply(self) -> tuple[set[str], set[str]]:
        """Apply pending changes. Return the topics that changed and those that were replaced."""
        with self._lock:
            pending, self._pending = self._pending, {name: {} for name in self._tables}
            replaced, self._replaced = self._replaced, set()
        seq = self._seq + 1
        for name in replaced:
            self._tables[name].clear()
        changed = set(replaced)
        for name, rows in pending.items():
            table = self._tables[name]
            for key, (fragment, present) in rows.items():
                if table.put(key, fragment, seq, present=present):
                    changed.add(name)
        if changed:
            self._seq = seq
        return changed, replaced

    def _deliver(self) -> None:
        """Send each free client one write; a heartbeat that is due follows the delta."""
        beat = rfc3339(self._clock.now()) if self._beat_due else ""
        self._beat_due = False
        for stream, clients in self._clients.items():
            heartbeat = stream.beat(beat) if beat else None
            seq = stream.seq
            for client in clients:
                if client.position == seq:
                    if heartbeat is not None and client.sink.is_free:
                        client.sink.send(heartbeat)
                        self.sent += 1
                elif client.sink.is_free:
                    client.sink.send(stream.update(client.position, beat))
                    client.position = seq
                    self.sent += 1
                else:
                    self.passed_over += 1
