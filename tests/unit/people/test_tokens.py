"""Personal tokens on a real file, and the command that makes and revokes them."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import orjson
import pytest
from click.testing import CliRunner

from ioc.clock import FixedClock
from ioc.commands.user import command
from ioc.errors import ConfigurationInvalid
from ioc.model.person import PERMISSIONS, Role
from ioc.people import People

NOW = datetime(2026, 11, 22, 1, 0, tzinfo=UTC)
PASSWORD = "mật khẩu đủ dài"
DAYS = timedelta(days=90)


@pytest.fixture
def clock() -> FixedClock:
    return FixedClock(NOW)


@pytest.fixture
def people(tmp_path: Path, clock: FixedClock) -> People:
    people = People.open(tmp_path / "people.db", clock)
    people.accounts.add("lan", "Nguyễn Thị Lan", Role.ANALYST, PASSWORD)
    return people


def test_the_rights_are_those_of_the_role_at_that_moment(people: People) -> None:
    token, _ = people.tokens.make("lan", DAYS)
    for role in Role:
        people.accounts.set_role("lan", role)
        caller = people.tokens.caller_of(token)
        assert caller is not None
        assert (caller.name, caller.permissions) == ("lan", PERMISSIONS[role])


@pytest.mark.parametrize("ends_by", ["expiry", "revoked", "disabled"])
def test_a_token_ends(people: People, clock: FixedClock, ends_by: str) -> None:
    token, made = people.tokens.make("lan", DAYS)
    assert people.tokens.caller_of(token) is not None
    match ends_by:
        case "expiry":
            clock.moment += DAYS - timedelta(milliseconds=1)
            assert people.tokens.caller_of(token) is not None
            clock.moment += timedelta(milliseconds=1)
        case "revoked":
            assert people.tokens.revoke(made.id) == "lan"
        case "disabled":
            people.accounts.set_disabled("lan", True)
    assert people.tokens.caller_of(token) is None


@pytest.mark.parametrize("wrong", ["", "ioc_", "ioc_x", "x"])
def test_what_is_no_token(people: People, wrong: str) -> None:
    people.tokens.make("lan", DAYS)
    assert people.tokens.caller_of(wrong) is None


@pytest.mark.parametrize(
    ("person", "lasts", "says"),
    [
        pytest.param("hoa", DAYS, "no account", id="no such account"),
        pytest.param("lan", timedelta(0), "one to 366 days", id="over at once"),
        pytest.param("lan", timedelta(days=367), "one to 366 days", id="too long"),
    ],
)
def test_unfit_wishes(people: People, person: str, lasts: timedelta, says: str) -> None:
    with pytest.raises(ConfigurationInvalid, match=says):
        people.tokens.make(person, lasts)
    assert people.tokens.of("lan") == []


def test_the_file_holds_no_token(people: People, tmp_path: Path) -> None:
    token, _ = people.tokens.make("lan", DAYS)
    assert token.encode() not in b"".join(path.read_bytes() for path in tmp_path.iterdir())


def test_the_time_of_use_is_kept(people: People, clock: FixedClock) -> None:
    token, _ = people.tokens.make("lan", DAYS)
    assert [known.used_at for known in people.tokens.of("lan")] == [None]
    people.tokens.caller_of(token)
    assert [known.used_at for known in people.tokens.of("lan")] == [NOW]


def test_the_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IOC_DATA_DIR", str(tmp_path))
    people = People.open(tmp_path / "people.db")
    people.accounts.add("lan", "Nguyễn Thị Lan", Role.ANALYST, PASSWORD)
    run = CliRunner().invoke
    made = orjson.loads(run(command, ["token", "lan", "--for", "30d", "--json"]).output)
    assert people.tokens.caller_of(made["token"]) is not None
    shown = orjson.loads(run(command, ["tokens", "lan", "--json"]).output)
    assert [row["id"] for row in shown] == [made["id"]]
    assert run(command, ["revoke", made["id"]]).exit_code == 0
    assert people.tokens.caller_of(made["token"]) is None
    refused = run(command, ["token", "lan", "--for", "soon"])
    assert isinstance(refused.exception, ConfigurationInvalid)
    acts = [(act.act, act.what, act.details["id"]) for act in people.trail.read()]
    assert acts == [("token.revoke", "lan", made["id"]), ("token.add", "lan", made["id"])]
    assert made["token"] not in str(people.trail.read())
