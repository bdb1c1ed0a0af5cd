"""Quack: an analyst's own duckdb, in a process of its own, attaches a lab that runs here."""

import asyncio
import os
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest

from ioc.clock import FixedClock
from ioc.lab.publishing.publish import MINUTES, published_dir
from ioc.lab.quack.http import MAX_MESSAGE_BYTES
from ioc.lab.quack.messages import Kind, QuackMessage
from ioc.lab.quack.process_handle import QuackLimits
from ioc.lab.quack.service import QuackService
from ioc.model.person import Role
from ioc.people import People
from ioc.settings import Settings
from tests.integration.lab.publication import SECRET, published
from tests.integration.lab.quack_escapes import REFUSED
from tests.support.analyst import Analyst, Failed
from tests.support.lab_escapes import ESCAPES

NOW = datetime(2026, 11, 23, 2, 0, tzinfo=UTC)
LIMITS = QuackLimits(seconds=2, memory_mb=128, bytes=4 << 20)
COSTLY = ("deeply-nested", "huge-list", "endless-recursion", "result-bomb")
OF_THE_PROTOCOL = ("begin",)
"""Sent by every client before it writes; nothing is written behind it."""
PASSWORD = "mật khẩu đủ dài"


@dataclass(frozen=True)
class Lab:
    settings: Settings
    people: People
    clock: FixedClock
    quack: QuackService
    address: str

    def token(self, person: str) -> str:
        return self.people.tokens.make(person, timedelta(days=1))[0]

    def processes(self) -> dict[str, int]:
        """Ids of the server processes by person."""
        return {person: session.process.pid for person, session in self.quack.sessions.taken().items()}


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    settings, publication = published(tmp_path_factory.mktemp("data"))
    clock = FixedClock(NOW)
    people = People.open(settings.people_path, clock)
    for name, role in (("lan", Role.ANALYST), ("hoa", Role.ANALYST), ("nam", Role.VIEWER), ("binh", Role.OPERATOR)):
        people.accounts.add(name, name, role, PASSWORD)
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()

    async def begin() -> QuackService:
        minutes = published_dir(settings) / MINUTES
        quack = QuackService(settings, clock, lambda: publication.path, minutes, LIMITS)
        quack.start()
        return quack

    quack = asyncio.run_coroutine_threadsafe(begin(), loop).result()
    until = time.monotonic() + 20
    while (address := quack.address()) is None:
        assert time.monotonic() < until
        time.sleep(0.02)
    assert address == settings.quack_address.read_text().strip()
    yield Lab(settings, people, clock, quack, address)
    asyncio.run_coroutine_threadsafe(quack.close(), loop).result()
    loop.call_soon_threadsafe(loop.stop)
    thread.join()
    loop.close()
    assert not settings.quack_address.exists()


@pytest.fixture(scope="module")
def analyst(lab: Lab) -> Iterator[Analyst]:
    """Attached as lan."""
    analyst = Analyst()
    try:
        analyst.attach(lab.address, lab.token("lan"))
        yield analyst
    finally:
        analyst.close()


@pytest.fixture(scope="module")
def stranger() -> Iterator[Analyst]:
    """Attached nowhere."""
    analyst = Analyst()
    yield analyst
    analyst.close()


@pytest.fixture
def another() -> Iterator[Analyst]:
    analyst = Analyst()
    yield analyst
    analyst.close()


def test_the_views_by_attach_and_by_query(lab: Lab, analyst: Analyst) -> None:
    counted = analyst.run("SELECT count(*), min(value) FROM ioc.kpi_periods WHERE kpi = 'dossier.on_time_rate'")
    assert counted == [[10, 90.0]]
    assert analyst.ask(
        "SELECT unit, value FROM kpi_periods WHERE period_from = DATE '2026-10-01' ORDER BY unit LIMIT 1"
    ) == [["19753", 91.0]]
    assert analyst.ask("SELECT count(*), max(time) FROM readings_minute") == [[600, "2026-10-10 19:39:00"]]
    assert analyst.ask("SELECT attributes FROM cases LIMIT 1") == [[{"level": "full"}]]
    assert [row[0] for row in analyst.ask("DESCRIBE units")][:2] == ["code", "name"]
    seen = {row[0] for row in analyst.run("SELECT view_name FROM duckdb_views() WHERE database_name = 'ioc'")}
    assert seen <= {"kpi_values", "kpi_periods", "cases"} | seen
    acts = [(act.who, act.act) for act in lab.people.trail.read()]
    assert ("lan", "quack.attach") in acts


@pytest.mark.parametrize("sql", REFUSED.values(), ids=REFUSED.keys())
def test_no_way_out(lab: Lab, analyst: Analyst, sql: str) -> None:
    with pytest.raises(Failed) as failure:
        analyst.ask(sql.replace("{data}", str(lab.settings.data_dir)))
    told = str(failure.value)
    assert SECRET not in told
    assert "root:" not in told
    assert not list(Path("/tmp").glob("ioc-quack-escaped*"))


def test_no_way_out_that_the_lab_knows(lab: Lab, analyst: Analyst) -> None:
    folder = lab.settings.data_dir
    places = {
        "secret": folder / "people.db",
        "target": folder / "written",
        "archive": published_dir(lab.settings) / MINUTES,
        "link": folder / "people.db",
        "store": folder / "snapshots",
        "people": folder / "people.db",
    }
    got_out = []
    for escape in ESCAPES:
        if escape.expects != "refused" or escape.id in OF_THE_PROTOCOL:
            continue
        sql = escape.sql
        for place, path in places.items():
            sql = sql.replace(f"{{{place}}}", str(path))
        try:
            got_out.append((escape.id, analyst.ask(sql)))
        except Failed as failure:
            told = str(failure)
            got_out += [(escape.id, told)] if SECRET in told or "SQLite format" in told else []  # type: ignore[list-item]
    assert got_out == []
    assert not (folder / "written").exists()


