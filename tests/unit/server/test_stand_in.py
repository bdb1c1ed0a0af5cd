"""Damaged files: the server stands in or goes on without accounts, and says which file and what to do."""

import threading
from pathlib import Path
from unittest.mock import patch

import httpx
import pytest

from ioc.api import create_app
from ioc.broker.ports import any_free
from ioc.clock import SystemClock
from ioc.errors import StoreDamaged, StoreUnavailable
from ioc.model.fault import Fault
from ioc.people import People
from ioc.server.stand_in import stand_in_app
from ioc.server.topics_ready import await_topics
from ioc.settings import VIETNAM, Settings
from ioc.store import Store
from tests.support.checked_answers import CheckedTransport
from tests.support.fake_centre import ADMIN, FakeParts
from tests.support.running_centre import free_port, wait_for


def test_a_damaged_store_is_told_apart_from_a_held_one(tmp_path: Path) -> None:
    path = tmp_path / "ioc.duckdb"
    path.write_bytes(b"not DuckDB" * 1000)
    with pytest.raises(StoreDamaged, match=r"ioc\.duckdb"):
        Store.open(path, tmp_path / "archive", zone=VIETNAM)


async def test_while_the_store_is_damaged_pages_and_state_are_served() -> None:
    fault = Fault.of("store_damaged", SystemClock().now(), reason="x")
    transport = CheckedTransport(stand_in_app(fault))
    async with httpx.AsyncClient(transport=transport, base_url="http://centre") as client:
        assert (await client.get("/healthz")).status_code == 200
        assert (await client.get("/api/v1/status")).json()["faults"][0]["code"] == "store_damaged"
        for method, path in (("GET", "/readyz"), ("GET", "/api/v1/kpis"), ("POST", "/api/v1/ingest/demo-push")):
            answer = await client.request(method, path)
            assert answer.status_code == 503
            assert answer.json()["errors"][0]["code"] == "store_damaged"
            assert "ioc doctor" in answer.json()["detail"]
        assert (await client.get("/wall/main")).status_code in (200, 503)  # 503 where the pages are not built


async def test_with_damaged_accounts_the_wall_goes_on_and_logging_in_says_why(tmp_path: Path) -> None:
    parts = FakeParts(tmp_path)
    (tmp_path / "people.db").write_bytes(b"not SQLite" * 1000)
    with pytest.raises(StoreUnavailable):
        People.open(tmp_path / "people.db")
    parts.people = People.unusable(tmp_path / "people.db")
    transport = CheckedTransport(create_app(parts.centre()))
    async with httpx.AsyncClient(transport=transport, base_url="http://centre") as client:
        client.cookies.set("ioc_session", "old")
        assert (await client.get("/api/v1/kpis")).status_code == 200
        entered = await client.post("/api/v1/session", json={"name": "lan", "password": "x" * 12})
        assert entered.status_code == 503
        assert "people.db" in entered.json()["detail"]
        refused = await client.get("/api/v1/dead-letters")
        assert (refused.status_code, "people.db" in refused.json()["detail"]) == (503, True)
        script = await client.get("/api/v1/channels", headers={"Authorization": f"Bearer {ADMIN}"})
        assert script.status_code == 200


def test_a_server_that_starts_without_its_broker_says_so_and_then_begins(tmp_path: Path) -> None:
    """Else nobody answers at its address until the broker does."""
    settings = Settings(tmp_path, http_port=free_port(), kafka=f"127.0.0.1:{any_free()}")
    answers: list[httpx.Response] = []

    def reached(*_: object) -> None:
        if not answers:
            raise ConnectionRefusedError(111, "Connection refused")

    def look() -> None:
        answers.append(wait_for("/readyz", lambda: httpx.get(f"http://127.0.0.1:{settings.http_port}/readyz"), 20))

    looking = threading.Thread(target=look)
    looking.start()
    with (
        patch("ioc.server.topics_ready.reach", reached),
        patch("ioc.server.topics_ready.create_topics"),
        patch("ioc.server.topics_ready.BROKER_WITHIN_S", 0.1),
    ):
        await_topics(settings)
    looking.join()
    assert answers[0].status_code == 503
    assert answers[0].json()["errors"][0]["code"] == "broker_away"
