"""Connection limits without a socket: which client gets a place, which is closed, which times out."""

from dataclasses import dataclass, replace

import pytest

from ioc.api.http.connections import ConnectionLimits, Connections

LIMITS = replace(ConnectionLimits.within(1024), total=4, per_address=3, websockets=2, reserve=1)


@dataclass(eq=False)
class Line:
    waits_since_s: float | None = 0.0
    overdue: bool = False
    ended: bool = False

    def is_overdue(self, _now_s: float) -> bool:
        return self.overdue

    def end(self) -> None:
        self.ended = True


def opened(
    connections: Connections, address: str, since_s: float | None, *, is_proxy: bool = False
) -> tuple[Line, bool]:
    line = Line(since_s)
    return line, connections.admit(line, address, is_proxy=is_proxy)


def test_an_address_over_its_limit_loses_its_own_longest_waiting() -> None:
    connections = Connections(LIMITS)
    other, _ = opened(connections, "b", 1.0)
    lines = [opened(connections, "a", since_s)[0] for since_s in (5.0, 3.0, 9.0)]
    newest, is_let = opened(connections, "a", 10.0)
    assert [line.ended for line in (other, *lines, newest)] == [False, False, True, False, False]
    assert (is_let, len(connections)) == (True, 4)


def test_when_all_is_full_the_longest_waiting_gives_way() -> None:
    connections = Connections(LIMITS)
    lines = [
        opened(connections, address, since_s)[0]
        for address, since_s in (("a", 1.0), ("b", 2.0), ("c", None), ("d", 3.0))
    ]
    assert opened(connections, "e", 4.0)[1]
    assert [line.ended for line in lines] == [True, False, False, False]


def test_where_all_are_at_work_there_is_a_reserve_for_the_state_of_the_process() -> None:
    connections = Connections(LIMITS)
    for address in "abcd":
        opened(connections, address, None)
    first, is_let = opened(connections, "e", 1.0)
    assert (is_let, first.ended) == (False, False)
    first.waits_since_s = None
    second, is_let = opened(connections, "f", 2.0)
    assert (is_let, second.ended) == (False, True)
    assert connections.refused == 2


def test_a_proxy_speaks_for_many() -> None:
    connections = Connections(LIMITS)
    assert all(opened(connections, "proxy", None, is_proxy=True)[1] for _ in range(4))


def test_websockets_have_places_of_their_own_and_count_for_their_address() -> None:
    connections = Connections(LIMITS)
    one, two, three = object(), object(), object()
    assert connections.admit_websocket(one, "a", is_proxy=False)
    assert connections.admit_websocket(two, "a", is_proxy=False)
    assert not connections.admit_websocket(three, "b", is_proxy=False)
    connections.leave_websocket(one)
    assert connections.admit_websocket(three, "b", is_proxy=False)
    assert (connections.websockets, len(connections)) == (2, 2)


def test_short_of_descriptors_nobody_new_gets_a_place(caplog: pytest.LogCaptureFixture) -> None:
    connections = Connections(replace(LIMITS, descriptors=1))
    connections.sweep(100.0)
    connections.sweep(101.0)
    assert not opened(connections, "a", 1.0)[1]
    assert len(caplog.records) == 1


def test_what_is_overdue_is_ended() -> None:
    connections = Connections(LIMITS)
    slow, _ = opened(connections, "a", 1.0)
    quick, _ = opened(connections, "a", 1.0)
    slow.overdue = True
    connections.sweep(20.0)
    assert (slow.ended, quick.ended) == (True, False)


@pytest.mark.parametrize(
    ("descriptors", "places"),
    [(256, 16), (1024, 704), (65_536, 4096)],
    ids=["hardly any", "the usual limit", "as many as wanted"],
)
def test_places_follow_the_limit_of_descriptors(descriptors: int, places: int) -> None:
    limits = ConnectionLimits.within(descriptors)
    assert (limits.total, limits.per_address, limits.websockets) == (places, places // 2, places * 3 // 4)
