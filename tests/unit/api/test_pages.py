"""The pages' files, their caching and headers, and what lies outside of them."""

from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI

from ioc.api.routes import pages


@pytest.fixture
def static(tmp_path: Path) -> Path:
    built = tmp_path / "static"
    (built / "assets").mkdir(parents=True)
    (built / "index.html").write_text("<title>IOC</title>")
    (built / "assets" / "main-a1b2.js").write_text("start()")
    (tmp_path / "secret.txt").write_text("secret")
    (built / "secret.txt").write_text("secret")
    return built


def asking(static: Path) -> httpx.AsyncClient:
    app = FastAPI()
    pages.install(app, static)
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://centre")


@pytest.mark.parametrize(
    "path",
    [
        "/wall/main",
        "/wall/second",
        "/ops",
        "/catalog",
        "/catalog/air.aqi?unit=46",
        "/sources",
        "/lab",
        "/explore",
        "/reports",
        "/open",
    ],
)
async def test_pages(static: Path, path: str) -> None:
    answer = await asking(static).get(path)
    assert (answer.status_code, answer.text) == (200, "<title>IOC</title>")
    assert answer.headers["cache-control"] == "no-cache"


async def test_the_first_page_is_the_main_wall(static: Path) -> None:
    answer = await asking(static).get("/")
    assert (answer.status_code, answer.headers["location"]) == (307, "/wall/main")


async def test_assets_are_kept_for_ever(static: Path) -> None:
    answer = await asking(static).get("/assets/main-a1b2.js")
    assert answer.text == "start()"
    assert "immutable" in answer.headers["cache-control"]
    assert "javascript" in answer.headers["content-type"]


@pytest.mark.parametrize(
    "path",
    [
        "/assets/../secret.txt",
        "/assets/..%2fsecret.txt",
        "/assets/%2e%2e/%2e%2e/secret.txt",
        "/assets//etc/passwd",
        "/assets/%2fetc%2fpasswd",
        "/assets/..%5csecret.txt",
        "/assets/%00",
        "/wall/..%2f..%2fsecret.txt",
    ],
)
async def test_nothing_outside_is_given(static: Path, path: str) -> None:
    app = FastAPI()
    pages.install(app, static)
    raw = httpx.Request("GET", httpx.URL("http://centre", raw_path=path.encode()))
    answer = await httpx.AsyncClient(transport=httpx.ASGITransport(app)).send(raw)
    assert answer.status_code == 404
    assert "secret" not in answer.text


async def test_a_ui_that_is_not_built_is_said(tmp_path: Path) -> None:
    answer = await asking(tmp_path).get("/wall/main")
    assert answer.status_code == 503
    assert "make up" in answer.text


@pytest.mark.parametrize("path", ["/docs", "/api/v1/centre", "/nothing", "/healthz"])
async def test_security_headers(client: httpx.AsyncClient, path: str) -> None:
    headers = (await client.get(path)).headers
    assert "default-src 'self'" in headers["content-security-policy"]
    assert "unsafe" not in headers["content-security-policy"]
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["cache-control"] == "no-store"


async def test_docs_ask_no_other_host(client: httpx.AsyncClient) -> None:
    page = (await client.get("/docs")).text
    assert "//" not in page.replace("<!doctype html>", "")
    for name in ("swagger-ui.css", "swagger-ui-bundle.js", "start.js"):
        assert f"/docs/{name}" in page
        assert (await client.get(f"/docs/{name}")).status_code == 200
    assert (await client.get("/docs/..%2f__init__.py")).status_code == 404
