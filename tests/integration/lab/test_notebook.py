"""The notebook and the examples of the documentation, run against a lab that runs here.

The code cells of the notebook run as they stand, without nbclient and a kernel: what they print and do is the same.
"""

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import uvicorn
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Receive, Scope, Send

from ioc.api.auth.forwarded import signed_headers
from ioc.clock import FixedClock
from ioc.lab.app import create_lab_app
from ioc.lab.context import LabContext
from ioc.lab.job_process import JobProcess
from ioc.lab.publishing.publish import MINUTES, published_dir
from ioc.lab.quack.service import QuackService
from ioc.lab.sql_service import SqlService
from ioc.model.person import NOBODY, Role
from ioc.people import People
from ioc.store.snapshot import current
from tests.integration.lab.publication import published
from tests.support.documented_examples import check, examples

DOCS = Path(__file__).parents[3] / "docs"
NOTEBOOK = DOCS / "phan-tich.ipynb"
NOW = datetime(2026, 11, 23, 2, 0, tzinfo=UTC)
_RUN = """
import json, sys
space = {}
for cell in json.load(open(sys.argv[1]))["cells"]:
    if cell["cell_type"] == "code":
        exec(compile("".join(cell["source"]), cell["id"], "exec"), space)
"""


class Forwarding:
    """Says who the caller is, as the centre does before it forwards; without a token nobody is."""

    def __init__(self, lab: ASGIApp, people: People, key: str) -> None:
        self._lab = lab
        self._people = people
        self._key = key

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            token = Headers(scope=scope).get("authorization", "").removeprefix("Bearer ")
            caller = self._people.tokens.caller_of(token) or NOBODY
            headers = MutableHeaders(scope=scope)
            headers.update(signed_headers(self._key, caller.name, caller.permissions))
        await self._lab(scope, receive, send)


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """The notebook's environment."""
    settings, _ = published(tmp_path_factory.mktemp("data"))
    clock = FixedClock(NOW)
    people = People.open(settings.people_path, clock)
    people.accounts.add("lan", "Lan", Role.ANALYST, "mật khẩu đủ dài")
    asking = SqlService.of(settings, clock)
    door = QuackService(settings, clock, asking.published_path, published_dir(settings) / MINUTES)
    parts = LabContext(
        settings, clock, lambda: current(settings.snapshots_dir), JobProcess(), asking=asking, quack=door
    )
    server = uvicorn.Server(
        uvicorn.Config(
            Forwarding(create_lab_app(parts), people, settings.lab_key()),
            port=0,
            loop="asyncio",
            log_config=None,
            lifespan="on",
        )
    )
    thread = threading.Thread(target=server.run)
    thread.start()
    until = time.monotonic() + 30
    while not (server.started and door.address()):
        assert time.monotonic() < until
        time.sleep(0.02)
    port = server.servers[0].sockets[0].getsockname()[1]
    token, _ = people.tokens.make("lan", timedelta(days=1))
    yield {"IOC_ADDRESS": f"http://127.0.0.1:{port}", "IOC_TOKEN": token}
    server.should_exit = True
    thread.join()


def test_the_notebook_runs(lab: dict[str, str]) -> None:
    done = subprocess.run(
        [sys.executable, "-c", _RUN, str(NOTEBOOK)],
        env=os.environ | lab,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "Số liệu chụp lúc 2026-11-23T02:00:00" in done.stdout
    assert "10/2026   92.0 %  210 hồ sơ" in done.stdout
    assert "µg/m³" in done.stdout


def test_the_documented_api_of_the_lab(lab: dict[str, str], tmp_path: Path) -> None:
    """The examples of docs/api.md on analysis; tests/acceptance runs the others."""
    variables = {"PATH": os.environ["PATH"], "IOC": lab["IOC_ADDRESS"], "TOKEN": lab["IOC_TOKEN"]}
    shown = [one for one in examples(DOCS / "api.md") if one.section == "Analysis"]
    assert len(shown) >= 4
    for example in shown:
        assert check(example, variables, tmp_path) == [], f"docs/api.md:{example.line}"


def test_the_notebook_is_kept_without_outputs() -> None:
    cells = json.loads(NOTEBOOK.read_text())["cells"]
    assert all(cell["outputs"] == [] for cell in cells if cell["cell_type"] == "code")
