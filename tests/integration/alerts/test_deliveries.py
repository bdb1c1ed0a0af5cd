"""The outbox against a receiver that answers as it is told: tries, giving up, order, channels that are no more."""

import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from ioc.catalog.channels import WALL, Channel, load_channels
from ioc.catalog.faults import CatalogInvalid
from ioc.clock import SystemClock
from ioc.errors import SourceUnavailable
from ioc.serving import deliveries
from ioc.serving.deliveries import Deliveries
from ioc.settings import VIETNAM
from ioc.store import Store
from ioc.store.alerting import AlertStore, Letter, Writing
from tests.running import wait_for

NOW = datetime(2026, 11, 22, 1, 0, tzinfo=UTC)


class Answering:
    """Statuses in turn, the last one for ever; bodies that came."""

    def __init__(self) -> None:
        self.statuses = [200]
        self.bodies: list[str] = []
        self.authorizations: list[str] = []


@pytest.fixture
def receiver() -> Iterator[tuple[Answering, int]]:
    kept = Answering()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            kept.bodies.append(self.rfile.read(int(self.headers["Content-Length"])).decode())
            kept.authorizations.append(self.headers.get("Authorization", ""))
            status = kept.statuses[0] if len(kept.statuses) == 1 else kept.statuses.pop(0)
            self.send_response(status)
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


def letter(number: int, channel: str = "hook", lane: str = "") -> Letter:
    name = f"{channel}-{number}"
    lane = lane or f"{channel} g"
    return Letter(
        name, "transitions", lane, number, "root", "r", channel, "", NOW, (), (), "Tin", "Nội dung", f'"{name}"'
    )


Run = Callable[..., list[dict[str, object]]]


@pytest.fixture
def run(store: AlertStore, receiver: tuple[Answering, int]) -> Run:
    """Send these, and what then stands of each delivery."""

    def sent(*letters: Letter) -> list[dict[str, object]]:
        channels = {
            "hook": Channel("hook", webhook=f"http://127.0.0.1:{receiver[1]}/", token="t"),
            "away": Channel("away", webhook="http://127.0.0.1:9/"),
            "odd": Channel("odd", apprise="nothing://x"),
            "json": Channel("json", apprise=f"json://127.0.0.1:{receiver[1]}/"),
            WALL: Channel(WALL),
        }
        store.write(Writing(letters=letters), NOW)
        sender = Deliveries(store, lambda: channels, SystemClock(), timedelta(milliseconds=1))
        sender.start()
        wait_for("all deliveries", lambda: not sender.waiting, 20, 0.02)
        sender.stop()
        return store.select("SELECT id, state, attempts, reason FROM delivery_states ORDER BY id")

    return sent


def test_a_lane_goes_out_in_order_though_tries_fail(run: Run, receiver: tuple[Answering, int]) -> None:
    receiver[0].statuses = [500, 429, 200, 503, 200, 200]
    states = run(letter(1), letter(2), letter(3))
    assert [(row["state"], row["attempts"]) for row in states] == [("sent", 3), ("sent", 2), ("sent", 1)]
    assert receiver[0].bodies == ['"hook-1"'] * 3 + ['"hook-2"'] * 2 + ['"hook-3"']
    assert set(receiver[0].authorizations) == {"Bearer t"}


def test_what_is_refused_for_good_is_dead_with_the_reason_and_the_lane_goes_on(
    run: Run, receiver: tuple[Answering, int]
) -> None:
    receiver[0].statuses = [410, 200]
    first, second = run(letter(1), letter(2))
    assert (first["state"], first["attempts"], first["reason"]) == ("dead", 1, "hook refused it with 410.")
    assert second["state"] == "sent"


def test_a_receiver_that_never_answers_is_given_up(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deliveries, "MOST_TRIES", 3)
    [state] = run(letter(1, "away"))
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
    assert [row["state"] for row in run(letter(1, channel))] == [state]


def test_what_waits_is_sent_after_a_restart(run: Run, store: AlertStore, receiver: tuple[Answering, int]) -> None:
    store.write(Writing(letters=[letter(1)]), NOW)
    store.note_attempt("hook-1", 1, NOW, "failed", "away", NOW)
    [state, _] = run(letter(2))
    assert (state["state"], state["attempts"]) == ("sent", 2)
    assert receiver[0].bodies == ['"hook-1"', '"hook-2"']


def test_the_test_button_says_why_it_did_not_arrive(store: AlertStore) -> None:
    sender = Deliveries(store, lambda: {"away": Channel("away", webhook="http://127.0.0.1:9/")}, SystemClock())
    with pytest.raises(SourceUnavailable, match="away does not answer"):
        sender.try_channel("away", "thử")
    sender.stop()
    assert store.waiting() == []


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
