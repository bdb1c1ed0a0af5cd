"""Killed repeatedly, with a receiver that fails half the time: each transition is sent once per channel."""

import pickle
import random
import signal
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import orjson
import pytest

from ioc.alert_service.definitions import AlertDefinitions
from ioc.alert_service.notification_text import NotificationWriter
from ioc.alerts.inputs import Needs
from ioc.catalog import load
from ioc.catalog.channels import Channel
from ioc.catalog.routing import load_routing
from ioc.catalog.rules import Rules, check_rule
from ioc.settings import VIETNAM
from ioc.store import Store
from tests.integration.alerts.ticking import KPIS, live, open_service, tick_on
from tests.support.preloaded import FORKED

ROUTING = """
[[template]]
id = "plain"
subject = { vi = "{firing}", en = "{firing}" }
line = { vi = "{name}", en = "{name}" }

[[receiver]]
id = "first"
name = { vi = "Một", en = "One" }
channels = ["one", "two"]
template = "plain"

[route]
receivers = ["first"]
group_by = ["rule"]
group_wait = "2s"
group_interval = "5s"
repeat_interval = "4h"
"""


@dataclass
class Receiver:
    """Keeps what it was sent by channel, also what it then answered with 500, as a receiver that dies half-way."""

    seen: dict[str, list[dict[str, Any]]] = field(default_factory=lambda: {"one": [], "two": []})
    chance: random.Random = field(default_factory=lambda: random.Random(3))
    lock: threading.Lock = field(default_factory=threading.Lock)
    failed: int = 0


@pytest.fixture
def receiver() -> Iterator[tuple[Receiver, int]]:
    kept = Receiver()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = orjson.loads(self.rfile.read(int(self.headers["Content-Length"])))
            assert self.headers["X-IOC-Delivery"] == body["id"]
            with kept.lock:
                fails, takes = kept.chance.random() < 0.5, kept.chance.random() < 0.5
                if takes or not fails:
                    kept.seen[self.path[1:]].append(body)
                kept.failed += fails
            self.send_response(500 if fails else 200)
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


def definitions(folder: Path, port: int) -> AlertDefinitions:
    catalog = load("46")
    rules = {}
    for number, kpi in enumerate(KPIS):
        fields = {
            "id": f"rule-{number}",
            "name": {"vi": "Cao", "en": "High"},
            "kpi": kpi,
            "fires_above": 50,
            "units": "communes",
            "severity": "high",
        }
        rules[f"rule-{number}"] = check_rule(catalog, {}, fields)
    (folder / "alerting").mkdir(parents=True)
    (folder / "alerting" / "routing.toml").write_text(ROUTING)
    channels = {name: Channel(name, webhook=f"http://127.0.0.1:{port}/{name}") for name in ("one", "two")}
    alerting, listed = load_routing(folder, channels), Rules(rules, {}, {})
    wording = NotificationWriter(catalog, listed, alerting, VIETNAM, "")
    return AlertDefinitions(catalog, listed, alerting, channels, Needs.of(rules.values()), wording)


def transitions(folder: Path) -> list[tuple[str, str]]:
    """(id, kind) in their order."""
    store = Store.open(folder / "ioc.duckdb", folder / "archive", zone=VIETNAM)
    with store.cursor() as cursor:
        rows = cursor.execute("SELECT id, kind FROM alert_transitions ORDER BY number").fetchall()
        [(waiting,)] = cursor.execute("SELECT count(*) FROM delivery_states WHERE state <> 'sent'").fetchall()
    store.close()
    assert waiting == 0
    return rows


@pytest.mark.slow
@pytest.mark.parametrize(
    ("kills", "changing", "least"),
    [
        pytest.param(2, 26, 800, id="2 kills"),
        pytest.param(20, 260, 10_000, id="20 kills", marks=pytest.mark.soak),
    ],
)
def test_killed_again_and_again(
    tmp_path: Path, receiver: tuple[Receiver, int], kills: int, changing: int, least: int
) -> None:
    """Values move in `changing` ticks."""
    kept, port = receiver
    in_force = definitions(tmp_path / "catalog", port)
    killed, plain = tmp_path / "killed", tmp_path / "plain"
    killed.mkdir()
    (killed / "in_force.pickle").write_bytes(pickle.dumps(in_force))
    chance = random.Random(1)
    for number in range(kills + 1):
        ticking, told = FORKED.Pipe(duplex=False)
        child = FORKED.Process(target=live, args=(killed, changing, told))
        child.start()
        told.close()
        assert ticking.recv()
        if number < kills:
            time.sleep(chance.uniform(0.02, 0.45))
            child.kill()
        child.join(180)
        assert child.exitcode == (-signal.SIGKILL if number < kills else 0)
        ticking.close()

    # The same without a kill, and without sending, gives the same transitions.
    store, service, clock = open_service(plain, in_force)
    tick_on(service, clock, changing)
    expected = [
        (one["id"], one["kind"]) for one in service.store.select("SELECT * FROM alert_transitions ORDER BY number")
    ]
    notifications = {notification.id for notification in service.store.waiting()}
    store.close()
    found = transitions(killed)
    assert found == expected
    assert len(found) >= least
    assert kept.failed > 2

    to_tell = {name for name, kind in expected if kind in ("firing", "resolved")}
    for messages in kept.seen.values():
        once = {message["id"]: message for message in messages}
        assert once.keys() <= notifications
        told = [name for message in once.values() for alert in message["alerts"] for name in alert["transitions"]]  # type: ignore[assignment]
        assert len(told) == len(set(told)), "a transition was told twice"  # type: ignore[arg-type,call-overload]
        assert set(told) == to_tell  # type: ignore[call-overload]
        order: dict[str, list[str]] = {}
        for message in once.values():
            for alert in message["alerts"]:
                order.setdefault(alert["fingerprint"], []).append(alert["status"])
        # The end comes once and last; before it the alert is listed with each message of its group.
        assert all("resolved" not in listed[:-1] for listed in order.values())
