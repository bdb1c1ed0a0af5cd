"""The real Alertmanager as the sender to our webhook, and as the reference for the messages that we send.

The same alerts go through both: a service with the same groups takes in what Alertmanager sends, and each message of
the service must say the same in every field that Alertmanager documents for its webhook.
"""

import json
import shutil
import subprocess
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import pytest

from ioc.alert_service import external_intake
from ioc.alert_service.external_intake import receive
from ioc.api import create_app
from ioc.clock import SystemClock
from tests.support.fake_centre import PUSH_SOURCE, PUSH_TOKEN, FakeParts
from tests.support.loopback import loopback
from tests.support.restartable_alert_service import RestartableAlertService
from tests.support.running_centre import free_port, wait_for

ALERTMANAGER = shutil.which("prometheus-alertmanager") or shutil.which("alertmanager")
pytestmark = pytest.mark.skipif(ALERTMANAGER is None, reason="Alertmanager is not installed")
OURS = {"rule", "unit", "source"}
"""Labels that every alert of the centre has by itself."""

ROUTING = """
[[receiver]]
id = "capture"
name = {vi = "Thu", en = "Capture"}
channels = ["wall"]
[route]
receivers = ["capture"]
group_by = ["alertname", "team"]
group_wait = "30s"
group_interval = "5m"
"""


