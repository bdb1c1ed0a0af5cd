"""The outbox against a receiver with given answers: tries, giving up, order, channels that no longer exist."""

import json
import socket
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from ioc.catalog.channels import WALL, Channel, load_channels
from ioc.catalog.toml_table import CatalogInvalid
from ioc.clock import FixedClock, SystemClock
from ioc.errors import SourceUnavailable
from ioc.messages import Message
from ioc.server import channel_sender, outbox_sender
from ioc.server.channel_sender import NotDelivered, Undeliverable, check_answer
from ioc.server.channel_state import ChannelState
from ioc.server.outbox_sender import OutboxSender
from ioc.settings import VIETNAM
from ioc.store import Store
from ioc.store.alerting import AlertStore, AlertWrite, Notification
from tests.support.running_centre import wait_for

NOW = datetime(2026, 11, 22, 1, 0, tzinfo=UTC)


class Answering:
    """Statuses in turn, the last one for ever, with these headers; bodies and paths that came. Paths of `moved` answer
    with a status and another address."""

    def __init__(self) -> None:
        self.statuses = [200]
        self.headers: dict[str, str] = {}
        self.moved: dict[str, tuple[int, str]] = {}
        self.bodies: list[str] = []
        self.paths: list[str] = []
        self.authorizations: list[str] = []


@pytest.fixture
def receiver() -> Iterator[tuple[Answering, int]]:
    kept = Answering()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            kept.authorizations.append(self.headers.get("Authorization", ""))
            kept.paths.append(self.path)
            if self.path in kept.moved:
                status, address = kept.moved[self.path]
                self.send_response(status)
                self.send_header("Location", address)
                self.end_headers()
                return
            kept.bodies.append(body)
            status = kept.statuses[0] if len(kept.statuses) == 1 else kept.statuses.pop(0)
            self.send_response(status)
            for name, value in kept.headers.items():
                self.send_header(name, value)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield kept, server.server_address[1]
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def store(tmp_path: Path) -> Iterator[AlertStore]:
    opened = Store.open(tmp_path / "ioc.duckdb", tmp_path / "archive", zone=VIETNAM)
    yield AlertStore(opened)
    opened.close()


def notification(number: int, channel: str = "hook", lane: str = "") -> Notification:
    name = f"{channel}-{number}"
    lane = lane or f"{channel} g"
    return Notification(
        name, "transitions", lane, number, "root", "r", channel, "", NOW, (), (), "Tin", "Nội dung", f'"{name}"'
    )


Run = Callable[..., list[dict[str, object]]]


@pytest.fixture
def run(store: AlertStore, receiver: tuple[Answering, int]) -> Run:
    """Send these, and what then stands of each delivery."""

    def sent(*notifications: Notification) -> list[dict[str, object]]:
        channels = {
            "hook": Channel("hook", webhook=f"http://127.0.0.1:{receiver[1]}/", token="t"),
            "away": Channel("away", webhook="http://127.0.0.1:9/"),
            "odd": Channel("odd", apprise="nothing://x"),
            "json": Channel("json", apprise=f"json://127.0.0.1:{receiver[1]}/"),
            WALL: Channel(WALL),
        }
        store.write(AlertWrite(notifications=notifications), NOW)
        sender = OutboxSender(store, lambda: channels, SystemClock(), timedelta(milliseconds=1))
        sender.start()
        wait_for("all deliveries", lambda: not sender.waiting, 20, 0.02)
        sender.stop()
        return store.select("SELECT id, state, attempts, reason, code, params FROM delivery_states ORDER BY id")

    return sent


def test_a_lane_goes_out_in_order_though_tries_fail(run: Run, receiver: tuple[Answering, int]) -> None:
    receiver[0].statuses = [500, 429, 200, 503, 200, 200]
    states = run(notification(1), notification(2), notification(3))
    assert [(row["state"], row["attempts"]) for row in states] == [("sent", 3), ("sent", 2), ("sent", 1)]
    assert receiver[0].bodies == ['"hook-1"'] * 3 + ['"hook-2"'] * 2 + ['"hook-3"']
    assert set(receiver[0].authorizations) == {"Bearer t"}


def test_what_is_refused_for_good_is_dead_with_the_reason_and_the_lane_goes_on(
    run: Run, receiver: tuple[Answering, int]
) -> None:
    receiver[0].statuses = [410, 200]
    first, second = run(notification(1), notification(2))
    assert (first["state"], first["attempts"], first["reason"]) == ("dead", 1, "hook refused it with 410.")
    assert second["state"] == "sent"


def test_a_receiver_that_never_answers_is_given_up(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outbox_sender, "MAX_TRIES", 3)
    [state] = run(notification(1, "away"))
    assert (state["state"], state["attempts"]) == ("dead", 3)
    assert str(state["reason"]).startswith("Given up after 3 tries: away does not answer")


