"""`ioc doctor`: each fault that needs a person is found and says what to do."""

import json
import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest

from ioc.catalog.toml_table import CatalogInvalid, DefinitionFault
from ioc.doctor import LEVELS, Finding, FindingLevel, files, running
from ioc.errors import ConfigurationInvalid
from ioc.messages import Message
from ioc.messages.tables import texts
from ioc.people import People
from ioc.settings import VIETNAM, Settings
from ioc.store import Store

NOW = datetime(2026, 12, 1, 8, tzinfo=UTC)


def codes(findings: Any) -> list[str]:
    return [finding.code for finding in findings]


@pytest.mark.parametrize("code", [code for code, level in LEVELS.items() if level is FindingLevel.BAD])
def test_what_needs_a_person_says_what_to_do(code: str) -> None:
    """Or carries a reason that says it: what is refused elsewhere names the mend."""
    text = texts("en")[code]
    assert "{reason}" in text or any(word in text for word in ("run ", "free ", "see ")), text


def test_definitions_name_every_faulty_file() -> None:
    def refuse() -> dict[str, int]:
        raise CatalogInvalid(
            [
                DefinitionFault("a.toml", "own.k", "take", Message.of("is missing.")),
                DefinitionFault("b.csv", "", "", Message.of("not CSV.")),
            ]
        )

    found = list(files.definitions(refuse))
    assert [(one.code, one.params["file"]) for one in found] == [("file_faulty", "a.toml"), ("file_faulty", "b.csv")]
    assert "own.k · take · is missing." in found[0].text("en")
    assert codes(files.definitions(lambda: {"kpis": 1, "rules": 1})) == ["definitions_fine"]


def test_sources_that_cannot_be_read_are_named(tmp_path: Path) -> None:
    def refuse(path: Path) -> None:
        raise ConfigurationInvalid(Message.of(f"{path.name}: kind is missing."))

    assert codes(files.source_files(tmp_path, refuse)) == ["no_sources"]
    (tmp_path / "one.toml").touch()
    [found] = files.source_files(tmp_path, refuse)
    assert "one.toml: kind is missing." in found.text("vi")


def test_secrets_that_others_can_read(tmp_path: Path) -> None:
    settings = Settings(tmp_path)
    settings.admin_token()
    assert codes(files.modes(settings)) == ["files_private"]
    (tmp_path / "admin.token").chmod(0o644)
    [found] = files.modes(settings)
    assert (found.code, found.params["file"]) == ("readable_by_others", str(tmp_path / "admin.token"))


def test_a_damaged_file_of_accounts(tmp_path: Path) -> None:
    path = tmp_path / "people.db"
    assert codes(files.people(path)) == []
    People.open(path)
    assert codes(files.people(path)) == ["people_fine"]
    path.write_bytes(b"not SQLite" * 1000)
    [found] = files.people(path)
    assert found.code == "people_file_damaged"
    assert "restore it from a backup" in found.text("en")


def test_a_damaged_store_names_the_snapshot_to_put_in_its_place(tmp_path: Path) -> None:
    settings = Settings(tmp_path)
    assert codes(files.store(settings)) == []
    Store.open(settings.store_path, settings.archive_dir, zone=VIETNAM).close()
    assert codes(files.store(settings)) == ["store_sound"]
    settings.store_path.write_bytes(settings.store_path.read_bytes()[:2000])
    [found] = files.store(settings)
    assert (found.code, found.level) == ("store_file_damaged", FindingLevel.BAD)
    assert str(settings.snapshots_dir) in found.text("en")


def test_a_store_that_a_server_holds_is_not_damaged(tmp_path: Path) -> None:
    settings = Settings(tmp_path)
    held_here = Store.open(settings.store_path, settings.archive_dir, zone=VIETNAM)
    assert codes(files.store(settings)) == []
    held_here.close()
    assert codes(files.store(settings)) == ["store_sound"]

    def held(*_: object, **__: object) -> None:
        raise duckdb.IOException("Could not set lock on file: Conflicting lock is held")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(duckdb, "connect", held)
        assert codes(files.store(settings)) == []


@pytest.mark.parametrize(
    ("free", "code"),
    [
        pytest.param(40, "disk_roomy", id="room"),
        pytest.param(12, "disk_short", id="short"),
        pytest.param(3, "disk_nearly_full", id="nearly full"),
    ],
)
def test_disk(free: int, code: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = type(shutil.disk_usage(tmp_path))(100 * 10**9, (100 - free) * 10**9, free * 10**9)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage)
    assert codes(files.disk(tmp_path)) == [code]


