"""Every address for every kind of caller; logging in; CSRF; people and the trail."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from unittest.mock import patch

import httpx
import pytest

from ioc.api import create_app
from ioc.api.auth.login import LoginService
from ioc.api.auth.permissions import CSRF_EXEMPT, TABLE, UnknownAddress, find_entry
from ioc.model.person import PERMISSIONS, Permission, Role
from tests.support.api_addresses import EXAMPLES, HTTP_ENTRIES, address
from tests.support.checked_answers import CheckedTransport
from tests.support.fake_centre import ADMIN, FakeParts

PASSWORD = "mật khẩu đủ dài"


async def client_of(parts: FakeParts, *, anonymous: Role | None = None) -> httpx.AsyncClient:
    centre = parts.centre()
    centre = replace(centre, settings=replace(centre.settings, anonymous=anonymous))
    return httpx.AsyncClient(transport=CheckedTransport(create_app(centre)), base_url="http://centre")


async def logged_in(parts: FakeParts, role: Role) -> httpx.AsyncClient:
    parts.people.accounts.add(f"the-{role}", "Người dùng", role, PASSWORD)
    client = await client_of(parts)
    answer = await client.post("/api/v1/session", json={"name": f"the-{role}", "password": PASSWORD})
    assert answer.status_code == 200, answer.text
    client.headers["X-CSRF-Token"] = answer.json()["csrf"]
    return client


@pytest.mark.parametrize("role", [None, *Role], ids=lambda role: str(role or "nobody"))
async def test_every_address(parts: FakeParts, role: Role | None) -> None:
    client = await client_of(parts) if role is None else await logged_in(parts, role)
    wrong = []
    for entry in HTTP_ENTRIES:
        if entry == "DELETE /api/v1/session":
            continue  # test_log_in_and_out
        method, path = address(entry)
        answer = await client.request(method, path)
        told = "may not do" in answer.text or "Log in, or send a token" in answer.text
        asked = TABLE[entry]
        is_let = asked is None or (role is not None and asked in PERMISSIONS[role])
        right = not told if is_let else told and answer.status_code == (401 if role is None else 403)
        if not right:
            wrong.append((entry, answer.status_code))
    assert wrong == []


@pytest.mark.parametrize("role", [Role.VIEWER, Role.ANALYST])
async def test_every_address_with_a_personal_token(parts: FakeParts, role: Role) -> None:
    parts.people.accounts.add(f"the-{role}", "Người dùng", role, PASSWORD)
    token, _ = parts.people.tokens.make(f"the-{role}", timedelta(days=1))
    client = await client_of(parts)
    client.headers["Authorization"] = f"Bearer {token}"
    wrong = []
    for entry in HTTP_ENTRIES:
        method, path = address(entry)
        answer = await client.request(method, path)
        is_let = TABLE[entry] is None or TABLE[entry] in PERMISSIONS[role]
        if ("may not do" in answer.text and answer.status_code == 403) is is_let:
            wrong.append((entry, answer.status_code))
    assert wrong == []
    parts.people.accounts.set_disabled(f"the-{role}", True)
    assert (await client.get("/api/v1/kpis")).status_code == 401


async def test_every_route_is_in_the_table(parts: FakeParts) -> None:
    client = await client_of(parts)
    described = (await client.get("/openapi.json")).json()["paths"]
    for path, methods in described.items():
        for method in methods:
            example = path
            for placeholder, value in EXAMPLES.items():
                example = example.replace(placeholder.replace(":path", ""), value)
            find_entry(method.upper(), example)


@pytest.mark.parametrize(
    ("method", "path"),
    [
        pytest.param("GET", "/api/v1/nothing", id="no such address"),
        pytest.param("GET", "/api/v1/cases/", id="a slash more"),
        pytest.param("GET", "//api/v1/cases", id="a slash before"),
        pytest.param("GET", "/api/v1/kpis/a/b/history", id="a name of two parts"),
        pytest.param("TRACE", "/api/v1/kpis", id="another method"),
    ],
)
def test_what_is_not_in_the_table(method: str, path: str) -> None:
    with pytest.raises(UnknownAddress):
        find_entry(method, path)


@pytest.mark.parametrize("path", ["//api/v1/cases", "/api/v1/cases/", "/api/v1/../v1/cases", "/api/v1/%63ases"])
async def test_no_way_around(parts: FakeParts, path: str) -> None:
    client = await client_of(parts, anonymous=Role.VIEWER)
    url = httpx.URL("http://centre", raw_path=path.encode())
    assert (await client.send(httpx.Request("GET", url))).status_code in (401, 404)


async def test_nobody_may_look_only_where_the_centre_says_so(parts: FakeParts) -> None:
    assert (await (await client_of(parts)).get("/api/v1/kpis")).status_code == 401
    assert (await (await client_of(parts, anonymous=Role.VIEWER)).get("/api/v1/kpis")).status_code == 200


@pytest.mark.parametrize("token", [None, "", "wrong"])
async def test_a_change_by_cookie_needs_the_csrf_token(parts: FakeParts, token: str | None) -> None:
    client = await logged_in(parts, Role.ADMIN)
    del client.headers["X-CSRF-Token"]
    for entry in HTTP_ENTRIES:
        if entry.startswith("GET") or entry in CSRF_EXEMPT:
            continue
        method, path = address(entry)
        answer = await client.request(method, path, headers={} if token is None else {"X-CSRF-Token": token})
        assert (entry, answer.status_code, "X-CSRF-Token" in answer.text) == (entry, 403, True)


async def test_the_cookie_is_for_this_site_only(parts: FakeParts) -> None:
    parts.people.accounts.add("lan", "Lan", Role.VIEWER, PASSWORD)
    client = await client_of(parts)
    answer = await client.post("/api/v1/session", json={"name": "lan", "password": PASSWORD})
    cookie = answer.headers["set-cookie"].lower()
    assert "httponly" in cookie
    assert "samesite=strict" in cookie
    elsewhere = await client.post(
        "/api/v1/session", json={"name": "lan", "password": PASSWORD}, headers={"Origin": "http://elsewhere"}
    )
    assert elsewhere.status_code == 403


async def test_log_in_and_out(parts: FakeParts) -> None:
    client = await logged_in(parts, Role.OPERATOR)
    me = (await client.get("/api/v1/session")).json()
    assert (me["name"], me["role"], "handle_alerts" in me["permissions"]) == ("the-operator", "operator", True)
    kept = dict(client.cookies)
    assert (await client.delete("/api/v1/session")).status_code == 204
    client.cookies.update(kept)
    assert (await client.get("/api/v1/session")).json()["name"] == ""
    acts = [(act.who, act.act) for act in parts.people.trail.read()]
    assert acts == [("the-operator", "session.end"), ("the-operator", "session.begin")]


async def test_a_refused_log_in(parts: FakeParts) -> None:
    client = await client_of(parts)
    answer = await client.post("/api/v1/session", json={"name": "nobody", "password": "x"})
    assert (answer.status_code, "set-cookie" in answer.headers) == (401, False)
    assert [act.act for act in parts.people.trail.read()] == ["session.refused"]


async def test_known_and_unknown_names_get_one_answer_and_nobody_is_locked_out(parts: FakeParts) -> None:
    parts.people.accounts.add("lan", "Lan", Role.VIEWER, PASSWORD)
    right, slept = {"name": "lan", "password": PASSWORD}, []

    async def sleep(seconds: float) -> None:
        slept.append(seconds)

    with patch.object(LoginService.__init__, "__defaults__", (sleep,)):
        app = create_app(parts.centre())

    def client(address: str) -> httpx.AsyncClient:
        return httpx.AsyncClient(transport=CheckedTransport(app, client=(address, 1)), base_url="http://centre")

    home, stranger = client("10.0.0.1"), client("10.0.0.9")
    assert (await home.post("/api/v1/session", json=right)).status_code == 200
    answers = {}
    for name in ("lan", "nobody"):
        wrong = {"name": name, "password": "wrong password"}
        told = [await stranger.post("/api/v1/session", json=wrong) for _ in range(6)]
        answers[name] = [(one.status_code, one.text) for one in told]
    assert answers["lan"] == answers["nobody"]
    half = len(slept) // 2
    assert slept[:half] == pytest.approx(slept[half:], abs=0.3)
    assert half > 1
    slept.clear()
    assert (await client("10.0.0.2").post("/api/v1/session", json=right)).status_code == 200
    # The same address as the stranger's, as behind one proxy, but a browser that has logged in here before.
    beside = client("10.0.0.9")
    beside.cookies.update({"ioc_browser": home.cookies["ioc_browser"]})
    assert (await beside.post("/api/v1/session", json=right)).status_code == 200
    assert slept == []


async def test_a_display_logs_in_and_only_looks(parts: FakeParts) -> None:
    client = await client_of(parts)
    token = parts.people.sessions.make_display("sanh-lon")
    answer = await client.post("/api/v1/session", json={"display_token": token})
    assert (answer.status_code, answer.json()["permissions"]) == (200, ["look"])
    assert (await client.get("/api/v1/kpis")).status_code == 200
    assert (await client.get("/api/v1/cases")).status_code == 403
    by_header = await (await client_of(parts)).get("/api/v1/kpis", headers={"Authorization": f"Bearer {token}"})
    assert by_header.status_code == 200


async def test_a_new_password(parts: FakeParts) -> None:
    client = await logged_in(parts, Role.VIEWER)
    for present, new, field in (("wrong", "another password", "present"), (PASSWORD, "short", "new")):
        answer = await client.put("/api/v1/session/password", json={"present": present, "new": new})
        assert (answer.status_code, answer.json()["errors"][0]["field"]) == (400, field)
    done = await client.put("/api/v1/session/password", json={"present": PASSWORD, "new": "another password"})
    assert done.status_code == 204
    assert (await client.get("/api/v1/session")).json()["name"] == ""


async def test_an_administrator_keeps_people(parts: FakeParts) -> None:
    client = await logged_in(parts, Role.ADMIN)
    made = {"name": "hoa", "full_name": "Lê Thị Hoa", "role": "analyst", "password": PASSWORD}
    assert (await client.post("/api/v1/people", json=made)).status_code == 201
    assert (await client.post("/api/v1/people", json=made)).status_code == 409
    assert (await client.patch("/api/v1/people/hoa", json={"role": "operator"})).json()["role"] == "operator"
    assert (await client.patch("/api/v1/people/the-admin", json={"disabled": True})).status_code == 409
    assert (await client.patch("/api/v1/people/none", json={"disabled": True})).status_code == 404
    acts = (await client.get("/api/v1/trail?limit=2")).json()["acts"]
    assert [(act["who"], act["act"], act["what"]) for act in acts] == [
        ("the-admin", "person.change", "hoa"),
        ("the-admin", "person.add", "hoa"),
    ]
    assert PASSWORD not in (await client.get("/api/v1/trail")).text


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        pytest.param("PATCH", "/api/v1/people/nobody", 404, id="no such account, nothing to change"),
        pytest.param("GET", f"/api/v1/trail?before={10**30}", 422, id="a number beyond 64 bits"),
    ],
)
async def test_what_once_was_a_fault_of_the_server(parts: FakeParts, method: str, path: str, status: int) -> None:
    client = await client_of(parts)
    answer = await client.request(method, path, json={}, headers={"Authorization": f"Bearer {ADMIN}"})
    assert answer.status_code == status


async def test_the_admin_token_needs_no_csrf(parts: FakeParts) -> None:
    client = await client_of(parts)
    answer = await client.post("/api/v1/catalog/reload", headers={"Authorization": f"Bearer {ADMIN}"})
    assert answer.status_code == 200


def test_a_role_has_no_more_than_its_work(tmp_path: Path) -> None:
    assert PERMISSIONS[Role.VIEWER] == {Permission.LOOK}
    assert Permission.ADMINISTER not in PERMISSIONS[Role.OPERATOR] | PERMISSIONS[Role.ANALYST]
    assert Permission.SEE_CASES not in PERMISSIONS[Role.ANALYST]
