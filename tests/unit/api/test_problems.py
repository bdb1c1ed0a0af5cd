"""Every error is a problem of RFC 9457 and reveals no internals."""

import errno
import sqlite3

import httpx
import pytest

from ioc.errors import StoreUnavailable
from ioc.messages import Message
from tests.support.fake_centre import ADMIN, PUSH_SOURCE, PUSH_TOKEN, FakeParts

AS_ADMIN = {"Authorization": f"Bearer {ADMIN}"}


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        pytest.param("GET", "/api/v1/nothing", 404, id="no such address"),
        pytest.param("GET", "/nothing", 404, id="no such page"),
        pytest.param("GET", "/api/v1/kpis/no.such/history", 404, id="no such KPI"),
        pytest.param("GET", "/api/v1/kpis/a%2F..%2Fb/history", 404, id="slashes in a KPI"),
        pytest.param("DELETE", "/api/v1/kpis", 405, id="no such method"),
        pytest.param("GET", "/api/v1/cases?limit=many", 422, id="no number"),
        pytest.param("GET", "/api/v1/cases?limit=0", 422, id="number out of bounds"),
        pytest.param("GET", "/api/v1/cases?cursor=%25%25", 400, id="a cursor of one's own making"),
        pytest.param("GET", "/api/v1/dead-letters?cursor=WzFd", 400, id="another list's cursor"),
        pytest.param("GET", "/api/v1/kpis/dossier.overdue_now/history?format=xml", 422, id="no such format"),
    ],
)
async def test_shape(client: httpx.AsyncClient, method: str, path: str, status: int) -> None:
    answer = await client.request(method, path, headers=AS_ADMIN)
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    problem = answer.json()
    assert set(problem) == {"type", "title", "status", "detail", "instance", "errors"}
    assert problem["status"] == status
    assert problem["detail"].endswith(".")
    assert "\n" not in problem["detail"]
    assert all({"field", "message", "code", "params"} <= set(row) for row in problem["errors"])


async def test_method_not_allowed_names_those_that_are(client: httpx.AsyncClient) -> None:
    assert (await client.delete("/api/v1/kpis")).headers["allow"] == "GET"


async def test_a_fault_inside_says_nothing_of_the_inside(client: httpx.AsyncClient, parts: FakeParts) -> None:
    parts.kpis.fault = RuntimeError("secret of the inside")
    answer = await client.get("/api/v1/kpis")
    assert answer.status_code == 500
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert "secret" not in answer.text
    assert "Traceback" not in answer.text


async def test_a_store_that_is_away_is_said_in_its_own_sentence(client: httpx.AsyncClient, parts: FakeParts) -> None:
    parts.kpis.fault = StoreUnavailable(Message.of("The store is closed."))
    answer = await client.get("/api/v1/kpis")
    assert (answer.status_code, answer.json()["detail"]) == (503, "The store is closed.")
    assert answer.headers["retry-after"]


async def test_a_query_that_fails_in_the_store(client: httpx.AsyncClient, parts: FakeParts) -> None:
    parts.duckdb.execute("DROP TABLE cases")
    answer = await client.get("/api/v1/cases", headers=AS_ADMIN)
    assert answer.status_code == 503
    assert "\n" not in answer.json()["detail"]


async def test_openapi_describes_the_problem(client: httpx.AsyncClient) -> None:
    described = (await client.get("/openapi.json")).json()
    assert set(described["components"]["schemas"]["ProblemShape"]["required"]) >= {"detail", "errors"}
    assert "KpiShape" in described["components"]["schemas"]


@pytest.mark.parametrize(
    ("failure", "said"),
    [
        pytest.param(OSError(errno.ENOSPC, "No space left on device"), "No space left on device", id="disk full"),
        pytest.param(OSError(errno.EMFILE, "Too many open files"), "Too many open files", id="descriptors used up"),
        pytest.param(sqlite3.OperationalError("database or disk is full"), "disk is full", id="a file of SQLite"),
    ],
)
async def test_a_full_machine_is_503_with_its_reason(
    client: httpx.AsyncClient, parts: FakeParts, failure: Exception, said: str
) -> None:
    parts.push.fault = failure
    headers = {"Authorization": f"Bearer {PUSH_TOKEN}", "Content-Type": "application/json"}
    answer = await client.post(f"/api/v1/ingest/{PUSH_SOURCE}", content=b"[]", headers=headers)
    assert answer.status_code == 503
    assert said in answer.json()["detail"]
    assert answer.headers["retry-after"]
