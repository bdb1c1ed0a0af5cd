"""Sector systems for the tests: they use the real protocols, keep their data, and fail on request."""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
import threading
import time
import uuid
from abc import ABC, abstractmethod
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import paho.mqtt.client as paho
import pytest
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion

from tests.integration.connectors.mqtt_server import serve_mqtt
from tests.support.connect_process import Sources
from tests.support.preloaded import FORKED
from tests.support.running_centre import free_port

Record = dict[str, Any]
HEAD = 'name = { vi = "Thử", en = "Test" }\nexpected_every = "1m"\n'


class SectorSystem(ABC):
    """What the conformance suite asks of the other side of a connector."""

    notices_absence = True
    """Whether the connector can know that the system is gone."""
    forgets = ""
    """Why the system cannot give again what a killed connector had not acknowledged."""

    def __init__(self, directory: Path, sources: Sources, source: str) -> None:
        self.directory = directory
        self.sources = sources
        self.source = source

    @abstractmethod
    def configuration(self) -> str: ...
    @abstractmethod
    def give(self, records: list[Record]) -> None:
        """Hand over records; a system that expects an acknowledgement repeats until it comes."""

    @abstractmethod
    def give_again(self) -> None:
        """Send the last records again, like a system that received no acknowledgement."""

    def start(self) -> None:  # noqa: B027  not every system has one
        pass

    def stop(self) -> None:  # noqa: B027  not every system has one
        pass

    def go_away(self) -> None:  # noqa: B027  not every system has one
        pass

    def come_back(self) -> None:  # noqa: B027  not every system has one
        pass


class Pusher(SectorSystem):
    """Pushes, and repeats what was not answered, as a good client does: same key, same body."""

    notices_absence = False

    def configuration(self) -> str:
        return HEAD + 'kind = "http_push"\n'

    def give(self, records: list[Record]) -> None:
        self._last = (uuid.uuid4().hex, json.dumps(records))
        self._push()

    def give_again(self) -> None:
        self._last = (uuid.uuid4().hex, self._last[1])
        self._push()

    def _push(self) -> None:
        key, body = self._last
        deadline = time.monotonic() + 40
        while time.monotonic() < deadline:
            try:
                address = f"http://127.0.0.1:{self.sources.port}/{self.source}"
                headers = {"content-type": "application/json", "idempotency-key": key}
                answer = httpx.post(address, content=body, headers=headers, timeout=20)
                if answer.status_code == 202:
                    return
            except httpx.HTTPError:
                pass
            time.sleep(0.1)
        raise AssertionError("the push was not answered")


