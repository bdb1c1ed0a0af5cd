"""Commands that call the running centre: its answer, its refusal, or one sentence that none answers."""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from ioc.broker.ports import any_free
from ioc.commands.centre_client import NoCentreRuns, call_centre
from ioc.errors import IocError
from ioc.settings import Settings


class Centre(BaseHTTPRequestHandler):
    """Answers by path; /echo gives what it was sent."""

    def do_POST(self) -> None:
        sent = self.rfile.read(int(self.headers["Content-Length"]))
        answers = {
            "/echo": (200, sent),
            "/refused": (422, b'{"detail": "days is not a number."}'),
            "/broken": (502, b"<html>Bad gateway</html>"),
            "/list": (500, b"[]"),
        }
        status, body = answers[self.path] if self.headers["Authorization"] == "Bearer t" else (401, b"{}")
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    server = HTTPServer(("127.0.0.1", 0), Centre)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield server.server_port
    server.shutdown()
    server.server_close()
    thread.join()


def settings(port: int) -> Settings:
    return Settings(Path("none"), http_port=port, configured_admin_token="t")


def test_the_answer_is_returned(port: int) -> None:
    assert call_centre(settings(port), "POST", "/echo", {"days": 3}) == {"days": 3}


@pytest.mark.parametrize(
    ("path", "sentence"),
    [
        pytest.param("/refused", "days is not a number.", id="the centre's own sentence"),
        pytest.param("/broken", "The centre answered 502: <html>Bad gateway</html>", id="a proxy's page"),
        pytest.param("/list", "The centre answered 500: []", id="no detail"),
    ],
)
def test_a_refusal_is_one_sentence(port: int, path: str, sentence: str) -> None:
    with pytest.raises(IocError) as refused:
        call_centre(settings(port), "POST", path, {})
    assert str(refused.value) == sentence


def test_without_a_centre_the_address_is_named() -> None:
    port = any_free()
    with pytest.raises(NoCentreRuns, match=f"does not answer at http://127.0.0.1:{port}/api/v1/ledger"):
        call_centre(settings(port), "GET", "/api/v1/ledger")
