"""Accounts, sessions, display tokens and the trail, on a real file."""

import sqlite3
import stat
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from ioc.clock import FixedClock
from ioc.errors import ConfigurationInvalid
from ioc.model.person import Permission, Role
from ioc.people import AccountRefused, Credential, CredentialKind, People, TrailBroken
from ioc.people.sessions import MAX_IDLE, MAX_SESSION

NOW = datetime(2026, 11, 22, 1, 0, tzinfo=UTC)
PASSWORD = "mật khẩu đủ dài"


@pytest.fixture
def clock() -> FixedClock:
    return FixedClock(NOW)


@pytest.fixture
def people(tmp_path: Path, clock: FixedClock) -> People:
    people = People.open(tmp_path / "people.db", clock)
    people.accounts.add("lan", "Nguyễn Thị Lan", Role.OPERATOR, PASSWORD)
    return people


def test_the_file_is_private_and_holds_no_secret(people: People, tmp_path: Path) -> None:
    token, session = people.sessions.begin(people.accounts.log_in("lan", PASSWORD))
    display = people.sessions.make_display("sanh-lon")
    assert stat.S_IMODE((tmp_path / "people.db").stat().st_mode) == 0o600
    content = b"".join(path.read_bytes() for path in tmp_path.iterdir())
    for secret in (PASSWORD, token, display):
        assert secret.encode() not in content
    assert session.csrf.encode() in content


def test_looking_whether_a_session_holds_does_not_keep_it_alive(people: People, clock: FixedClock) -> None:
    token, session = people.sessions.begin(people.accounts.log_in("lan", PASSWORD))
    credential = Credential(CredentialKind.SESSION, token)
    for _ in range(4):
        assert people.identities.callers([credential]) == {credential: session.caller}
        clock.moment += MAX_IDLE / 4
    clock.moment += timedelta(seconds=1)
    assert people.identities.callers([credential]) == {credential: None}
    assert people.sessions.of(token) is None


@pytest.mark.parametrize(
    ("name", "full_name", "password", "says"),
    [
        pytest.param("lan", "Lan", PASSWORD, "already an account", id="taken"),
        pytest.param("Lan", "Lan", PASSWORD, "small letters", id="capital"),
        pytest.param("l", "Lan", PASSWORD, "2 to 32", id="one letter"),
        pytest.param("hoa", " ", PASSWORD, "full name", id="no full name"),
        pytest.param("hoa", "Hoa", "short", "12 to 256", id="short password"),
        pytest.param("hoa", "Hoa", "x" * 257, "12 to 256", id="long password"),
    ],
)
def test_unfit_accounts(people: People, name: str, full_name: str, password: str, says: str) -> None:
    with pytest.raises(ConfigurationInvalid, match=says):
        people.accounts.add(name, full_name, Role.VIEWER, password)
    assert [person.name for person in people.accounts.all()] == ["lan"]


def test_wrong_name_and_wrong_password_sound_the_same(people: People) -> None:
    said = set()
    for name, password in (("lan", "wrong password"), ("nobody", PASSWORD), ("lan", "x" * 5000)):
        with pytest.raises(AccountRefused) as refusal:
            people.accounts.log_in(name, password)
        said.add(str(refusal.value))
    assert len(said) == 1


def test_strangers_cannot_lock_an_account(people: People) -> None:
    for _ in range(12):
        with pytest.raises(AccountRefused):
            people.accounts.log_in("lan", "wrong password")
    assert people.accounts.log_in("lan", PASSWORD).role is Role.OPERATOR


def test_a_disabled_account_sounds_like_none(people: People) -> None:
    people.accounts.set_disabled("lan", True)
    with pytest.raises(AccountRefused, match="do not belong together"):
        people.accounts.log_in("lan", PASSWORD)