@pytest.fixture
def captured() -> Iterator[tuple[list[dict[str, Any]], str]]:
    """Messages that came, and the address that they came to."""
    messages: list[dict[str, Any]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            messages.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield messages, f"http://127.0.0.1:{server.server_address[1]}/"
    server.shutdown()
    thread.join()
    server.server_close()


class Alertmanager:
    """A running Alertmanager with one webhook."""

    def __init__(self, address: str) -> None:
        self.address = address

    def send(self, *alerts: Mapping[str, Any]) -> None:
        httpx.post(f"{self.address}/api/v2/alerts", json=list(alerts)).raise_for_status()


@contextmanager
def run_alertmanager(folder: Path, webhook: str, token: str = "") -> Iterator[Alertmanager]:
    credentials = f", http_config: {{authorization: {{credentials: {token}}}}}" if token else ""
    (folder / "alertmanager.yml").write_text(
        "route: {receiver: capture, group_by: [alertname, team], group_wait: 500ms, group_interval: 1s}\n"
        f"receivers: [{{name: capture, webhook_configs: [{{url: '{webhook}'{credentials}}}]}}]\n"
    )
    port = free_port()
    command = [
        str(ALERTMANAGER),
        f"--config.file={folder / 'alertmanager.yml'}",
        f"--storage.path={folder / 'alertmanager'}",
        f"--web.listen-address=127.0.0.1:{port}",
        "--cluster.listen-address=",
    ]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    running = Alertmanager(f"http://127.0.0.1:{port}")
    try:
        wait_for("Alertmanager", lambda: httpx.get(f"{running.address}/-/ready").is_success, 30)
        yield running
    finally:
        process.terminate()
        process.wait(10)


def alert(instance: str, ended: bool = False) -> dict[str, Any]:
    found = {
        "labels": {"alertname": "HostDown", "team": "net", "instance": instance, "severity": "critical"},
        "annotations": {"summary": f"Máy {instance} không trả lời", "runbook_url": "https://wiki/host-down"},
        "startsAt": "2026-11-22T23:00:00Z",
        "generatorURL": "http://prometheus/graph?g0.expr=up",
    }
    return found | ({"endsAt": datetime.now(UTC).isoformat()} if ended else {})


@pytest.fixture
def place(tmp_path: Path) -> Iterator[RestartableAlertService]:
    (tmp_path / "catalog" / "alerting").mkdir(parents=True)
    (tmp_path / "catalog" / "alerting" / "routing.toml").write_text(ROUTING)
    made = RestartableAlertService(tmp_path)
    made.tick(1, disk_free=50)
    yield made
    assert made.store is not None
    made.store.close()


def without_ours(labels: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in labels.items() if name not in OURS}


def in_common(message: Mapping[str, Any]) -> dict[str, Any]:
    """What both must say alike: all documented fields, as far as they are not each one's own (key of the group,
    addresses, fingerprints, the moment of an end)."""
    alerts = sorted(message["alerts"], key=lambda one: str(one["labels"]["instance"]))
    return {
        "version": message["version"],
        "status": message["status"],
        "receiver": message["receiver"],
        "truncatedAlerts": message["truncatedAlerts"],
        "groupLabels": message["groupLabels"],
        "commonLabels": without_ours(message["commonLabels"]),
        "commonAnnotations": message["commonAnnotations"],
        "alerts": [
            {
                "status": one["status"],
                "labels": without_ours(one["labels"]),
                "annotations": one["annotations"],
                "startsAt": datetime.fromisoformat(one["startsAt"]),
                "has_ended": not one["endsAt"].startswith("0001-01-01T00:00:00Z"),
                "generatorURL": one["generatorURL"],
            }
            for one in alerts
        ],
    }


def test_our_messages_say_what_alertmanagers_say(
    tmp_path: Path, captured: tuple[list[dict[str, Any]], str], place: RestartableAlertService
) -> None:
    theirs, address = captured
    with run_alertmanager(tmp_path, address) as running:
        running.send(alert("a"), alert("b"))
        wait_for("both firing", lambda: len(theirs) == 1, 20, 0.05)
        running.send(alert("a", ended=True))
        wait_for("one ended", lambda: len(theirs) == 2, 20, 0.05)
        running.send(alert("b", ended=True))
        wait_for("both ended", lambda: len(theirs) == 3, 20, 0.05)
    assert [message["status"] for message in theirs] == ["firing", "firing", "resolved"]
    for message in theirs:
        receive(place.service, "prom", message)
        place.tick(301, disk_free=50)
    ours = [json.loads(letter.payload) for letter in place.service.store.waiting()]
    assert list(map(in_common, ours)) == list(map(in_common, theirs))
    for messages in (ours, theirs):
        assert len({message["groupKey"] for message in messages}) == 1
        prints = [(one["labels"]["instance"], one["fingerprint"]) for one in messages[0]["alerts"]]
        for message in messages:
            assert {(one["labels"]["instance"], one["fingerprint"]) for one in message["alerts"]} <= set(prints)
    for mine, reference in zip(ours, theirs, strict=True):
        assert reference.keys() <= mine.keys()
        for one in mine["alerts"]:
            assert reference["alerts"][0].keys() <= one.keys()


def test_alertmanager_sends_to_us_and_again_when_we_were_full(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    parts = FakeParts(tmp_path, clock=SystemClock())
    app, refused = create_app(parts.centre()), threading.Event()
    monkeypatch.setattr(external_intake, "MAX_OPEN", 0)

    async def watched(scope: Any, receive: Any, send: Any) -> None:
        async def note(event: Any) -> None:
            if event["type"] == "http.response.start" and event["status"] == 503:
                refused.set()
            await send(event)

        await app(scope, receive, note)

    server = loopback()
    server.apps.append(watched)
    standing = parts.alerting.service.state.external
    address = f"{server.address}/api/v1/alerts/incoming/{PUSH_SOURCE}"
    with run_alertmanager(tmp_path, address, PUSH_TOKEN) as running:
        running.send(alert("a"), alert("b"))
        assert refused.wait(20)
        monkeypatch.undo()
        wait_for("both alerts", lambda: len(parts.alerting.service.state.external) == 2, 30, 0.05)
        standing = parts.alerting.service.state.external
        running.send(alert("a", ended=True))
        wait_for("the end of one", lambda: len(parts.alerting.service.state.external) == 1, 30, 0.05)
    assert {one.name for one in standing.values()} == {"Máy a không trả lời", "Máy b không trả lời"}
    assert all(one.link.startswith("http://prometheus/") for one in standing.values())
    server.apps.remove(watched)