@pytest.mark.parametrize(
    ("minutes", "is_running", "code"),
    [
        pytest.param(5, True, "snapshot_recent", id="recent"),
        pytest.param(60, True, "snapshot_old", id="old beside a running server"),
        pytest.param(60, False, "snapshot_recent", id="old, but nothing runs"),
    ],
)
def test_snapshot(minutes: int, is_running: bool, code: str, tmp_path: Path) -> None:
    settings = Settings(tmp_path)
    assert codes(files.snapshot(settings, NOW, is_running=True)) == ["snapshot_absent"]
    folder = settings.snapshots_dir / "s1"
    folder.mkdir(parents=True)
    (folder / "ioc.duckdb").touch()
    taken = (NOW - timedelta(minutes=minutes)).isoformat()
    facts = {"stamp": "s1", "taken_at": taken, "size_bytes": 1, "took_s": 0.1}
    (settings.snapshots_dir / "current.json").write_text(json.dumps(facts))
    assert codes(files.snapshot(settings, NOW, is_running=is_running)) == [code]


def test_archive(tmp_path: Path) -> None:
    assert codes(files.archive(tmp_path)) == []
    day = tmp_path / "year=2026" / "month=11" / "day=30"
    day.mkdir(parents=True)
    (day / "panes-1.parquet").touch()
    [found] = files.archive(tmp_path)
    assert found.params == {"files": 1, "day": "2026-11-30"}


FAULT = {"code": "thread_stopped", "params": {"thread": "pulse"}, "field": "", "message": "x", "since": "x"}
SOURCE = {"source": "lgsp", "condition": "live", "error": ""}


def asked(answers: dict[str, tuple[int, Any]]) -> running.Ask:
    full = {
        "/healthz": (200, {"status": "ok"}),
        "/readyz": (200, {"status": "ok"}),
        "/api/v1/sources": (200, {"sources": [SOURCE]}),
        "/api/v1/ledger": (200, {"balanced": True}),
    } | answers
    return lambda path: full[path]


@pytest.mark.parametrize(
    ("answers", "expected"),
    [
        pytest.param({}, ["server_answers", "parts_work", "sources_fine", "ledger_balances"], id="all is well"),
        pytest.param(
            {"/readyz": (503, {"errors": [FAULT]})},
            ["server_answers", "thread_stopped", "sources_fine", "ledger_balances"],
            id="a part has stopped",
        ),
        pytest.param(
            {"/api/v1/sources": (200, {"sources": [SOURCE | {"condition": "failing", "error": "HTTP 401."}]})},
            ["server_answers", "parts_work", "source_troubled", "ledger_balances"],
            id="a source fails",
        ),
        pytest.param(
            {"/api/v1/ledger": (200, {"balanced": False, "coded_faults": [FAULT]})},
            ["server_answers", "parts_work", "sources_fine", "thread_stopped"],
            id="the ledger does not balance",
        ),
        pytest.param(
            {"/api/v1/sources": (401, {})}, ["server_answers", "parts_work", "server_refuses"], id="another token"
        ),
    ],
)
def test_what_the_server_says(answers: dict[str, tuple[int, Any]], expected: list[str], tmp_path: Path) -> None:
    found = list(running.server(Settings(tmp_path), asked(answers)))
    assert codes(found) == expected
    for finding in found:
        assert finding.text("vi")


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        pytest.param("kafka_silent", "Kafka không trả lời.", id="a known code"),
        pytest.param("of_a_newer_centre", "HTTP 401.", id="the code of another version"),
        pytest.param("", "HTTP 401.", id="no code"),
    ],
)
def test_the_error_of_a_source_is_in_the_language_of_the_reader(code: str, reason: str, tmp_path: Path) -> None:
    failing = SOURCE | {"condition": "failing", "error": "HTTP 401.", "error_code": code, "error_params": {}}
    found = running.server(Settings(tmp_path), asked({"/api/v1/sources": (200, {"sources": [failing]})}))
    [troubled] = [finding for finding in found if finding.code == "source_troubled"]
    assert troubled.text("vi") == f"Nguồn lgsp gặp lỗi: {reason}"


def test_a_server_that_is_away(tmp_path: Path) -> None:
    def away(_: str) -> tuple[int, Any]:
        raise ConnectionRefusedError

    [found] = running.server(Settings(tmp_path), away)
    assert (found.code, found.level) == ("server_away", FindingLevel.BAD)
    assert codes(running.lab(Settings(tmp_path))) == ["lab_away"]
    assert codes(running.broker(Settings(tmp_path))) == ["broker_does_not_answer"]


@pytest.mark.parametrize("code", ["nothing", "disk_roomy"], ids=["unknown code", "missing parameter"])
def test_a_finding_without_a_whole_sentence_is_refused(code: str) -> None:
    with pytest.raises(KeyError):
        Finding.of("disk", code)
