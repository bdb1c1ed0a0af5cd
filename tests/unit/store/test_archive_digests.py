"""A file of the archive that is not as it was written is named and not read, and kept again once it is restored."""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from ioc.clock import FixedClock, to_ms
from ioc.fault_register import FaultRegister
from ioc.store import Maintenance, Store, apply_panes
from ioc.store.archive import join_files
from ioc.store.archive_digests import forget_checks
from ioc.store.archive_verifier import VERIFY_AGAIN_AFTER, verify_all
from ioc.store.archive_views import archived_rows
from ioc.store.audit import audit
from tests.support.store_batches import one_pane

NOON = datetime(2026, 11, 22, 5, 0, tzinfo=UTC)
DAY = (NOON.date() - datetime(1970, 1, 1, tzinfo=UTC).date()).days


@pytest.fixture
def clock() -> FixedClock:
    return FixedClock(NOON)


@pytest.fixture
def faults(clock: FixedClock) -> FaultRegister:
    return FaultRegister(clock)


@pytest.fixture
def maintenance(store: Store, clock: FixedClock, faults: FaultRegister) -> Maintenance:
    """Two days in the archive, with 7 and 20 readings."""
    apply_panes(store, *(one_pane(to_ms(NOON + timedelta(days=d)) // 60_000, n=n) for d, n in ((0, 7), (1, 20))))
    maintenance = Maintenance(store, clock=clock, faults=faults)
    settle(maintenance, clock, days=5)
    return maintenance


def settle(maintenance: Maintenance, clock: FixedClock, **later: float) -> None:
    """Let everything be done that is due, and each file be verified once."""
    clock.moment += timedelta(**later)
    for _ in range(12):
        while maintenance.step():
            pass


def first_file(store: Store) -> Path:
    return store.archive_dir / "year=2026/month=11/day=22/panes-0000.parquet"


def flip_a_bit(path: Path, *, keeps_its_time: bool) -> None:
    before, content = path.stat(), bytearray(path.read_bytes())
    content[len(content) // 3] ^= 1
    with path.open("r+b") as file:
        file.write(content)
    if keeps_its_time:
        os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


def readings(store: Store) -> int:
    """What a query over both archived days finds."""
    with store.cursor() as cursor:
        rows = archived_rows(cursor, store.archive_dir, "panes", DAY, DAY + 1)
        return int(cursor.execute(f"SELECT coalesce(sum(n), 0) FROM ({rows})").fetchall()[0][0])


@pytest.mark.parametrize("keeps_its_time", [False, True], ids=["as a write leaves it", "as a failing disk leaves it"])
def test_a_flipped_bit_is_found_named_and_not_read(
    store: Store, maintenance: Maintenance, clock: FixedClock, faults: FaultRegister, keeps_its_time: bool
) -> None:
    path, sound = first_file(store), first_file(store).read_bytes()
    assert (readings(store), faults.current()) == (27, ())
    flip_a_bit(path, keeps_its_time=keeps_its_time)
    if keeps_its_time:
        settle(maintenance, clock, seconds=VERIFY_AGAIN_AFTER.total_seconds())
    assert readings(store) == 20
    settle(maintenance, clock, seconds=VERIFY_AGAIN_AFTER.total_seconds())
    [fault] = faults.current()
    assert (fault.code, fault.params["file"]) == ("archive_damaged", "year=2026/month=11/day=22/panes-0000.parquet")
    with store.cursor() as cursor:
        assert audit(cursor) == ["The minute panes hold 20 readings, but 27 were applied."]
        assert cursor.execute("SELECT sum(n)::INTEGER FROM all_minute_panes").fetchall() == [(20,)]
    path.write_bytes(sound)
    settle(maintenance, clock, seconds=VERIFY_AGAIN_AFTER.total_seconds())
    assert (readings(store), faults.current()) == (27, ())
    with store.cursor() as cursor:
        assert audit(cursor) == []


def test_a_lost_file_is_named_while_the_centre_runs(
    store: Store, maintenance: Maintenance, clock: FixedClock, faults: FaultRegister
) -> None:
    first_file(store).unlink()
    assert readings(store) == 20
    settle(maintenance, clock, seconds=VERIFY_AGAIN_AFTER.total_seconds())
    assert [fault.code for fault in faults.current()] == ["archive_missing"]


def test_the_whole_archive_is_verified_when_asked(store: Store, maintenance: Maintenance, clock: FixedClock) -> None:
    assert verify_all(store, clock.now()).faults == ()
    flip_a_bit(first_file(store), keeps_its_time=True)
    report = verify_all(store, clock.now())
    assert (report.files, [fault.code for fault in report.faults]) == (2, ["archive_damaged"])


def test_a_damaged_file_is_not_joined_into_one_that_looks_sound(
    store: Store, maintenance: Maintenance, clock: FixedClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ioc.store.archive.MAX_FILES_PER_DAY", 0)
    flip_a_bit(first_file(store), keeps_its_time=True)
    forget_checks()
    with store.cursor() as cursor:
        while join_files(store, cursor) and cursor.execute(
            "SELECT count(*) FROM archive_files WHERE state = 'kept' AND path NOT LIKE '%0000.parquet'"
        ).fetchall() == [(0,)]:
            pass
        states = dict(cursor.execute("SELECT day, state FROM archive_files").fetchall())
    assert states == {DAY: "damaged", DAY + 1: "kept"}


def test_a_file_of_before_there_were_digests_gets_one(
    store: Store, maintenance: Maintenance, clock: FixedClock, faults: FaultRegister
) -> None:
    with store.cursor() as cursor:
        cursor.execute("DELETE FROM archive_digests")
    assert readings(store) == 27
    settle(maintenance, clock, seconds=VERIFY_AGAIN_AFTER.total_seconds())
    with store.cursor() as cursor:
        assert cursor.execute("SELECT count(*) FROM archive_digests").fetchall() == [(2,)]
    assert faults.current() == ()
