"""The audit trail holds against somebody who can write its database but has not its key."""

import sqlite3
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path

import orjson
import pytest
from click.testing import CliRunner

from ioc.clock import FixedClock
from ioc.commands.user import command
from ioc.people import Anchor, People, TrailBroken

NOW = datetime(2026, 11, 22, 1, 0, tzinfo=UTC)
UNLOCK = "DROP TRIGGER trail_is_not_changed; DROP TRIGGER trail_is_not_shortened;"


@pytest.fixture
def people(tmp_path: Path) -> People:
    people = People.open(tmp_path / "people.db", FixedClock(NOW))
    note(people, 5)
    return people


def note(people: People, count: int) -> None:
    for number in range(count):
        people.trail.note("lan", "alert.acknowledge", f"a{number}", {"why": "đã gọi"})


def tamper(folder: Path, change: str) -> None:
    with sqlite3.connect(folder / "people.db") as connection:
        connection.executescript(UNLOCK + change)
    connection.close()


def rehash(folder: Path) -> None:
    """Chain all entries anew as one can without the key."""
    with sqlite3.connect(folder / "people.db") as connection:
        before = "0" * 64
        rows = connection.execute("SELECT number, at, who, act, what, details FROM trail ORDER BY number").fetchall()
        for row in rows:
            before = sha256(orjson.dumps([before, *row])).hexdigest()
            connection.execute("UPDATE trail SET hash = ? WHERE number = ?", [before, row[0]])
    connection.close()


@pytest.mark.parametrize(
    ("change", "says"),
    [
        pytest.param("UPDATE trail SET who = 'x' WHERE number = 3", "Entry 3 ", id="an entry changed"),
        pytest.param("DELETE FROM trail WHERE number = 2", "Entry 2 ", id="an entry taken out"),
        pytest.param("DELETE FROM trail WHERE number > 3", "had 5 entries and has 3", id="the newest cut off"),
        pytest.param("DELETE FROM trail", "had 5 entries and has 0", id="all of it"),
    ],
)
def test_tampering_is_found(people: People, tmp_path: Path, change: str, says: str) -> None:
    assert people.trail.verify() == 5
    tamper(tmp_path, change)
    with pytest.raises(TrailBroken, match=says):
        people.trail.verify()


def test_rewritten_hashes_are_found(people: People, tmp_path: Path) -> None:
    tamper(tmp_path, "UPDATE trail SET who = 'x' WHERE number = 3")
    rehash(tmp_path)
    with pytest.raises(TrailBroken, match="Entry 1 "):
        people.trail.verify()


def test_what_was_cut_off_stays_known_when_the_trail_goes_on(people: People, tmp_path: Path) -> None:
    tamper(tmp_path, "DELETE FROM trail WHERE number > 3")
    note(people, 4)
    with pytest.raises(TrailBroken, match=r'before entry 4 .*"expected":5,"found":3'):
        people.trail.verify()


def test_a_lost_head_is_found(people: People, tmp_path: Path) -> None:
    (tmp_path / "trail.head").unlink()
    with pytest.raises(TrailBroken, match=r"trail\.head"):
        people.trail.verify()
    note(people, 1)
    with pytest.raises(TrailBroken, match="before entry 6 "):
        people.trail.verify()


def test_a_published_anchor_finds_what_the_files_beside_it_no_longer_tell(people: People, tmp_path: Path) -> None:
    """Somebody who has all of the data directory puts an older copy of it back."""
    kept = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    note(people, 3)
    published = people.trail.newest()
    for path in tmp_path.iterdir():
        path.unlink()
    for name, content in kept.items():
        (tmp_path / name).write_bytes(content)
    again = People.open(tmp_path / "people.db", FixedClock(NOW)).trail
    assert again.verify() == 5
    with pytest.raises(TrailBroken, match="had 8 entries and has 5"):
        again.verify([published])
    with pytest.raises(TrailBroken, match="Entry 2 "):
        again.verify([Anchor(2, "another")])


def test_a_trail_of_the_version_without_a_key_keeps_verifying(people: People, tmp_path: Path) -> None:
    tamper(tmp_path, "")
    rehash(tmp_path)
    for name in ("trail.key", "trail.head"):
        (tmp_path / name).unlink()
    upgraded = People.open(tmp_path / "people.db", FixedClock(NOW))
    assert upgraded.trail.verify() == 5
    note(upgraded, 2)
    assert upgraded.trail.verify() == 7
    tamper(tmp_path, "UPDATE trail SET who = 'x' WHERE number = 2")
    with pytest.raises(TrailBroken, match="Entry 2 "):
        upgraded.trail.verify()
    rehash(tmp_path)
    with pytest.raises(TrailBroken, match="Entry 5 "):  # its hash is kept outside
        upgraded.trail.verify()


def test_two_processes_write_one_trail(people: People, tmp_path: Path) -> None:
    other = People.open(tmp_path / "people.db", FixedClock(NOW))
    for _ in range(3):
        note(people, 1)
        note(other, 1)
    assert people.trail.verify() == other.trail.verify() == 11
    assert ((tmp_path / "trail.key").stat().st_mode | (tmp_path / "trail.head").stat().st_mode) & 0o077 == 0


def test_the_command_tells_what_was_cut_off_and_what_it_could_not_compare(
    people: People, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("IOC_DATA_DIR", str(tmp_path))
    monkeypatch.delenv("IOC_KAFKA", raising=False)
    sound = CliRunner().invoke(command, ["trail", "--limit", "1"])
    assert (sound.exit_code, "not compared with its anchors in Kafka" in sound.output) == (0, True)
    tamper(tmp_path, "DELETE FROM trail WHERE number = 5")
    cut = CliRunner().invoke(command, ["trail", "--limit", "1"])
    assert isinstance(cut.exception, TrailBroken)
    assert "had 5 entries and has 4" in str(cut.exception)