@pytest.mark.parametrize(
    ("channel", "state"),
    [
        pytest.param(WALL, "sent", id="the wall has it already"),
        pytest.param("gone", "dead", id="a channel that is no more"),
        pytest.param("odd", "dead", id="an address that Apprise does not know"),
        pytest.param("json", "sent", id="by Apprise"),
    ],
)
def test_kinds_of_channels(run: Run, channel: str, state: str) -> None:
    assert [row["state"] for row in run(notification(1, channel))] == [state]


def test_what_waits_is_sent_after_a_restart(run: Run, store: AlertStore, receiver: tuple[Answering, int]) -> None:
    store.write(AlertWrite(notifications=[notification(1)]), NOW)
    store.note_attempt("hook-1", 1, NOW, "failed", "away", NOW)
    [state, _] = run(notification(2))
    assert (state["state"], state["attempts"]) == ("sent", 2)
    assert receiver[0].bodies == ['"hook-1"', '"hook-2"']


def test_the_test_button_says_why_it_did_not_arrive(store: AlertStore) -> None:
    sender = OutboxSender(store, lambda: {"away": Channel("away", webhook="http://127.0.0.1:9/")}, SystemClock())
    with pytest.raises(SourceUnavailable, match="away does not answer"):
        sender.try_channel("away", "thử")
    sender.stop()
    assert store.waiting() == []


@pytest.fixture
def silent() -> Iterator[int]:
    """The port of a receiver that takes connections and never answers."""
    listener = socket.create_server(("127.0.0.1", 0), backlog=100)
    yield listener.getsockname()[1]
    listener.close()


def test_a_receiver_that_never_answers_delays_no_other_channel(
    store: AlertStore, receiver: tuple[Answering, int], silent: int
) -> None:
    """24 groups wait for a dead receiver when an alert for a healthy one comes."""
    channels = {
        "dead": Channel("dead", webhook=f"http://127.0.0.1:{silent}/"),
        "hook": Channel("hook", webhook=f"http://127.0.0.1:{receiver[1]}/"),
    }
    groups = [notification(n, "dead", f"dead g{n}") for n in range(24)]
    store.write(AlertWrite(notifications=groups), NOW)
    sender = OutboxSender(store, lambda: channels, SystemClock())
    sender.start()
    wait_for("tries with the dead receiver", lambda: len(sender._busy) == 4, 5, 0.02)
    late = notification(1)
    store.write(AlertWrite(notifications=[late]), NOW)
    sender.add([late])
    wait_for("the healthy channel's message", lambda: receiver[0].bodies, 5, 0.02)
    assert sender.waiting >= 24
    for pool in sender._pools.values():
        pool.shutdown(wait=False, cancel_futures=True)
    sender._thread.stop(5)


