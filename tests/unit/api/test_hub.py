"""The hub without a network: what each client receives, in which order, and that no client delays another."""

import asyncio
import json
import struct
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ioc.api.live import hub as hub_module
from ioc.api.live.frames import Packet, text_frame
from ioc.api.live.hub import Client, Hub
from ioc.api.live.latest_values import LatestValues
from ioc.api.live.topic_stream import NO_STATE
from ioc.clock import FixedClock
from tests.support.fake_centre import NOW, kpi_value, ledger, source_state

ALL = frozenset({"kpis", "sources", "alerts"})
KPIS = frozenset({"kpis"})


class FakeSink:
    """A client's way that is free until the test says it is not."""

    def __init__(self) -> None:
        self.is_free = True
        self.packets: list[Packet] = []

    def send(self, *packets: Packet) -> None:
        assert self.is_free
        self.packets += packets

    def take(self) -> list[dict[str, Any]]:
        messages = [json.loads(payload) for packet in self.packets for payload in packet.payloads]
        self.packets.clear()
        return messages


class Ticking(Hub):
    """TickStatistics and beats when the test says so."""

    def tick(self, *, beat: bool = False) -> None:
        self._beat_due = beat
        self._tick()

    def _wake(self) -> None: ...


@pytest.fixture
async def hub() -> Ticking:
    ticking = Ticking(FixedClock(NOW), lambda _kpi: 3, epoch="e1")
    ticking._loop = asyncio.get_running_loop()
    return ticking


def joined(hub: Hub, topics: frozenset[str] = ALL, epoch: str = "", seq: int = NO_STATE) -> tuple[FakeSink, Client]:
    sink = FakeSink()
    return sink, hub.join(sink, topics, epoch, seq)


async def test_hello_then_snap_then_deltas(hub: Ticking) -> None:
    hub.publish(kpis=[kpi_value()], sources=[source_state()], ledger=ledger())
    hub.tick()
    sink, _ = joined(hub)
    hello, snap = sink.take()
    assert hello == {
        "type": "hello",
        "version": 1,
        "epoch": "e1-ksa",
        "seq": 1,
        "server_time": "2026-11-22T01:00:00.000Z",
    }
    assert (snap["type"], snap["seq"]) == ("snap", 1)
    assert [(row["id"], row["unit"], row["min_samples"]) for row in snap["kpis"]] == [("dossier.overdue_now", "46", 3)]
    assert [row["source"] for row in snap["sources"]] == ["demo-push"]
    assert snap["alerts"] == []
    assert snap["ledger"] == {
        "balanced": True,
        "received": 10,
        "applied": 6,
        "duplicate": 2,
        "rejected": 1,
        "in_flight": 1,
    }
    hub.publish(kpis=[kpi_value(value=13)])
    hub.tick()
    (delta,) = sink.take()
    assert {key: delta[key] for key in ("type", "prev", "seq")} == {"type": "delta", "prev": 1, "seq": 2}
    assert [row["value"] for row in delta["kpis"]] == [13.0]
    assert set(delta) == {"type", "prev", "seq", "kpis"}


async def test_what_did_not_change_is_not_sent(hub: Ticking) -> None:
    hub.publish(kpis=[kpi_value()])
    hub.tick()
    sink, _ = joined(hub)
    sink.take()
    hub.publish(kpis=[kpi_value()])
    hub.tick()
    assert sink.take() == []


async def test_of_several_changes_in_a_tick_the_last_is_sent(hub: Ticking) -> None:
    sink, _ = joined(hub)
    sink.take()
    for value in (1.0, 2.0, 3.0):
        hub.publish(kpis=[kpi_value(value=value)])
    hub.tick()
    (delta,) = sink.take()
    assert [row["value"] for row in delta["kpis"]] == [3.0]


async def test_other_topics_move_no_position(hub: Ticking) -> None:
    sink, _ = joined(hub, KPIS)
    sink.take()
    hub.publish(sources=[source_state()], ledger=ledger())
    hub.tick(beat=True)
    (beat,) = sink.take()
    assert (beat["type"], beat["seq"]) == ("hb", 0)
    hub.publish(kpis=[kpi_value()])
    hub.tick()
    (delta,) = sink.take()
    assert (delta["prev"], delta["seq"]) == (0, 2)


async def test_a_heartbeat_travels_behind_the_delta_in_one_write(hub: Ticking) -> None:
    sink, _ = joined(hub)
    sink.take()
    hub.publish(kpis=[kpi_value()])
    hub.tick(beat=True)
    assert len(sink.packets) == 1
    delta, beat = sink.take()
    assert (delta["type"], beat["type"], beat["seq"]) == ("delta", "hb", delta["seq"])