def test_a_file_of_the_version_that_locked_accounts_still_opens(tmp_path: Path) -> None:
    """It has two columns more, which nothing reads any longer."""
    with sqlite3.connect(tmp_path / "people.db") as old:
        old.execute(
            "CREATE TABLE people (name TEXT PRIMARY KEY, full_name TEXT NOT NULL, role TEXT NOT NULL, "
            "password_hash TEXT NOT NULL, disabled INTEGER NOT NULL DEFAULT 0, failed INTEGER NOT NULL DEFAULT 0, "
            "locked_until INTEGER NOT NULL DEFAULT 0, made_at INTEGER NOT NULL) STRICT"
        )
    old.close()
    people = People.open(tmp_path / "people.db")
    people.accounts.add("lan", "Lan", Role.VIEWER, PASSWORD)
    assert people.accounts.log_in("lan", PASSWORD).name == "lan"


def test_a_session_knows_the_role_of_now(people: People) -> None:
    token, _ = people.sessions.begin(people.accounts.log_in("lan", PASSWORD))
    people.accounts.set_role("lan", Role.ANALYST)
    session = people.sessions.of(token)
    assert session is not None
    assert session.caller.may(Permission.ASK_SQL)
    assert not session.caller.may(Permission.HANDLE_ALERTS)


@pytest.mark.parametrize("ends_by", ["log out", "new password", "disabled", "idle", "age"])
def test_a_session_ends(people: People, clock: FixedClock, ends_by: str) -> None:
    token, _ = people.sessions.begin(people.accounts.log_in("lan", PASSWORD))
    match ends_by:
        case "log out":
            people.sessions.end(token)
        case "new password":
            people.accounts.set_password("lan", "another password")
        case "disabled":
            people.accounts.set_disabled("lan", True)
        case "idle":
            clock.moment += MAX_IDLE + timedelta(seconds=1)
        case "age":
            while clock.moment < NOW + MAX_SESSION:
                assert people.sessions.of(token) is not None
                clock.moment += MAX_IDLE / 2
            clock.moment += timedelta(seconds=1)
    assert people.sessions.of(token) is None
    assert people.sessions.of(token[:-1]) is None


def test_a_disabled_account_does_not_log_in(people: People) -> None:
    people.accounts.set_disabled("lan", True)
    with pytest.raises(AccountRefused):
        people.accounts.log_in("lan", PASSWORD)


def test_a_display_can_only_look(people: People) -> None:
    first = people.sessions.make_display("sanh-lon")
    caller = people.sessions.display_of(first)
    assert caller is not None
    assert caller.name == "display:sanh-lon"
    assert caller.permissions == {Permission.LOOK}
    second = people.sessions.make_display("sanh-lon")
    assert people.sessions.display_of(first) is None
    people.sessions.end_display("sanh-lon")
    assert people.sessions.display_of(second) is None


def test_the_trail_only_grows(people: People, tmp_path: Path) -> None:
    for number in range(5):
        people.trail.note("lan", "alert.acknowledge", f"a{number}", {"why": "đã gọi"})
    assert [act.what for act in people.trail.read(before=4, limit=2)] == ["a2", "a1"]
    assert people.trail.verify() == 5
    with sqlite3.connect(tmp_path / "people.db") as connection:
        for change in ("UPDATE trail SET who = 'x'", "DELETE FROM trail"):
            with pytest.raises(sqlite3.IntegrityError, match="the trail is not"):
                connection.execute(change)


@pytest.mark.parametrize(
    "change", ["UPDATE trail SET who = 'x' WHERE number = 3", "DELETE FROM trail WHERE number = 2"]
)
def test_tampering_is_seen(people: People, tmp_path: Path, change: str) -> None:
    for number in range(5):
        people.trail.note("lan", "alert.acknowledge", f"a{number}")
    with sqlite3.connect(tmp_path / "people.db") as connection:
        connection.executescript("DROP TRIGGER trail_is_not_changed; DROP TRIGGER trail_is_not_shortened;" + change)
    with pytest.raises(TrailBroken):
        people.trail.verify()