def test_a_try_is_limited_as_a_whole_and_then_the_channel_is_tried_with_one_message(
    store: AlertStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A receiver that sends a byte now and then keeps every single read short of its limit."""
    monkeypatch.setattr(channel_sender, "TRY_WITHIN_S", 0.3)
    done = threading.Event()

    class Drips(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.wfile.write(b"HTTP/1.1 200 OK\r\nX-Slow: ")
            while not done.wait(0.05):
                try:
                    self.wfile.write(b"a")
                except OSError:
                    return

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Drips)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    channels = {"slow": Channel("slow", webhook=f"http://127.0.0.1:{server.server_address[1]}/")}
    store.write(AlertWrite(notifications=[notification(n, "slow", f"slow g{n}") for n in range(9)]), NOW)
    sender = OutboxSender(store, lambda: channels, SystemClock())
    sender.start()
    wait = wait_for("the state of the channel", lambda: sender.waits().get("slow"), 10, 0.02)
    assert (wait.code, wait.said.text) == ("no_answer", "slow did not answer within 0 s.")
    sender.stop()
    done.set()
    server.shutdown()
    thread.join()
    server.server_close()
    tried = store.select("SELECT count(*) AS n FROM delivery_attempts")[0]["n"]
    assert 1 <= tried <= 5


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_a_redirect_within_the_server_is_followed(run: Run, receiver: tuple[Answering, int], status: int) -> None:
    receiver[0].moved = {"/": (status, "/alerts/v4")}
    assert [row["state"] for row in run(notification(1))] == ["sent"]
    assert receiver[0].paths == ["/", "/alerts/v4"]
    assert receiver[0].bodies == ['"hook-1"']
    assert receiver[0].authorizations == ["Bearer t", "Bearer t"]


def test_a_redirect_to_another_server_is_not_followed(run: Run, receiver: tuple[Answering, int]) -> None:
    receiver[0].moved = {"/": (307, f"http://localhost:{receiver[1]}/elsewhere")}
    [state] = run(notification(1))
    assert (state["state"], receiver[0].paths) == ("dead", ["/"])
    assert "redirects to another server, http://localhost" in str(state["reason"])


def test_redirects_in_a_circle_end(run: Run, receiver: tuple[Answering, int]) -> None:
    receiver[0].moved = {"/": (308, "/")}
    [state] = run(notification(1))
    assert (state["state"], len(receiver[0].paths)) == ("dead", 6)


def test_an_address_that_is_missing_for_a_moment_is_tried_again(run: Run, receiver: tuple[Answering, int]) -> None:
    receiver[0].statuses = [404, 200]
    assert [(row["state"], row["attempts"]) for row in run(notification(1))] == [("sent", 2)]


def test_an_address_that_stays_missing_is_given_up_early(run: Run, receiver: tuple[Answering, int]) -> None:
    receiver[0].statuses = [404]
    [state] = run(notification(1))
    assert (state["state"], state["attempts"]) == ("dead", 5)
    assert state["reason"] == "Given up after 5 tries: hook answered 404."
    assert state["code"] == "delivery_answered"
    assert json.loads(str(state["params"])) == {"channel": "hook", "status": 404}


def test_a_receiver_that_asks_to_wait_is_left_alone_for_so_long(
    store: AlertStore, receiver: tuple[Answering, int]
) -> None:
    receiver[0].statuses, receiver[0].headers = [429, 200], {"Retry-After": "5"}
    clock = FixedClock(NOW)
    channels = {"hook": Channel("hook", webhook=f"http://127.0.0.1:{receiver[1]}/")}
    store.write(AlertWrite(notifications=[notification(1), notification(2, lane="hook other")]), NOW)
    sender = OutboxSender(store, lambda: channels, clock)
    sender._deliver(sender._due()[0])
    sender._busy.clear()
    [tried] = store.select("SELECT next_at FROM delivery_attempts")
    assert tried["next_at"].replace(tzinfo=UTC) == NOW + timedelta(seconds=5)
    assert sender.waits()["hook"].code == "asked_to_wait"
    clock.moment = NOW + timedelta(seconds=4.9)
    assert sender._due() == []
    clock.moment = NOW + timedelta(seconds=5)
    assert [one.id for one in sender._due()] == ["hook-1", "hook-2"] or len(sender._busy) == 2
    sender.stop()


@pytest.mark.parametrize(
    ("status", "headers", "wait_s", "tries"),
    [
        pytest.param(500, {}, 0, None, id="a fault of the receiver"),
        pytest.param(429, {"retry-after": "5"}, 5, None, id="too many, with seconds"),
        pytest.param(503, {"retry-after": "Sun, 22 Nov 2026 01:02:00 GMT"}, 120, None, id="later, with a date"),
        pytest.param(503, {"retry-after": "soon"}, 0, None, id="an unreadable wish"),
        pytest.param(503, {"retry-after": "99999999"}, 3600, None, id="a wish of more than an hour"),
        pytest.param(404, {}, 0, 5, id="no such address"),
        pytest.param(401, {}, 0, 5, id="a token that may be changed"),
    ],
)
def test_answers_after_which_another_try_may_help(
    status: int, headers: dict[str, str], wait_s: float, tries: int | None
) -> None:
    with pytest.raises(NotDelivered) as failed:
        check_answer("hook", status, headers, NOW)
    assert (failed.value.retry_in_s, failed.value.max_tries, failed.value.is_away) == (wait_s, tries, False)


@pytest.mark.parametrize("status", [303, 400, 410, 413, 422])
def test_answers_after_which_no_try_helps(status: int) -> None:
    with pytest.raises(Undeliverable):
        check_answer("hook", status, {}, NOW)


def test_the_pauses_of_a_channel_grow_while_nobody_answers() -> None:
    state, pauses = ChannelState(), []
    for _ in range(8):
        state = state.after_failure(NotDelivered(Message.of("away"), is_away=True), NOW)
        assert state.paused_until is not None
        pauses.append((state.paused_until - NOW).total_seconds())
    assert pauses == [1, 2, 4, 8, 16, 32, 60, 60]
    assert state.away_since == NOW
    assert state.after_failure(NotDelivered(Message.of("500")), NOW) == ChannelState()


@pytest.mark.parametrize(
    ("text", "field"),
    [
        pytest.param('[[channel]]\nid = "a"', "webhook", id="no address"),
        pytest.param('[[channel]]\nid = "a"\nwebhook = "ftp://x"', "webhook", id="no web address"),
        pytest.param('[[channel]]\nid = "wall"\nwebhook = "http://x"', "id", id="the wall's name"),
        pytest.param('[[channel]]\nid = "a"\nwebhook = "http://x"\nport = 1', "port", id="an unknown field"),
    ],
)
def test_a_file_of_channels_with_a_fault(tmp_path: Path, text: str, field: str) -> None:
    path = tmp_path / "channels.toml"
    path.write_text(text)
    with pytest.raises(CatalogInvalid) as invalid:
        load_channels(path)
    assert f"channel[0].{field}" in [fault.field for fault in invalid.value.faults]
