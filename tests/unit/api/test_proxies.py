"""Trusted proxies, the centre's own origin, and its base path."""

import asyncio

import httpx
import pytest
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.types import Receive, Scope, Send

from ioc.api.auth.proxies import TrustedProxies
from ioc.api.http.base_path import BasePath, base_path
from ioc.api.live.socket import is_same_origin
from ioc.api.server import configured
from tests.support.checked_answers import CheckedTransport


@pytest.mark.parametrize(
    ("peer", "believed"),
    [
        pytest.param("10.0.0.5", True, id="an address"),
        pytest.param("192.168.7.200", True, id="of a network"),
        pytest.param("10.0.0.6", False, id="a neighbour"),
        pytest.param("127.0.0.1", False, id="loopback is not believed by itself"),
        pytest.param("not an address", False, id="no address"),
    ],
)
async def test_only_trusted_proxies_say_for_whom_they_ask(peer: str, believed: bool) -> None:
    async def tell(scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope)
        assert request.client is not None
        await PlainTextResponse(f"{request.client.host} {request.url.scheme}")(scope, receive, send)

    proxies = TrustedProxies(["10.0.0.5", "192.168.0.0/16"])
    config = configured(tell, trusted=proxies).config
    config.load()
    client = httpx.AsyncClient(
        transport=CheckedTransport(config.loaded_app, client=(peer, 1)), base_url="http://centre"
    )
    headers = {"X-Forwarded-For": "203.0.113.9", "X-Forwarded-Proto": "https", "Forwarded": "for=198.51.100.1"}
    answer = (await client.get("/", headers=headers)).text
    assert answer == ("203.0.113.9 https" if believed else f"{peer} http")
    assert (peer in proxies) is believed


async def test_without_the_setting_nobody_is_believed() -> None:
    async def tell(scope: Scope, receive: Receive, send: Send) -> None:
        await PlainTextResponse(scope["client"][0])(scope, receive, send)

    config = configured(tell).config
    config.load()
    client = httpx.AsyncClient(transport=CheckedTransport(config.loaded_app), base_url="http://centre")
    assert (await client.get("/", headers={"X-Forwarded-For": "203.0.113.9"})).text == "127.0.0.1"
    await asyncio.sleep(0)


OUTER = "https://ioc.tinh.vn/ioc"


@pytest.mark.parametrize(
    ("origin", "host", "allowed"),
    [
        pytest.param("https://ioc.tinh.vn", "127.0.0.1:8080", True, id="the outer site, Host set to the upstream"),
        pytest.param("https://ioc.tinh.vn:443", "127.0.0.1:8080", True, id="with the usual port"),
        pytest.param("http://127.0.0.1:8080", "127.0.0.1:8080", True, id="asked directly"),
        pytest.param("http://ioc.tinh.vn", "127.0.0.1:8080", False, id="without TLS"),
        pytest.param("https://ioc.tinh.vn.evil.example", "127.0.0.1:8080", False, id="a site that looks like it"),
        pytest.param("https://evil.example", "127.0.0.1:8080", False, id="another site"),
        pytest.param("null", "127.0.0.1:8080", False, id="a page without a site"),
        pytest.param(None, "127.0.0.1:8080", True, id="a program"),
    ],
)
def test_the_own_site(origin: str | None, host: str, allowed: bool) -> None:
    assert is_same_origin(origin, host, "http", OUTER) is allowed


@pytest.mark.parametrize(
    ("address", "base"),
    [("", ""), ("https://ioc.tinh.vn", ""), ("https://ioc.tinh.vn/", ""), ("https://tinh.vn/a/ioc", "/a/ioc")],
)
def test_the_path_of_the_outer_address(address: str, base: str) -> None:
    assert base_path(address) == base


@pytest.mark.parametrize(
    ("path", "told"),
    [
        pytest.param("/ioc/ops", "/ops", id="handed on whole"),
        pytest.param("/ops", "/ops", id="taken off before, or no proxy"),
        pytest.param("/ioc/ioc/ops", "/ioc/ops", id="once only"),
        pytest.param("/iocs", "/iocs", id="a longer name"),
        pytest.param("/%69oc/ops", "/%2F", id="spelled in another way"),
    ],
)
async def test_the_base_is_taken_off(path: str, told: str) -> None:
    async def tell(scope: Scope, receive: Receive, send: Send) -> None:
        await PlainTextResponse(scope["raw_path"])(scope, receive, send)

    client = httpx.AsyncClient(transport=CheckedTransport(BasePath(tell, "/ioc")), base_url="http://centre")
    assert (await client.get(path)).text == told