class RestServer(SectorSystem):
    """Rows behind `GET /rows?since=&offset=&limit=`; `wrong` makes it answer otherwise."""

    wrong = ""

    def configuration(self) -> str:
        return HEAD + (
            f'kind = "http_poll"\n[poll]\nurl = "http://127.0.0.1:{self.port}/rows"\nevery = "200ms"\n'
            'items = "data.rows"\ntimeout = "2s"\nsince = { field = "time", overlap = "1m", start = "7d" }\n'
            'paging = { kind = "offset", parameter = "offset", size_parameter = "limit", size = 10 }\n'
        )

    def start(self) -> None:
        self.port = free_port()
        self.rows: list[Record] = []
        self.come_back()

    def stop(self) -> None:
        self.go_away()

    def give(self, records: list[Record]) -> None:
        self.rows = [*self.rows, *records]

    def give_again(self) -> None:
        """It always does: the overlap is asked for again and again."""

    def go_away(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def come_back(self) -> None:
        system = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                system.answer(self)

            def log_message(self, *_: object) -> None: ...

        self._server = ThreadingHTTPServer(("127.0.0.1", self.port), Handler)
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()

    def answer(self, request: BaseHTTPRequestHandler) -> None:
        if self.wrong == "500":
            request.send_error(500)
            return
        if self.wrong == "loop":
            request.send_response(302)
            request.send_header("Location", request.path)
            request.end_headers()
            return
        query = {name: values[0] for name, values in parse_qs(urlsplit(request.path).query).items()}
        rows = [row for row in self.rows if row.get("time", "9") >= query["since"]]
        offset, limit = int(query["offset"]), int(query["limit"])
        body = json.dumps({"data": {"rows": rows[offset : offset + limit]}}).encode()
        body = {"html": b"<html>Dang bao tri</html>", "empty": b"", "no list": b'{"data": 1}'}.get(self.wrong, body)
        request.send_response(200)
        request.send_header("Content-Length", str(len(body) + (10 if self.wrong == "truncated" else 0)))
        request.end_headers()
        request.wfile.write(body)


class Agency(SectorSystem):
    """Leaves CSV files in a folder."""

    def configuration(self) -> str:
        return HEAD + (
            f'kind = "file_drop"\n[file]\ndirectory = "{self.directory / "inbox"}"\nevery = "100ms"\nrest = "200ms"\n'
            '[mapping]\nmeasure = "Chỉ số"\nunit = "Mã xã"\ntime = { from = "Thời gian", format = "rfc3339" }\n'
            'value = "Giá trị"\nsubject = "Trạm"\n'
        )

    def start(self) -> None:
        (self.directory / "inbox").mkdir(parents=True)
        self._count = 0

    def give(self, records: list[Record]) -> None:
        columns = ("measure", "unit", "time", "value", "subject")
        lines = [";".join(str(record.get(name, "")) for name in columns) for record in records]
        self._last = "\n".join(["\ufeffChỉ số;Mã xã;Thời gian;Giá trị;Trạm", *lines, ""])
        self.give_again()

    def give_again(self) -> None:
        self._count += 1
        draft = self.directory / "inbox" / ".draft"
        draft.write_text(self._last, encoding="utf-8")
        draft.replace(self.directory / "inbox" / f"bàn giao {self._count:03}.csv")

    def go_away(self) -> None:
        (self.directory / "inbox").rename(self.directory / "unmounted")
        (self.directory / "inbox").write_text("no folder")

    def come_back(self) -> None:
        (self.directory / "inbox").unlink()
        (self.directory / "unmounted").rename(self.directory / "inbox")


class MqttSystem(SectorSystem):
    """A server, and a publisher that waits for each acknowledgement of the server."""

    version = "5"

    def configuration(self) -> str:
        return HEAD + (
            f'kind = "mqtt"\n[mqtt]\nhost = "127.0.0.1"\nport = {self.port}\nversion = "{self.version}"\n'
            f'client_id = "{self.source}"\ntopic = "đo/{{unit}}/{{measure}}/{{subject}}"\n'
        )

    def start(self) -> None:
        self.port = free_port()
        self.come_back()

    def stop(self) -> None:
        self.go_away()

    @abstractmethod
    def come_back(self) -> None: ...

    def give(self, records: list[Record]) -> None:
        self._last = records
        client = paho.Client(CallbackAPIVersion.VERSION2, protocol=MQTTProtocolVersion.MQTTv311)
        client.connect("127.0.0.1", self.port)
        client.loop_start()
        try:
            for record in records:
                topic = f"đo/{record['unit']}/{record['measure']}/{record.get('subject', '')}"
                body = json.dumps({name: record[name] for name in ("time", "value") if name in record})
                client.publish(topic, body, qos=1).wait_for_publish(10)
        finally:
            client.disconnect()
            client.loop_stop()

    def give_again(self) -> None:
        self.give(self._last)


class Mosquitto(MqttSystem):
    def come_back(self) -> None:
        binary = shutil.which("mosquitto", path="/usr/sbin:/usr/local/sbin:/usr/bin:/usr/local/bin")
        if binary is None:
            pytest.skip("mosquitto is not installed (apt install mosquitto)")
        home = self.directory / "mosquitto"
        home.mkdir(parents=True, exist_ok=True)
        settings = f"listener {self.port} 127.0.0.1\nallow_anonymous true\npersistence true\n"
        settings += f"persistence_location {home}/\nautosave_interval 1\nautosave_on_changes true\nuser root\n"
        (home / "mosquitto.conf").write_text(settings)
        self._process = subprocess.Popen(
            [binary, "-c", str(home / "mosquitto.conf")], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        _wait_for_port(self.port)

    def go_away(self) -> None:
        self._process.terminate()
        self._process.wait(10)


class MosquittoOf311(Mosquitto):
    version = "3.1.1"


def _wait_for_port(port: int) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        try:
            socket.create_connection(("127.0.0.1", port), 0.2).close()
            return
        except OSError:
            time.sleep(0.05)
    raise AssertionError(f"nothing listens on {port}")


class Amqtt(MqttSystem):
    """The server of the demonstration province, MQTT 3.1.1, in a process of its own."""

    version = "3.1.1"
    forgets = "amqtt 0.12 drops a session with its connection, and what was not acknowledged in it"

    def come_back(self) -> None:
        self._process = FORKED.Process(target=serve_mqtt, args=(self.port,), daemon=True)
        self._process.start()
        _wait_for_port(self.port)

    def go_away(self) -> None:
        self._process.kill()
        self._process.join(10)
