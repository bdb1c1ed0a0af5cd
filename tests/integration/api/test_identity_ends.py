"""An open websocket closes within a second when its session, token or account ends."""

import asyncio
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from ioc.api.auth.middleware import DISPLAY_COOKIE, SESSION_COOKIE
from ioc.model.person import Role
from ioc.people import People
from tests.support.fake_centre import ADMIN, FakeParts
from tests.support.websocket_clients import address, stopped_client

PASSWORD = "mật khẩu đủ dài"
ENDINGS: dict[str, tuple[Callable[[People, str], object], str]] = {
    "disabled": (lambda people, _: people.accounts.set_disabled("disabled", True), "session_ended"),
    "password": (lambda people, _: people.accounts.set_password("password", PASSWORD + "!"), "session_ended"),
    "logged-out": (lambda people, token: people.sessions.end(token), "session_ended"),
    "demoted": (lambda people, _: people.accounts.set_role("demoted", Role.VIEWER), "role_changed"),
    "hall": (lambda people, _: people.sessions.end_display("hall"), "display_ended"),
    "lobby": (lambda people, _: people.sessions.make_display("lobby"), "display_ended"),
    "revoked": (lambda people, _: people.tokens.revoke(people.tokens.of("revoked")[0].id), "token_ended"),
    "script": (lambda people, _: people.accounts.set_disabled("script", True), "token_ended"),
}


def headers_of(people: People, name: str) -> tuple[dict[str, str], str]:
    """The header that says who calls, and the token in it."""
    if name in ("hall", "lobby"):
        token = people.sessions.make_display(name)
        return {"Cookie": f"{DISPLAY_COOKIE}={token}"}, token
    person = people.accounts.add(name, name, Role.OPERATOR, PASSWORD)
    if name in ("revoked", "script"):
        token, _ = people.tokens.make(name, timedelta(days=1))
        return {"Authorization": f"Bearer {token}"}, token
    token, _ = people.sessions.begin(person)
    return {"Cookie": f"{SESSION_COOKIE}={token}"}, token


async def closed(socket: ClientConnection) -> tuple[float, int, str]:
    """Seconds until it was closed from now, code and reason."""
    began_s = time.monotonic()
    with suppress(ConnectionClosed):
        async with asyncio.timeout(5):
            async for _ in socket:
                pass
    return time.monotonic() - began_s, socket.close_code or 0, socket.close_reason or ""


async def test_sockets_end_with_their_identity(parts: FakeParts, port: int) -> None:
    people = parts.people
    sockets, tokens = {}, {}
    for name in ENDINGS:
        headers, tokens[name] = headers_of(people, name)
        sockets[name] = await connect(address(port), additional_headers=headers)
    others = [
        await connect(address(port)),
        await connect(address(port), additional_headers={"Authorization": f"Bearer {ADMIN}"}),
        await connect(address(port), additional_headers=headers_of(people, "stays")[0]),
    ]
    for name, (end, _) in ENDINGS.items():
        end(people, tokens[name])
    ends = dict(zip(ENDINGS, await asyncio.gather(*(closed(sockets[name]) for name in ENDINGS)), strict=True))
    assert {name: (code, reason) for name, (_, code, reason) in ends.items()} == {
        name: (4401, reason) for name, (_, reason) in ENDINGS.items()
    }
    assert max(took_s for took_s, *_ in ends.values()) < 3  # a second, and a busy machine
    assert parts.hub.clients == len(others)
    for socket in others:
        await socket.recv()
        await socket.close()


async def test_one_that_reads_nothing_is_cut_off(parts: FakeParts, port: int) -> None:
    token = parts.people.sessions.make_display("hall")
    raw = stopped_client(port, cookie=f"{DISPLAY_COOKIE}={token}")
    assert await has_clients(parts, 1)
    parts.people.sessions.end_display("hall")
    assert await has_clients(parts, 0)
    raw.close()


async def has_clients(parts: FakeParts, wanted: int) -> bool:
    """Return whether that many clients are connected soon."""
    for _ in range(250):
        if parts.hub.clients == wanted:
            return True
        await asyncio.sleep(0.02)
    return False
