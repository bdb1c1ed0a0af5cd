"""The app under the real server, on a free port of loopback, in a thread."""

import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from ioc.api import create_app
from ioc.api.http.connections import ConnectionLimits
from ioc.api.server import configured
from ioc.clock import SystemClock
from ioc.http_listener import listen
from tests.support.fake_centre import FakeParts


@pytest.fixture
def parts(tmp_path: Path) -> FakeParts:
    return FakeParts(tmp_path, clock=SystemClock())


@pytest.fixture
def run_server() -> Iterator[Callable[..., int]]:
    """Call it with a centre's parts for the port of a running server; also with a websocket protocol other than ours,
    or limits of connections."""
    running = []

    def run(parts: FakeParts, ws: str = "", limits: ConnectionLimits | None = None) -> int:
        listener = listen("127.0.0.1", 0)
        centre = parts.centre()
        server = configured(create_app(centre), limits=limits, metrics=centre.metrics)
        if ws:
            server.config.ws = ws
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        port = int(listener.getsockname()[1])
        thread.start()
        running.append((server, thread))
        while not server.started:
            time.sleep(0.01)
        return port

    yield run
    for server, thread in running:
        server.should_exit = True
        began = time.monotonic()
        thread.join(10)
        assert time.monotonic() - began < 3, "the server did not stop within 3 s"


@pytest.fixture
def port(parts: FakeParts, run_server: Callable[..., int]) -> int:
    return run_server(parts)
