"""Roll-up, archive and retention under a clock that the test turns."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pyarrow.parquet as pq
import pytest

from ioc.clock import FixedClock, to_ms
from ioc.errors import StoreUnavailable
from ioc.store import Maintenance, Store, apply_panes
from ioc.store.archive import archive_slice
from ioc.store.audit import audit
from ioc.store.roll_up import roll_up
from ioc.store.store import transaction
from tests.support.store_batches import Reading, one_pane, panes_batch

NOON = datetime(2026, 11, 22, 5, 0, tzinfo=UTC)  # 12:00 in Viet Nam


@pytest.fixture
def clock() -> FixedClock:
    return FixedClock(NOON)


@pytest.fixture
def maintenance(store: Store, clock: FixedClock) -> Maintenance:
    return Maintenance(store, clock=clock)


def settle(maintenance: Maintenance, clock: FixedClock, **later: float) -> None:
    clock.moment += timedelta(**later)
    while maintenance.step():
        pass


def minute(moment: datetime) -> int:
    return to_ms(moment) // 60_000


def value(store: Store, query: str) -> Any:
    with store.cursor() as cursor:
        return cursor.execute(query).fetchall()[0][0]


def faults(store: Store) -> list[str]:
    with store.cursor() as cursor:
        return list(map(str, audit(cursor)))


def test_pieces_that_an_earlier_run_left_become_one_row(
    store: Store, maintenance: Maintenance, clock: FixedClock
) -> None:
    moments = [NOON - timedelta(hours=1), NOON - timedelta(days=3), NOON - timedelta(days=20)]
    with store.cursor() as cursor:
        for _ in range(3):  # rolled up, and killed before it was compacted
            for moment in moments:
                apply_panes(store, one_pane(minute(moment), n=2))
            with transaction(cursor, store.path):
                roll_up(cursor, 7, 0)
    assert value(store, "SELECT count(*) FROM kept_minute_panes") == 9
    settle(maintenance, clock)
    for level in ("minute", "hour"):
        assert value(store, f"SELECT count(*) - count(DISTINCT {level}) FROM kept_{level}_panes") == 0
    assert value(store, "SELECT sum(n)::BIGINT FROM hour_panes") == 18
    assert faults(store) == []


def test_recent_rows_are_rolled_up_and_closed_minutes_become_one_row(
    store: Store, maintenance: Maintenance, clock: FixedClock
) -> None:
    for _ in range(3):
        apply_panes(store, one_pane(minute(NOON), n=2))
        settle(maintenance, clock, seconds=61)
    assert value(store, "SELECT count(*) FROM recent_panes") == 0
    assert value(store, "SELECT count(*) FROM kept_minute_panes") == 1
    assert value(store, "SELECT count(*) FROM kept_hour_panes") == 3, "the running hour is still additive rows"
    settle(maintenance, clock, hours=1)
    assert value(store, "SELECT count(*) FROM kept_hour_panes") == 1
    assert faults(store) == []


def test_past_days_live_in_the_archive_alone(store: Store, maintenance: Maintenance, clock: FixedClock) -> None:
    midnight = datetime(2026, 11, 22, 17, 0, tzinfo=UTC)  # of the 23rd in Viet Nam
    reading = Reading("air.pm25", "19753", "AQ-01", to_ms(midnight) - 1, 31.5)
    apply_panes(
        store, panes_batch([reading], {"air.pm25": [5]}, {"air.pm25": [(1, 2)]}), one_pane(minute(midnight), n=4)
    )
    settle(maintenance, clock, days=2)
    assert value(store, "SELECT sum(n) FROM minute_panes") == 5, "two whole past days stay in the table"
    settle(maintenance, clock, days=1)
    assert value(store, "SELECT sum(n) FROM minute_panes") == 4
    assert value(store, "SELECT sum(n) FROM all_minute_panes") == 5
    assert value(store, "SELECT sum(n) FROM all_minute_buckets") == 1
    assert value(store, "SELECT max(rank) FROM all_minute_registers") == 2
    file = store.archive_dir / "year=2026/month=11/day=22/panes-0000.parquet"
    row = pq.read_table(file).to_pylist()[0]
    assert (row["measure"], row["unit"], row["subject"], row["n"], row["sum"]) == (
        "air.pm25",
        "19753",
        "AQ-01",
        1,
        31.5,
    )
    assert row["time"] == datetime(2026, 11, 22, 16, 59)  # noqa: DTZ001 - UTC, as all of the store's times
    assert pq.ParquetFile(file).metadata.row_group(0).column(0).compression == "ZSTD"
    assert value(store, "SELECT n FROM panes_minute WHERE subject = 'AQ-01'") == 1
    assert faults(store) == []


def test_late_readings_of_an_archived_day_are_united_and_its_files_joined(
    store: Store, maintenance: Maintenance, clock: FixedClock
) -> None:
    apply_panes(store, one_pane(minute(NOON)))
    settle(maintenance, clock, days=3)
    for late in range(1, 6):
        apply_panes(store, one_pane(minute(NOON), n=10**late))
        assert value(store, "SELECT sum(n) FROM all_minute_panes") == int("1" * (late + 1))
        settle(maintenance, clock, hours=2)
        assert value(store, "SELECT sum(n) FROM all_minute_panes") == int("1" * (late + 1))
    files = [path.name for path in store.archive_dir.rglob("*.parquet")]
    assert len(files) == value(store, "SELECT count(*) FROM archive_files")
    assert len(files) < 4
    assert faults(store) == []


def test_each_level_is_kept_for_its_time(store: Store, maintenance: Maintenance, clock: FixedClock) -> None:
    apply_panes(store, one_pane(minute(NOON), n=7))
    settle(maintenance, clock, days=31)
    assert value(store, "SELECT coalesce(sum(n), 0) FROM all_minute_panes") == 0
    assert list(store.archive_dir.rglob("*.parquet")) == []
    assert value(store, "SELECT sum(n) FROM hour_panes") == 7
    settle(maintenance, clock, days=370)
    assert value(store, "SELECT coalesce(sum(n), 0) FROM hour_panes") == 0
    assert value(store, "SELECT sum(n) FROM day_panes") == 7
    assert faults(store) == []


def test_a_reading_too_late_for_minutes_counts_in_its_hour_and_day(
    store: Store, maintenance: Maintenance, clock: FixedClock
) -> None:
    apply_panes(store, one_pane(minute(NOON - timedelta(days=60)), n=3), one_pane(minute(NOON), n=5))
    settle(maintenance, clock, minutes=2)
    assert value(store, "SELECT sum(n) FROM minute_panes") == 5
    assert value(store, "SELECT sum(n) FROM hour_panes") == 8
    assert faults(store) == []


@pytest.mark.parametrize("breaks", ["_write", "_count_in", "refresh_views"])
def test_interrupted_archiving_counts_nothing_twice(
    store: Store, maintenance: Maintenance, clock: FixedClock, breaks: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    apply_panes(store, one_pane(minute(NOON), n=7))
    settle(maintenance, clock, minutes=2)
    with monkeypatch.context() as patch, store.cursor() as cursor:
        patch.setattr(f"ioc.store.archive.{breaks}", _no_space)
        with pytest.raises(StoreUnavailable):
            archive_slice(store, cursor, before_day=30_000)
    assert list(store.archive_dir.rglob("*.parquet")) == []
    assert value(store, "SELECT sum(n) FROM all_minute_panes") == 7
    settle(maintenance, clock, days=4)
    assert value(store, "SELECT sum(n) FROM archived_minute_panes") == 7
    assert faults(store) == []


def _no_space(*_: object) -> None:
    raise duckdb.IOException("No space left on device")


def test_what_a_killed_writer_left_is_swept(store: Store, clock: FixedClock) -> None:
    left = store.archive_dir / "year=2026/month=11/day=22/panes-0000.parquet"
    left.parent.mkdir(parents=True)
    left.write_bytes(b"half a file")
    with store.cursor() as cursor:
        path = str(left.relative_to(store.archive_dir))
        cursor.execute("INSERT INTO archive_files VALUES ('panes', 20779, ?, 'writing', 0, 0, 0)", [path])
    Maintenance(store, clock=clock).step()
    assert not left.exists()
    assert value(store, "SELECT count(*) FROM archive_files") == 0


def test_a_missing_archive_file_is_a_fault_and_the_rest_stays_readable(
    store: Store, maintenance: Maintenance, clock: FixedClock
) -> None:
    apply_panes(store, one_pane(minute(NOON), n=7), one_pane(minute(NOON + timedelta(days=1)), n=20))
    settle(maintenance, clock, days=5)
    moved = store.archive_dir / "year=2026/month=11/day=22/panes-0000.parquet"
    aside = moved.rename(Path(f"{moved}.aside"))
    store.reopen()
    assert value(store, "SELECT sum(n) FROM all_minute_panes") == 20
    assert faults(store) == ["The minute panes hold 20 readings, but 27 were applied."]
    aside.rename(moved)
    store.reopen()
    assert value(store, "SELECT sum(n) FROM all_minute_panes") == 27
    assert faults(store) == []


def test_values_thin_to_the_last_of_each_hour(store: Store, maintenance: Maintenance, clock: FixedClock) -> None:
    with store.cursor() as cursor:
        for shown, number in (("09:00", 1), ("09:59", 2), ("10:00", 3)):
            cursor.execute(
                "INSERT INTO kpi_values VALUES ('k', '46', ?, NULL, ?, 1, 'live', 'v')", [f"2026-11-22 {shown}", number]
            )
    settle(maintenance, clock, days=29)
    assert value(store, "SELECT list(value ORDER BY value) FROM kpi_values") == [1, 2, 3]
    settle(maintenance, clock, days=2)
    assert value(store, "SELECT list(value ORDER BY value) FROM kpi_values") == [2, 3]


def test_positions_and_counts_shrink_without_changing(
    store: Store, maintenance: Maintenance, clock: FixedClock
) -> None:
    with store.cursor() as cursor:
        for tick in range(5):
            cursor.execute("INSERT INTO progress VALUES (?, 'applied', 't', 0, ?)", [tick, tick * 10])
            cursor.execute("INSERT INTO source_rejections VALUES ('s', 't', 'not_finite', 2)")
            cursor.execute(
                "INSERT INTO source_counts VALUES ('s', 't', ?, ?, 1, 1, 0, 0, 0, 0, 0, '2026-11-22', 2)",
                [tick // 3, tick],
            )
        before = cursor.execute("SELECT * FROM source_ledger").fetchall()
    settle(maintenance, clock, minutes=2)
    assert value(store, "SELECT count(*) FROM progress") == 1
    assert value(store, "SELECT next_offset FROM next_offsets") == 40
    assert value(store, "SELECT n FROM source_rejections") == 10
    assert value(store, "SELECT count(*) FROM source_counts") == 2
    with store.cursor() as cursor:
        assert cursor.execute("SELECT * FROM source_ledger").fetchall() == before
