"""Opening, transactions, codes, and errors in one sentence."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from zoneinfo import ZoneInfo

import duckdb
import pytest

from ioc.errors import ConfigurationInvalid, StoreUnavailable
from ioc.settings import VIETNAM
from ioc.store import Store, apply_panes, transaction
from tests.support.store_batches import one_pane

HOLD = "import duckdb, sys; c = duckdb.connect(sys.argv[1]); print('held', flush=True); sys.stdin.read()"


def test_a_file_held_by_another_process_is_said_so(tmp_path: Path) -> None:
    path = tmp_path / "ioc.duckdb"
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        with pytest.raises(StoreUnavailable, match="is held by another process"):
            Store.open(path, tmp_path / "archive", zone=VIETNAM)
        holder.kill()
    Store.open(path, tmp_path / "archive", zone=VIETNAM).close()


def test_a_file_that_is_no_database_is_said_so(tmp_path: Path) -> None:
    path = tmp_path / "ioc.duckdb"
    path.write_bytes(b"not a database" * 1000)
    with pytest.raises(StoreUnavailable, match="cannot be used"):
        Store.open(path, tmp_path / "archive", zone=VIETNAM)


def test_days_of_another_zone_are_refused(store: Store) -> None:
    store.close()
    with pytest.raises(StoreUnavailable, match=r"keeps days of UTC\+7, the centre's zone is UTC\+9"):
        Store.open(store.path, store.archive_dir, zone=ZoneInfo("Asia/Tokyo"))


@pytest.mark.parametrize("zone", ["Europe/Berlin", "Asia/Kolkata"])
def test_only_zones_of_whole_hours_all_year(tmp_path: Path, zone: str) -> None:
    with pytest.raises(ConfigurationInvalid, match=zone):
        Store.open(tmp_path / "ioc.duckdb", tmp_path / "archive", zone=ZoneInfo(zone))


def test_a_failed_transaction_leaves_nothing(store: Store) -> None:
    with pytest.raises(StoreUnavailable, match="no_such_table"):
        _insert_and_fail(store)
    with store.cursor() as cursor:
        assert cursor.execute("SELECT count(*) FROM topic_logs").fetchall() == [(0,)]


def _insert_and_fail(store: Store) -> None:
    with store.cursor() as cursor, transaction(cursor, store.path):
        cursor.execute("INSERT INTO topic_logs VALUES ('t', 'id', '2026-01-01')")
        cursor.execute("SELECT * FROM no_such_table")


def test_words_of_a_failed_transaction_have_no_code(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.setattr("ioc.store.commit_tick.append_dead_letters", _raise)
        with pytest.raises(StoreUnavailable):
            apply_panes(store, one_pane(1, measure="never.stored"))
    apply_panes(store, one_pane(1, measure="stored"))
    assert store.codes.known("measure") == {"stored": 1}
    store.close()
    store.reopen()
    assert store.codes.known("measure") == {"stored": 1}


def _raise(*_: object) -> None:
    raise duckdb.Error("no")


def test_what_was_committed_is_there_after_reopening(store: Store) -> None:
    apply_panes(store, one_pane(1, n=3))
    held = store.cursor()
    store.reopen()
    with pytest.raises(duckdb.ConnectionException):
        held.execute("SELECT 1")
    with store.cursor() as cursor:
        assert cursor.execute("SELECT sum(n) FROM minute_panes").fetchall() == [(3,)]


def test_a_closed_store_says_so(store: Store) -> None:
    store.close()
    with pytest.raises(StoreUnavailable, match="is closed"):
        store.cursor()


def test_the_store_knows_its_province_and_refuses_another(tmp_path: Path) -> None:
    path, archive = tmp_path / "store" / "ioc.duckdb", tmp_path / "archive"
    store = Store.open(path, archive, zone=VIETNAM)
    store.claim("48")
    store.claim("48")
    store.close()
    store = Store.open(path, archive, zone=VIETNAM)
    with pytest.raises(ConfigurationInvalid, match=r"holds the data of province 48.*IOC_PROVINCE=48"):
        store.claim("46")
    store.close()