async def test_a_removed_source_is_said_once_and_is_in_no_snap(hub: Ticking) -> None:
    hub.publish(sources=[source_state("a"), source_state("b")])
    hub.tick()
    sink, _ = joined(hub)
    sink.take()
    hub.publish(removed_sources=["a", "never-there"])
    hub.tick()
    (delta,) = sink.take()
    assert delta["sources"] == [{"source": "a", "removed": True}]
    late, _ = joined(hub)
    assert [row["source"] for row in late.take()[1]["sources"]] == ["b"]


async def test_an_alert_comes_changes_and_goes(hub: Ticking) -> None:
    hub.publish(alerts={"a": {"id": "a", "state": "firing"}})
    hub.tick()
    sink, _ = joined(hub)
    assert sink.take()[1]["alerts"] == [{"id": "a", "state": "firing"}]
    hub.publish(alerts={"a": None, "never-there": None})
    hub.tick()
    [delta] = [message for message in sink.take() if message["type"] == "delta"]
    assert delta["alerts"] == [{"id": "a", "removed": True}]


async def test_a_busy_client_gets_one_merged_delta_when_it_is_free(hub: Ticking) -> None:
    sink, client = joined(hub)
    quick, _ = joined(hub)
    sink.take(), quick.take()
    sink.is_free = False
    for tick in range(5):
        hub.publish(kpis=[kpi_value(value=float(tick)), kpi_value("lgsp.rate", value=float(tick // 4))])
        hub.tick()
    assert [message["seq"] for message in quick.take()] == [1, 2, 3, 4, 5]
    sink.is_free = True
    hub.catch_up(client)
    (delta,) = sink.take()
    assert (delta["prev"], delta["seq"]) == (0, 5)
    assert {row["id"]: row["value"] for row in delta["kpis"]} == {"dossier.overdue_now": 4.0, "lgsp.rate": 1.0}
    hub.catch_up(client)
    assert sink.take() == []


@pytest.mark.parametrize(
    ("epoch", "seq", "topics", "kind", "prev"),
    [
        pytest.param("e1-ksa", 1, ALL, "delta", 1, id="known: what changed since"),
        pytest.param("e1-ksa", 3, ALL, "delta", 3, id="up to date: an empty delta says so"),
        pytest.param("e1-ksa", 0, ALL, "delta", 0, id="from the beginning"),
        pytest.param("e1-ksa", 4, ALL, "snap", None, id="from the future"),
        pytest.param("e0-ksa", 1, ALL, "snap", None, id="from before a restart"),
        pytest.param("e1-k", 1, ALL, "snap", None, id="from other topics"),
        pytest.param("", NO_STATE, ALL, "snap", None, id="for the first time"),
    ],
)
async def test_resume(hub: Ticking, epoch: str, seq: int, topics: frozenset[str], kind: str, prev: int | None) -> None:
    for tick in range(3):
        hub.publish(kpis=[kpi_value(unit=str(tick))])
        hub.tick()
    sink, _ = joined(hub, topics, epoch, seq)
    _, state = sink.take()
    assert (state["type"], state.get("prev"), state["seq"]) == (kind, prev, 3)
    shown = [row["unit"] for row in state.get("kpis", [])]
    assert shown == (["0", "1", "2"][seq:] if kind == "delta" else ["0", "1", "2"])


async def test_after_a_reload_everyone_gets_a_snap_of_the_new_kpis(hub: Ticking) -> None:
    hub.publish(kpis=[kpi_value("old.one"), kpi_value("kept.one")])
    hub.tick()
    sink, _ = joined(hub)
    sources_only, _ = joined(hub, frozenset({"sources"}))
    sink.take(), sources_only.take()
    hub.publish(kpis=[kpi_value("old.one", value=99)])
    hub.publish(kpis=[kpi_value("kept.one"), kpi_value("new.one")], replace_kpis=True)
    hub.tick()
    (snap,) = sink.take()
    assert snap["type"] == "snap"
    assert {row["id"] for row in snap["kpis"]} == {"kept.one", "new.one"}
    assert sources_only.take() == []
    back, _ = joined(hub, ALL, "e1-ksa", 1)
    assert back.take()[1]["type"] == "snap"


async def test_resync_gives_a_snap(hub: Ticking) -> None:
    hub.publish(kpis=[kpi_value()])
    hub.tick()
    sink, client = joined(hub)
    sink.take()
    hub.resync(client)
    assert [message["type"] for message in sink.take()] == ["snap"]
    sink.is_free = False
    hub.resync(client)
    hub.resync(client)
    sink.is_free = True
    hub.catch_up(client)
    assert [message["type"] for message in sink.take()] == ["snap"]


async def test_who_left_is_told_nothing(hub: Ticking) -> None:
    sink, client = joined(hub)
    sink.take()
    hub.leave(client)
    hub.publish(kpis=[kpi_value()])
    hub.tick(beat=True)
    hub.resync(client)
    assert sink.take() == []
    assert hub.clients == 0


async def test_everyone_at_one_position_shares_one_encoding(hub: Ticking) -> None:
    sinks = [joined(hub)[0] for _ in range(3)]
    for sink in sinks:
        sink.take()
    hub.publish(kpis=[kpi_value()])
    hub.tick()
    assert len({id(sink.packets[0].frames) for sink in sinks}) == 1


async def test_what_waits_for_slow_clients_is_bounded(hub: Ticking) -> None:
    """Each of 100 clients stopped at another position; what is kept to serve them is not 100 deltas."""
    slow = []
    for number in range(100):
        sink, client = joined(hub)
        sink.take()
        sink.is_free = False
        slow.append((sink, client))
        hub.publish(kpis=[kpi_value(unit=str(number))])
        hub.tick()
    shared: set[int] = set()
    for sink, client in slow:
        sink.is_free = True
        hub.catch_up(client)
        shared.update(id(packet) for packet in sink.packets)
    assert len(shared) <= 18
    assert {client.position for _, client in slow} == {100}


publishes = st.lists(
    st.tuples(
        st.dictionaries(st.sampled_from("abcd"), st.integers(0, 3)),
        st.sampled_from(["", "busy", "free", "resync", "reload", "leave and resume"]),
    ),
    max_size=25,
)


@given(publishes)
@settings(max_examples=150)
def test_whatever_happens_a_client_ends_with_the_present_values(steps: list[tuple[dict[str, int], str]]) -> None:
    asyncio.run(_end_with_the_present_values(steps))


async def _end_with_the_present_values(steps: list[tuple[dict[str, int], str]]) -> None:
    hub = Ticking(FixedClock(NOW), lambda _kpi: 1, epoch="e1")
    hub._loop = asyncio.get_running_loop()
    present: dict[str, float] = {}
    sink, client = joined(hub)
    state: dict[str, Any] = {"seq": None, "kpis": {}}
    for changes, event in steps:
        if event == "reload":
            present = {unit: float(value) for unit, value in changes.items()}
        else:
            present |= {unit: float(value) for unit, value in changes.items()}
        values = [kpi_value(unit=unit, value=float(value)) for unit, value in changes.items()]
        hub.publish(kpis=values, replace_kpis=event == "reload")
        if event == "busy":
            sink.is_free = False
        hub.tick()
        if event in ("free", "resync"):
            sink.is_free = True
            hub.catch_up(client)
        if event == "resync":
            hub.resync(client)
        if event == "leave and resume":
            _apply(state, sink.take())
            hub.leave(client)
            sink, client = joined(hub, ALL, "e1-ksa", state["seq"])
        _apply(state, sink.take())
    sink.is_free = True
    hub.catch_up(client)
    _apply(state, sink.take())
    assert state["kpis"] == present


def _apply(state: dict[str, Any], messages: list[dict[str, Any]]) -> None:
    """What a page does with each message."""
    for message in messages:
        if message["type"] == "snap":
            state["kpis"] = {}
        elif message["type"] == "delta":
            assert message["prev"] == state["seq"]
        if message["type"] in ("snap", "delta"):
            state["seq"] = message["seq"]
            state["kpis"] |= {row["unit"]: row["value"] for row in message.get("kpis", [])}


async def test_a_published_value_wakes_the_loop_from_another_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hub_module, "BEAT_S", 30.0)
    hub = Hub(FixedClock(NOW), lambda _kpi: 1)
    hub.start()
    try:
        sink, _ = joined(hub)
        sink.take()
        await asyncio.to_thread(hub.publish, kpis=[kpi_value()])
        for _ in range(200):
            if sink.packets:
                break
            await asyncio.sleep(0.01)
        assert [message["type"] for message in sink.take()] == ["delta"]
    finally:
        hub.stop()


@pytest.mark.parametrize("length", [0, 1, 125, 126, 65_535, 65_536, 200_000])
def test_frame_is_whole_text_and_not_masked(length: int) -> None:
    frame = text_frame(b"x" * length)
    assert frame[0] == 0x81
    assert not frame[1] & 0x80
    size, head = frame[1], 2
    if size == 126:
        (size,), head = struct.unpack("!H", frame[2:4]), 4
    elif size == 127:
        (size,), head = struct.unpack("!Q", frame[2:10]), 10
    assert (size, len(frame)) == (length, head + length)


def test_latest_keeps_one_entry_a_key() -> None:
    table = LatestValues()
    for seq in range(1, 1001):
        table.put("a" if seq % 2 else "b", b"%d" % seq, seq)
    assert table.present() == [b"999", b"1000"]
    assert table.since(998) == [b"999", b"1000"]
    assert table.since(999) == [b"1000"]
    assert table.since(1000) == []
    assert len(table._entries) == 2
