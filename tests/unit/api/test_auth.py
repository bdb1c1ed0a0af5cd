"""Each route against no token, a wrong token and the right one."""

from dataclasses import replace

import httpx
import pytest
from fastapi import FastAPI

from ioc.api import create_app
from tests.support.checked_answers import CheckedTransport
from tests.support.fake_centre import ADMIN, PUSH_SOURCE, PUSH_TOKEN, FakeParts

OPEN = [
    "/api/v1/kpis",
    "/api/v1/kpis/dossier.overdue_now/history",
    "/api/v1/centre",
    "/api/v1/units",
    "/api/v1/definitions",
    "/api/v1/displays/main",
    "/api/v1/sources",
    "/api/v1/ledger",
    "/api/v1/alerts",
    "/healthz",
    "/metrics",
    "/docs",
    "/openapi.json",
]
GUARDED = [
    pytest.param("GET", "/api/v1/cases", 200, id="cases name people's business"),
    pytest.param("GET", "/api/v1/dead-letters", 200, id="dead letters hold raw records"),
    pytest.param("GET", "/api/v1/dead-letters/none", 404, id="one dead letter too"),
    pytest.param("POST", "/api/v1/catalog/reload", 200, id="a reload is a change"),
]
NOT_ADMIN = [
    pytest.param({}, id="no token"),
    pytest.param({"Authorization": "Bearer wrong"}, id="wrong token"),
    pytest.param({"Authorization": "Bearer "}, id="empty token"),
    pytest.param({"Authorization": f"Basic {ADMIN}"}, id="another scheme"),
    pytest.param({"Authorization": f"Bearer {ADMIN}x"}, id="the token and more"),
    pytest.param({"Authorization": f"Bearer {ADMIN[:-1]}"}, id="most of the token"),
    pytest.param({"Authorization": f"Bearer {PUSH_TOKEN}"}, id="a source's token"),
    pytest.param({"Authorization": "Bearer đúng".encode()}, id="not ASCII"),
]
NOT_SOURCE = [
    *NOT_ADMIN[:4],
    pytest.param({"Authorization": f"Bearer {PUSH_TOKEN[:-1]}"}, id="most of the source's token"),
    pytest.param({"Authorization": f"Bearer {ADMIN}"}, id="the admin's token"),
]


@pytest.fixture(scope="module")
def parts(tmp_path_factory: pytest.TempPathFactory) -> FakeParts:
    """One centre for all: nobody changes it."""
    return FakeParts(tmp_path_factory.mktemp("centre"))


@pytest.fixture(scope="module")
def app(parts: FakeParts) -> FastAPI:
    return create_app(parts.centre())


@pytest.mark.parametrize("path", OPEN)
@pytest.mark.parametrize("headers", [{}, {"Authorization": "Bearer wrong"}], ids=["no token", "wrong token"])
async def test_reads_are_open(client: httpx.AsyncClient, path: str, headers: dict[str, str]) -> None:
    assert (await client.get(path, headers=headers)).status_code == 200


@pytest.mark.parametrize(("method", "path", "_status"), GUARDED)
@pytest.mark.parametrize("headers", NOT_ADMIN)
async def test_only_the_admin(
    client: httpx.AsyncClient, method: str, path: str, _status: int, headers: dict[str, str]
) -> None:
    answer = await client.request(method, path, headers=headers)
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"].startswith("Bearer")
    assert answer.headers["content-type"] == "application/problem+json"
    assert ADMIN not in answer.text


@pytest.mark.parametrize(("method", "path", "status"), GUARDED)
async def test_the_admin(client: httpx.AsyncClient, method: str, path: str, status: int) -> None:
    answer = await client.request(method, path, headers={"Authorization": f"Bearer {ADMIN}"})
    assert answer.status_code == status


async def test_the_token_is_asked_before_the_query_is_judged(client: httpx.AsyncClient) -> None:
    assert (await client.get("/api/v1/cases?limit=many")).status_code == 401


@pytest.mark.parametrize("headers", NOT_SOURCE)
async def test_a_push_needs_its_sources_token(
    client: httpx.AsyncClient, parts: FakeParts, headers: dict[str, str]
) -> None:
    unknown = await client.post("/api/v1/ingest/nobody", json=[{}], headers=headers)
    known = await client.post(f"/api/v1/ingest/{PUSH_SOURCE}", json=[{}], headers=headers)
    assert (known.status_code, unknown.status_code) == (401, 401)
    assert known.json()["detail"] == unknown.json()["detail"]
    assert {**known.headers} == {**unknown.headers, "content-length": known.headers["content-length"]}
    assert not parts.push.pushed


async def test_a_sources_token_is_no_other_sources(client: httpx.AsyncClient) -> None:
    answer = await client.post("/api/v1/ingest/other", json=[{}], headers={"Authorization": f"Bearer {PUSH_TOKEN}"})
    assert answer.status_code == 401


@pytest.mark.parametrize(
    ("name", "status"),
    [
        pytest.param("%2e%2e", 404, id="the directory above"),
        pytest.param("demo-push%00", 400, id="NUL"),
        ("Demo-Push", 401),
        (".hidden", 401),
        ("a" * 64, 401),
        ("%C4%91", 401),
    ],
)
async def test_a_name_that_is_none_is_never_looked_up(parts: FakeParts, name: str, status: int) -> None:
    """Looking a token up may touch files."""
    looked_up: list[str] = []

    def look_up(source: str) -> str:
        looked_up.append(source)
        return PUSH_TOKEN

    centre = replace(parts.centre(), source_token=look_up)
    url = httpx.URL("http://centre", raw_path=f"/api/v1/ingest/{name}".encode())
    request = httpx.Request("POST", url, content=b"[]", headers={"Authorization": f"Bearer {PUSH_TOKEN}"})
    answer = await httpx.AsyncClient(transport=CheckedTransport(create_app(centre))).send(request)
    assert (answer.status_code, looked_up) == (status, [])