@pytest.mark.parametrize(
    "sql",
    [
        "INSERT INTO ioc.kpi_values SELECT * FROM ioc.kpi_values",
        "CREATE TABLE ioc.x (a INTEGER)",
        "CREATE TABLE ioc.x AS SELECT 1 AS a",
        "CREATE VIEW ioc.x AS SELECT 1",
        "DROP VIEW ioc.cases",
        "INSERT INTO ioc.units BY NAME SELECT 'x' AS code",
        "DELETE FROM ioc.cases",
        "FROM ioc.kept.attribute_sets",
    ],
)
def test_nothing_is_written_through_the_attached_catalogue(analyst: Analyst, sql: str) -> None:
    with pytest.raises(Failed):
        analyst.run(sql)
    assert analyst.ask("SELECT count(*) FROM cases") == [[20]]


def test_what_takes_too_much_ends_and_nobody_else_notices(lab: Lab, analyst: Analyst, another: Analyst) -> None:
    another.attach(lab.address, lab.token("hoa"))
    another.ask("SELECT 1")
    of_hoa = lab.processes()["hoa"]
    for escape in ESCAPES:
        if escape.id not in COSTLY:
            continue
        with suppress(Failed):  # or answered in time, with no more than the limits let
            analyst.ask(escape.sql)
        assert analyst.ask("SELECT 42") == [[42]]
    assert another.ask("SELECT 43") == [[43]]
    assert lab.processes()["hoa"] == of_hoa


def test_a_killed_process_is_started_again_for_the_same_attachment(lab: Lab, analyst: Analyst) -> None:
    analyst.ask("SELECT 1")
    killed = lab.processes()["lan"]
    os.kill(killed, signal.SIGKILL)
    with suppress(Failed):  # unless its end was seen before the question came
        analyst.ask("SELECT 1")
    assert analyst.ask("SELECT 2") == [[2]]
    assert lab.processes()["lan"] != killed


def _revoked(lab: Lab) -> str:
    token, made = lab.people.tokens.make("lan", timedelta(days=1))
    lab.people.tokens.revoke(made.id)
    return token


def _expired(lab: Lab) -> str:
    token = lab.people.tokens.make("lan", timedelta(milliseconds=1))[0]
    lab.clock.moment += timedelta(milliseconds=2)
    return token


@pytest.mark.parametrize(
    ("token", "says"),
    [
        pytest.param(lambda _: "", "token", id="no token"),
        pytest.param(lambda _: "ioc_" + "x" * 43, "Authentication failed", id="wrong token"),
        pytest.param(_revoked, "Authentication failed", id="revoked"),
        pytest.param(_expired, "Authentication failed", id="expired"),
        pytest.param(lambda lab: lab.token("nam"), "may not use SQL", id="a viewer's"),
        pytest.param(lambda lab: lab.token("binh"), "may not use SQL", id="an operator's"),
        pytest.param(
            lambda lab: lab.settings.admin_token(), "Authentication failed", id="the admin token is no person's"
        ),
        pytest.param(lambda _: "ioc_'' OR true --", "Authentication failed", id="SQL for a token"),
    ],
)
def test_who_is_not_let_in(lab: Lab, stranger: Analyst, token: Callable[[Lab], str], says: str) -> None:
    with pytest.raises(Failed, match=says):
        stranger.attach(lab.address, token(lab))


def test_rights_that_end_end_with_the_next_statement(lab: Lab, another: Analyst) -> None:
    another.attach(lab.address, lab.token("hoa"))
    assert another.ask("SELECT 1") == [[1]]
    try:
        lab.people.accounts.set_role("hoa", Role.VIEWER)
        with pytest.raises(Failed, match="may not use SQL"):
            another.ask("SELECT 1")
        lab.people.accounts.set_role("hoa", Role.ANALYST)
        assert another.ask("SELECT 1") == [[1]]
        lab.people.accounts.set_disabled("hoa", True)
        with pytest.raises(Failed, match="Authentication failed"):
            another.ask("SELECT 1")
    finally:
        lab.people.accounts.set_disabled("hoa", False)


def post(lab: Lab, content: bytes) -> httpx.Response:
    return httpx.post(f"http://{lab.address}/quack", content=content, timeout=20)


def test_messages_that_are_none(lab: Lab, analyst: Analyst) -> None:
    for content in (b"", b"\0" * 1000, b"\x01\x00\x03", b"GET / HTTP/1.1\r\n\r\n", os.urandom(500)):
        assert QuackMessage.read(post(lab, content).content).kind == Kind.ERROR
    unknown = QuackMessage(Kind.PREPARE, "F" * 32, b"", b"\x01\x00\x08SELECT 1\xff\xff").of_connection("F" * 32)
    assert b"attach again" in post(lab, unknown).content
    assert post(lab, b"x" * (MAX_MESSAGE_BYTES + 1)).status_code == 413
    assert httpx.get(f"http://{lab.address}/").status_code == 404
    host, port = lab.address.rsplit(":", 1)
    with socket.create_connection((host, int(port))) as garbage:
        garbage.sendall(os.urandom(4000) + b"\r\n\r\n")
        garbage.settimeout(10)
        assert b"400" in garbage.recv(100)
    assert analyst.ask("SELECT 1") == [[1]]


def test_the_processes_own_port_wants_its_secret(lab: Lab, analyst: Analyst, stranger: Analyst) -> None:
    analyst.ask("SELECT 1")
    port = lab.quack.sessions.taken()["lan"].process.port
    with pytest.raises(Failed, match="Authentication failed"):
        stranger.attach(f"127.0.0.1:{port}", lab.token("lan"))
