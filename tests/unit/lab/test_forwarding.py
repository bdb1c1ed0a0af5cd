"""Forwarding from the centre to the lab's socket: identity, what is passed through, a lab that is away."""

import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI, Request
from fastapi.responses import StreamingResponse

from ioc.api import create_app
from ioc.api.auth.permissions import TABLE
from ioc.api.routes.lab_proxy import FORWARDED
from ioc.lab.caller import caller_of
from ioc.lab.server import configured, listen
from ioc.model.person import Role
from tests.support.fake_centre import ADMIN, FakeParts

PIECE = b"x" * 65536


def lab() -> FastAPI:
    app = FastAPI()

    @app.get("/api/v1/lab")
    async def state(request: Request) -> dict[str, object]:
        caller = caller_of(request)
        return {"name": caller.name, "permissions": sorted(caller.permissions), "headers": dict(request.headers)}

    @app.post("/api/v1/sql")
    async def sql(request: Request) -> dict[str, object]:
        return {"body": (await request.body()).decode(), "query": str(request.url.query)}

    @app.get("/api/v1/lab/queries/{query}/result")
    async def result(query: str) -> StreamingResponse:
        return StreamingResponse((PIECE for _ in range(50)), headers={"Content-Disposition": f"attachment; {query}"})

    @app.get("/api/v1/lab/history")
    async def fails() -> None:
        raise OverflowError("Python int too large to convert to SQLite INTEGER")

    @app.get("/api/v1/lab/queries/{query}/rows")
    async def breaks_off(query: str) -> StreamingResponse:
        def pieces() -> Iterator[bytes]:
            yield b'{"rows": [[1],'
            raise OverflowError(query)

        return StreamingResponse(pieces())

    return app


@pytest.fixture
def socket(tmp_path: Path) -> Iterator[Path]:
    path = tmp_path / "lab.sock"
    listener, server = listen(path), configured(lab())
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    while not server.started:
        time.sleep(0.01)
    assert path.stat().st_mode & 0o777 == 0o600
    yield path
    server.should_exit = True
    thread.join(10)


def client(tmp_path: Path) -> httpx.AsyncClient:
    centre = FakeParts(tmp_path).centre()
    centre = replace(centre, settings=replace(centre.settings, data_dir=tmp_path, anonymous=Role.VIEWER))
    return httpx.AsyncClient(
        transport=httpx.ASGITransport(create_app(centre)),
        base_url="http://centre",
        headers={"Authorization": f"Bearer {ADMIN}"},
    )


def test_every_address_is_in_the_table() -> None:
    assert set(FORWARDED) <= set(TABLE)


async def test_questions_and_answers_come_through(tmp_path: Path, socket: Path) -> None:
    async with client(tmp_path) as asking:
        forged = {"X-IOC-Caller": "somebody-else", "Cookie": "ioc_session=secret"}
        state = (await asking.get("/api/v1/lab", headers=forged)).json()
        assert state["name"] == "admin-token"
        assert "ask_sql" in state["permissions"]
        assert "authorization" not in state["headers"]
        assert "cookie" not in state["headers"]
        answer = await asking.post("/api/v1/sql?format=csv&x=%C3%A1", content="Huế")
        assert answer.json() == {"body": "Huế", "query": "format=csv&x=%C3%A1"}
        long = await asking.get("/api/v1/lab/queries/q7/result")
        assert long.content == PIECE * 50
        assert long.headers["content-disposition"] == "attachment; q7"


async def test_a_fault_of_one_question_is_not_the_next_ones(tmp_path: Path, socket: Path) -> None:
    """The lab closes the connection of a fault: nobody else's question may be sent down it."""
    async with client(tmp_path) as asking:
        for _ in range(10):
            assert (await asking.get("/api/v1/lab/history")).status_code == 500
            assert (await asking.get("/api/v1/lab")).status_code == 200


async def test_an_answer_that_breaks_off_is_not_taken_for_a_whole_one(tmp_path: Path, socket: Path) -> None:
    async with client(tmp_path) as asking:
        with pytest.raises(httpx.RemoteProtocolError, match="incomplete"):
            await asking.get("/api/v1/lab/queries/q7/rows")


async def test_who_may_not_ask_is_refused_before_the_lab_hears_of_it(tmp_path: Path, socket: Path) -> None:
    async with client(tmp_path) as asking:
        asking.headers.pop("Authorization")
        assert (await asking.get("/api/v1/lab")).status_code == 401


async def test_a_lab_that_is_away_is_told_in_one_sentence(tmp_path: Path) -> None:
    async with client(tmp_path) as asking:
        answer = await asking.get("/api/v1/lab")
        assert answer.status_code == 503
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.json()["detail"].startswith("The lab does not answer just now")
        assert (await asking.get("/healthz")).status_code == 200
