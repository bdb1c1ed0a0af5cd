"""Each address has one spelling: every path of the table is also tried with spellings that disguise it."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from urllib.parse import unquote

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.types import ASGIApp, Message

from ioc.api import create_app
from ioc.api.auth.forwarded import signed_headers
from ioc.api.auth.permissions import TABLE
from ioc.api.http.path_spelling import PathRefused, canonical_path
from ioc.api.routes.lab_proxy import FORWARDED
from ioc.clock import FixedClock
from ioc.lab.app import create_lab_app
from ioc.lab.context import LabContext
from ioc.lab.job_process import JobProcess
from ioc.model.person import Role
from ioc.settings import Settings
from tests.support.api_addresses import HTTP_ENTRIES, address
from tests.support.checked_answers import CheckedTransport
from tests.support.fake_centre import NOW, FakeParts

SPELLINGS: dict[str, Callable[[str], str]] = {
    "dot segments before it": lambda path: f"/api/v1/reports/../..{path}",
    "encoded dot segments": lambda path: f"/healthz/%2e%2E{path}",
    "a dot segment in it": lambda path: path.replace("/", "/./", 1) if path != "/" else "/./",
    "two slashes before it": lambda path: f"/{path}",
    "two slashes in it": lambda path: f"/x/{path}",
    "an encoded slash": lambda path: "/" + path[1:].replace("/", "%2f") + "%2F",
    "an encoded backslash": lambda path: f"{path}%5c..",
    "a backslash": lambda path: f"{path}\\..",
    "encoded twice": lambda path: f"{path}%252e%252e",
    "NUL": lambda path: f"{path}%00",
    "a line break": lambda path: f"{path}%0d%0a",
    "not UTF-8": lambda path: f"{path}%ff",
    "a percent sign that encodes nothing": lambda path: f"{path}%zz",
}


async def asked(app: ASGIApp, method: str, raw_path: str) -> httpx.Response:
    """Ask with the path as a server hands it on: httpx would mend it before it sends it."""
    sent: list[Message] = []

    async def receive() -> Message:
        return {"type": "http.request"}

    async def send(message: Message) -> None:
        sent.append(message)

    scope = {"type": "http", "http_version": "1.1", "method": method, "scheme": "http", "root_path": ""}
    scope |= {"path": unquote(raw_path), "raw_path": raw_path.encode(), "query_string": b"", "headers": []}  # type: ignore[dict-item]
    await app(scope | {"client": ("127.0.0.1", 1), "server": ("centre", 80)}, receive, send)
    body = b"".join(message.get("body", b"") for message in sent[1:])
    return httpx.Response(sent[0]["status"], headers=sent[0]["headers"], content=body)


def app_of(parts: FakeParts, anonymous: Role | None) -> ASGIApp:
    centre = parts.centre()
    return create_app(replace(centre, settings=replace(centre.settings, anonymous=anonymous)))


async def test_no_address_has_another_spelling(parts: FakeParts) -> None:
    app = app_of(parts, Role.VIEWER)
    wrong = []
    for entry in HTTP_ENTRIES:
        method, path = address(entry)
        for name, spelling in SPELLINGS.items():
            answer = await asked(app, method, spelling(path))
            if answer.status_code not in (400, 404) or answer.headers["content-type"] != "application/problem+json":
                wrong.append((entry, name, answer.status_code))
    assert wrong == []


async def test_another_case_is_another_address(parts: FakeParts) -> None:
    """Fixed parts of a path are lower case; only where a parameter stands may upper case reach a route."""
    app = app_of(parts, None)
    for entry in HTTP_ENTRIES:
        method, path = address(entry)
        fixed = path.split("/")[1]
        if fixed:
            answer = await asked(app, method, path.replace(f"/{fixed}", f"/{fixed.upper()}", 1))
            assert (entry, answer.status_code) == (entry, 404)


async def test_the_lab_is_not_reached_through_a_report(parts: FakeParts) -> None:
    answer = await asked(app_of(parts, Role.VIEWER), "GET", "/api/v1/reports/../issues/../lab%252Fsaved")
    assert answer.status_code == 400


@pytest.mark.parametrize(
    ("raw", "path"),
    [
        pytest.param(b"/", "/", id="the root"),
        pytest.param(b"/api/v1/cases/", "/api/v1/cases/", id="a slash at the end is the table's matter"),
        pytest.param(b"/api/v1/%63ases", "/api/v1/cases", id="a letter that need not be encoded"),
        pytest.param(b"/catalog/%C4%91", "/catalog/đ", id="UTF-8"),
        pytest.param(b"/open/a..b.csv", "/open/a..b.csv", id="dots inside a name"),
        pytest.param(b"/api/v1/dead-letters/t:0:1:2", "/api/v1/dead-letters/t:0:1:2", id="colons"),
    ],
)
def test_what_passes(raw: bytes, path: str) -> None:
    assert canonical_path(raw) == path


@given(st.text(alphabet="/.%25efFcC0\\a", max_size=24))
def test_what_passes_means_the_same_to_every_reader(text: str) -> None:
    """Decoding again, resolving segments or dropping empty ones changes nothing."""
    try:
        path = canonical_path(b"/" + text.encode())
    except PathRefused:
        return
    assert httpx.URL("http://centre", raw_path=b"/" + text.encode()).path == unquote(path) == path
    assert str(Path(path)) in (path, path.rstrip("/"), "/")


async def test_the_lab_checks_roles_itself(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path)
    parts = LabContext(settings, FixedClock(NOW), lambda: None, JobProcess())
    app = create_lab_app(parts)
    client = httpx.AsyncClient(transport=CheckedTransport(app), base_url="http://lab")
    key = settings.lab_key()
    for entry in (*FORWARDED, "POST /api/v1/lab/snapshot"):
        method, path = address(entry)
        forged = signed_headers("another key", "an", ["look", "ask_sql"])
        changed = signed_headers(key, "an", ["look"]) | {"X-IOC-Permissions": "ask_sql,look"}
        for headers in ({}, {"X-IOC-Caller": "an", "X-IOC-Permissions": "ask_sql,look"}, forged, changed):
            answer = await client.request(method, path, headers=headers)
            assert (entry, answer.status_code, "the centre only" in answer.text) == (entry, 403, True)
        wanted = TABLE[entry]
        answer = await client.request(method, path, headers=signed_headers(key, "an", ["see_cases"]))
        assert ("may not do" in answer.text) == (wanted is not None), entry
    dotted = await asked(app, "GET", "/api/v1/reports/../lab/saved")
    assert dotted.status_code == 404
