"""The hub: takes changes from any thread, tells every websocket client, waits for none."""

import asyncio
import secrets
from collections.abc import Callable, Iterable, Mapping
from threading import Lock
from types import MappingProxyType
from typing import Any, Protocol

from ioc.api.live.frames import Packet
from ioc.api.live.latest_values import LatestValues
from ioc.api.live.topic_stream import LEDGER, NO_STATE, TOPICS, TopicStream
from ioc.api.schemas.shapes import kpi_shape, ledger_totals, source_shape
from ioc.clock import Clock, rfc3339
from ioc.model.kpi import KpiValue
from ioc.model.ledger import Ledger
from ioc.model.source import SourceState
from ioc.wire.compact_json import kept_json

TICK_S = 0.1
BEAT_S = 1.0
_NO_ALERTS: Mapping[str, Mapping[str, Any] | None] = MappingProxyType({})


class Sink(Protocol):
    """The way to one client."""

    @property
    def is_free(self) -> bool:
        """Whether what was sent before has left; while it has not, the hub sends nothing."""

    def send(self, *packets: Packet) -> None:
        """Never waits and never raises."""


class Client:
    """One websocket; `position` is the `seq` of the state it was last sent."""

    __slots__ = ("feed", "position", "sink")

    def __init__(self, sink: Sink, feed: TopicStream) -> None:
        self.sink = sink
        self.feed = feed
        self.position = NO_STATE


class Hub:
    """Changes of a tick are merged, encoded once for each topic set, and written to every client that is free.

    A client that is not free is passed over; when it is free again it gets one merged delta from its own position, so
    a slow one costs at most one message of memory. `publish` may be called from any thread, everything else belongs
    to the event loop. `min_samples` gives the least samples of a KPI by its id.
    """

    def __init__(self, clock: Clock, min_samples: Callable[[str], int], epoch: str = "") -> None:
        self._clock = clock
        self._min_samples = min_samples
        self._epoch = epoch or secrets.token_hex(6)
        self._tables = {name: LatestValues() for name in (*TOPICS, LEDGER)}
        self._feeds: dict[frozenset[str], TopicStream] = {}
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
        """Changed values, or all of them: what equals the last known is not sent again.

        `replace_kpis`: `kpis` are all there are (after a reload of the catalogue); every client gets a snap. `alerts`
        by id, None for one that is over.
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
        """Begin to tick in the running loop."""
        loop = asyncio.get_running_loop()
        with self._lock:
            self._loop = loop
        self._beat_handle = loop.call_later(BEAT_S, self._beat)
        self._wake()

    def stop(self) -> None:
        with self._lock:
            self._loop = None
        for handle in (self._tick_handle, self._beat_handle):
            if handle is not None:
                handle.cancel()
        self._tick_handle = self._beat_handle = None

    def join(self, sink: Sink, topics: frozenset[str], epoch: str = "", seq: int = NO_STATE) -> Client:
        """A new client gets hello and, at once, its state: a snap, or a delta when (epoch, seq) can be resumed."""
        feed = self._feeds.get(topics)
        if feed is None:
            feed = self._feeds[topics] = TopicStream(topics, self._epoch, self._tables)
            feed.advance(self._seq)
            self._clients[feed] = set()
        client = Client(sink, feed)
        self._clients[feed].add(client)
        sink.send(feed.hello(rfc3339(self._clock.now())), feed.update(feed.resumed(epoch, seq)))
        client.position = feed.seq
        return client

    def leave(self, client: Client) -> None:
        self._clients[client.feed].discard(client)

    def resync(self, client: Client) -> None:
        """The client lost its state: a snap as soon as it is free."""
        client.position = NO_STATE
        self.catch_up(client)

    def catch_up(self, client: Client) -> None:
        """The client's sink became free: what it missed goes out now, merged."""
        if client.position != client.feed.seq and client.sink.is_free and client in self._clients[client.feed]:
            client.sink.send(client.feed.update(client.position))
            client.position = client.feed.seq

    @property
    def clients(self) -> int:
        return sum(map(len, self._clients.values()))

    def _wake(self) -> None:
        if self._tick_handle is None and self._loop is not None:
            self._tick_handle = self._loop.call_at(self._last_tick_s + TICK_S, self._tick)

    def _tick(self) -> None:
        assert self._loop is not None
        self._tick_handle = None
        self._last_tick_s = self._loop.time()
        changed, replaced = self._apply()
        for feed in self._feeds.values():
            if changed.intersection(feed.topics):
                feed.advance(self._seq, restarted=bool(replaced.intersection(feed.topics)))
        self._deliver()

    def _beat(self) -> None:
        assert self._loop is not None
        self._beat_handle = self._loop.call_later(BEAT_S, self._beat)
        self._beat_due = True
        if self._tick_handle is None:
            self._deliver()

    def _apply(self) -> tuple[set[str], set[str]]:
        """Tables that changed, tables that were replaced."""
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
        """One write a client: a heartbeat that is due travels behind the delta."""
        beat = rfc3339(self._clock.now()) if self._beat_due else ""
        self._beat_due = False
        for feed, clients in self._clients.items():
            heartbeat = feed.beat(beat) if beat else None
            seq = feed.seq
            for client in clients:
                if client.position == seq:
                    if heartbeat is not None and client.sink.is_free:
                        client.sink.send(heartbeat)
                        self.sent += 1
                elif client.sink.is_free:
                    client.sink.send(feed.update(client.position, beat))
                    client.position = seq
                    self.sent += 1
                else:
                    self.passed_over += 1
