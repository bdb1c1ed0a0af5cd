"""Snapshots of a store that is being written are whole and of one moment; after a failure the last one stays."""

import json
import os
import resource
import shutil
import signal
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import duckdb
import pytest

from ioc.settings import VIETNAM
from ioc.store import Store, transaction
from ioc.store.snapshot import FILE, KEPT, SnapshotFailed, current, failure, take
from tests.integration.store.snapshot_taker import take_snapshots
from tests.support.preloaded import FORKED

NOW = datetime(2026, 11, 20, 5, 0, tzinfo=UTC)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = Store.open(tmp_path / "store" / "ioc.duckdb", tmp_path / "archive", zone=VIETNAM)
    with opened.cursor() as cursor:
        cursor.execute("CREATE TABLE pairs (a BIGINT, b BIGINT)")
        cursor.execute("CREATE TABLE filler AS SELECT range AS n, hash(range) AS h FROM range(400000)")
        cursor.execute("SET GLOBAL checkpoint_threshold = '256KB'")  # its own checkpoints shall come often
    yield opened
    opened.close()


class Writing:
    """Writes pairs whose sums agree in each transaction, and sees how long a transaction takes."""

    def __init__(self, store: Store) -> None:
        self._store, self._ending = store, threading.Event()
        self._thread = threading.Thread(target=self._run)
        self.took_s: list[float] = []

    def __enter__(self) -> "Writing":
        self._thread.start()
        while len(self.took_s) < 5:
            time.sleep(0.01)
        return self

    def __exit__(self, *_: object) -> None:
        self._ending.set()
        self._thread.join()

    def _run(self) -> None:
        with self._store.cursor() as cursor:
            while not self._ending.is_set():
                began_s = time.monotonic()
                with self._store.writing, transaction(cursor, self._store.path):
                    cursor.execute("INSERT INTO pairs SELECT range, 0 FROM range(3000)")
                    cursor.execute("INSERT INTO pairs SELECT 0, range FROM range(3000)")
                self.took_s.append(time.monotonic() - began_s)
                time.sleep(0.002)


def pairs_of(path: Path) -> tuple[int, bool]:
    """How many pairs, and whether they are of whole transactions."""
    with duckdb.connect(str(path), read_only=True) as connection:
        n, a, b = connection.execute("SELECT count(*), coalesce(sum(a), 0), coalesce(sum(b), 0) FROM pairs").fetchall()[
            0
        ]
        connection.execute("SELECT sum(hash(n, h)) FROM filler").fetchall()
    return n, a == b and n % 6000 == 0


def test_each_is_of_one_moment_while_the_store_is_written(store: Store, tmp_path: Path) -> None:
    seen = []
    with Writing(store) as writing:
        for number in range(8):
            taken = take(store, tmp_path / "snapshots", NOW + timedelta(minutes=number))
            n, is_whole = pairs_of(taken.path)
            assert is_whole
            seen.append(n)
            assert current(tmp_path / "snapshots") == current(tmp_path / "snapshots")
    assert seen == sorted(seen)
    assert seen[-1] > seen[0] > 0
    assert len(writing.took_s) > 8
    folders = [path.name for path in (tmp_path / "snapshots").iterdir() if path.is_dir()]
    assert len(folders) == KEPT
    with store.cursor() as cursor:
        assert cursor.execute("SELECT current_setting('checkpoint_threshold')").fetchall() != [("1TB",)]


def test_a_checkpoint_in_mid_copy_is_found_out(store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    copied, real = [], os.copy_file_range  # type: ignore[var-annotated]

    def copy(source: int, target: int, count: int) -> int:
        if len(copied) < 2:
            with store.cursor() as cursor:
                cursor.execute("INSERT INTO pairs SELECT 1, 1 FROM range(6000)")
                cursor.execute("CHECKPOINT")
        copied.append(count)
        return real(source, target, count)

    monkeypatch.setattr(os, "copy_file_range", copy)
    taken = take(store, tmp_path / "snapshots", NOW)
    assert len(copied) > 2
    assert pairs_of(taken.path) == (12_000, True)


def test_the_archives_files_of_that_moment_stay(store: Store, tmp_path: Path) -> None:
    file = tmp_path / "archive" / "year=2026" / "panes-0000.parquet"
    file.parent.mkdir(parents=True)
    file.write_bytes(b"PAR1")
    with store.cursor() as cursor:
        cursor.execute(
            "INSERT INTO archive_files VALUES ('panes', 20000, 'year=2026/panes-0000.parquet', 'kept', 1, 1, 4)"
        )
        cursor.execute("INSERT INTO archive_files VALUES ('panes', 20000, 'year=2026/gone.parquet', 'kept', 1, 1, 4)")
    taken = take(store, tmp_path / "snapshots", NOW)
    file.unlink()
    assert [path.read_bytes() for path in taken.archive_dir.rglob("*.parquet")] == [b"PAR1"]


def test_a_full_disk_leaves_the_last_one_in_use(store: Store, tmp_path: Path) -> None:
    folder = tmp_path / "snapshots"
    good = take(store, folder, NOW)
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    ignored = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (256 * 1024, before[1]))
    try:
        with pytest.raises(SnapshotFailed, match="No snapshot could be taken: File too large"):
            take(store, folder, NOW + timedelta(minutes=5))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, ignored)
    assert (found := current(folder)) is not None
    assert found.path == good.path
    assert failure(folder).startswith("No snapshot could be taken")
    assert list(folder.glob(".draft-*")) == []
    assert take(store, folder, NOW + timedelta(minutes=6)).path != good.path
    assert failure(folder) == ""


def test_an_unreadable_copy_never_comes_into_use(store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "snapshots"
    good = take(store, folder, NOW)

    def copy(source: int, target: int, count: int) -> int:
        os.lseek(source, count, os.SEEK_CUR)
        return os.write(target, bytes(count))

    monkeypatch.setattr(os, "copy_file_range", copy)
    with pytest.raises(SnapshotFailed):
        take(store, folder, NOW + timedelta(minutes=5))
    assert (found := current(folder)) is not None
    assert found.path == good.path


def test_killed_at_any_point_the_last_good_one_is_in_use(store: Store, tmp_path: Path) -> None:
    store.close()
    folder = tmp_path / "snapshots"
    for number in range(4):
        heard, told = FORKED.Pipe(duplex=False)
        process = FORKED.Process(target=take_snapshots, args=(tmp_path, told), daemon=True)
        process.start()
        told.close()
        assert heard.recv()
        heard.close()
        time.sleep(0.05 + 0.1 * number)
        process.kill()
        process.join()
        found = current(folder)
        if found is not None:
            assert found.path.name == FILE
            assert pairs_of(found.path)[1]
            assert json.loads((folder / "current.json").read_text())["size_bytes"] == found.path.stat().st_size
    store.reopen()
    taken = take(store, folder, datetime.now(UTC))
    assert pairs_of(taken.path)[1]
    assert list(folder.glob(".draft-*")) == []
    shutil.rmtree(folder)
    assert current(folder) is None
