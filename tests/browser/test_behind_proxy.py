"""The centre below /ioc/ of another site: nginx in front of the real server, its pages in a real browser."""

import shutil
import subprocess
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from urllib.parse import urlsplit

import httpx
import pytest
from playwright.sync_api import Browser, expect

from ioc.api import create_app
from ioc.api.auth.proxies import TrustedProxies
from ioc.api.server import configured
from ioc.clock import SystemClock
from ioc.http_listener import listen
from ioc.model.person import Role
from tests.support.fake_centre import ADMIN, FakeParts, kpi_value
from tests.support.running_centre import free_port

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(shutil.which("nginx") is None, reason="nginx is not installed"),
]
PASSWORD = "mật khẩu đủ dài"
# `Host` stays what nginx sets by itself: the address of the centre, not the one that the browser has.
_CONFIGURATION = """
daemon off; pid {folder}/nginx.pid; error_log {folder}/error.log; worker_processes 1;
events {{ worker_connections 256; }}
http {{
  access_log off;
  client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy; fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
  map $http_upgrade $connection_upgrade {{ default upgrade; "" close; }}
  proxy_http_version 1.1;
  proxy_set_header Upgrade $http_upgrade;
  proxy_set_header Connection $connection_upgrade;
  proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
  server {{ listen 127.0.0.1:{stripping}; location /ioc/ {{
    proxy_set_header X-Forwarded-Proto https; proxy_pass http://127.0.0.1:{centre}/; }} }}
  server {{ listen 127.0.0.1:{whole}; location /ioc {{ proxy_pass http://127.0.0.1:{centre}; }} }}
}}
"""


@dataclass
class Proxied:
    """`whole` hands the path on as it is, `stripping` takes /ioc off and says that TLS ended there."""

    parts: FakeParts
    centre: str
    whole: str
    stripping: str


@pytest.fixture(scope="module")
def proxied(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Proxied]:
    folder = tmp_path_factory.mktemp("proxied")
    parts = FakeParts(folder, clock=SystemClock())
    parts.people.accounts.add("lan", "Nguyễn Thị Lan", Role.OPERATOR, PASSWORD)
    parts.kpis.present = [kpi_value()]
    parts.hub.publish(kpis=[kpi_value()])
    whole, stripping = free_port(), free_port()
    centre = parts.centre()
    address = f"http://127.0.0.1:{whole}/ioc"
    app = create_app(replace(centre, settings=replace(centre.settings, address=address)))
    listener = listen("127.0.0.1", 0)
    port = listener.getsockname()[1]
    server = configured(app, trusted=TrustedProxies(["127.0.0.1"]))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    path = folder / "nginx.conf"
    path.write_text(_CONFIGURATION.format(folder=folder, centre=port, whole=whole, stripping=stripping))
    with subprocess.Popen(["nginx", "-c", str(path)], stderr=subprocess.PIPE) as nginx:
        for _ in range(200):
            try:
                httpx.get(f"http://127.0.0.1:{whole}/ioc/healthz")
                break
            except httpx.TransportError:
                time.sleep(0.05)
        yield Proxied(parts, f"http://127.0.0.1:{port}", f"http://127.0.0.1:{whole}", f"http://127.0.0.1:{stripping}")
        nginx.terminate()
    server.should_exit = True
    thread.join(10)


def test_pages_live_below_the_path(proxied: Proxied, browser: Browser) -> None:
    page = browser.new_page(viewport={"width": 1366, "height": 768})
    asked: set[str] = set()
    failures: list[str] = []
    page.on("request", lambda request: asked.add(urlsplit(request.url).path))
    page.on("websocket", lambda websocket: asked.add(urlsplit(websocket.url).path))
    page.on("pageerror", lambda error: failures.append(str(error)))
    try:
        page.goto(f"{proxied.whole}/ioc")
        page.wait_for_selector("[data-ready]", timeout=20_000)  # redirected, and the websocket has sent its state
        assert urlsplit(page.url).path == "/ioc/wall/main"
        for name in ("catalog", "sources", "ops", "explore", "open", "login"):
            page.goto(f"{proxied.whole}/ioc/{name}")
            expect(page.locator("nav a").first).to_be_visible()
            links = page.eval_on_selector_all("a[href]", "found => found.map(one => new URL(one.href).pathname)")
            assert [link for link in links if not link.startswith("/ioc/")] == []
        page.fill("#name", "lan")
        page.fill("#password", PASSWORD)
        page.keyboard.press("Enter")
        page.wait_for_url("**/ioc/ops")
        assert {cookie["path"] for cookie in page.context.cookies()} == {"/ioc/"}
        page.goto(f"{proxied.whole}/ioc/docs")
        expect(page.get_by_text("/api/v1/kpis", exact=True).first).to_be_visible()
        page.goto("about:blank")
    finally:
        page.close()
    assert failures == []
    assert {path for path in asked if not path.startswith("/ioc")} == set()
    assert "/ioc/ws/v1" in asked


@pytest.mark.parametrize("which", ["whole", "stripping", "centre"])
def test_the_path_may_be_taken_off_or_not(proxied: Proxied, which: str) -> None:
    base = f"{getattr(proxied, which)}{'' if which == 'centre' else '/ioc'}"
    with httpx.Client(base_url=base, headers={"Authorization": f"Bearer {ADMIN}"}) as client:
        assert client.get("/healthz").status_code == 200
        assert client.get("/api/v1/kpis").status_code == 200
        assert client.get("/").headers["location"].endswith("/ioc/wall/main")
        assert 'src="/ioc/assets/' in client.get("/catalog").text
        assert client.get("/openapi.json").json()["servers"] == [{"url": "/ioc"}]
        assert client.get("/api/v1/lab").status_code == 503  # forwarded; no lab runs here


def test_behind_tls_the_cookie_is_secure_and_the_client_is_the_proxys_client(proxied: Proxied) -> None:
    right = {"name": "lan", "password": PASSWORD}
    by_proxy = httpx.post(f"{proxied.stripping}/ioc/api/v1/session", json=right)
    cookies = by_proxy.headers.get_list("set-cookie")
    assert all("Secure" in cookie and "Path=/ioc/" in cookie for cookie in cookies)
    direct = httpx.post(f"{proxied.centre}/api/v1/session", json=right)
    assert not any("Secure" in cookie for cookie in direct.headers.get_list("set-cookie"))


def test_no_way_around_the_base(proxied: Proxied) -> None:
    for path in ("/ioc//api/v1/cases", "/ioc/%2e%2e/api/v1/cases", "/%69oc/api/v1/cases", "/ioc/ioc/healthz"):
        url = httpx.URL(proxied.centre, raw_path=path.encode())
        assert httpx.Client().send(httpx.Request("GET", url)).status_code in (400, 404)
