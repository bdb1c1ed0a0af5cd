"""Any batching and repetition of the same data gives the same store; only among versions of one time the last to arrive
holds."""

from __future__ import annotations

import random
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from ioc.model.case import Case
from ioc.settings import VIETNAM
from ioc.store import Store, apply_cases, apply_panes
from ioc.store.audit import audit
from ioc.store.compaction import compact
from ioc.store.roll_up import roll_up
from ioc.store.store import transaction
from tests.support.counted_panes import BEGIN_MS, DAY_MS, SEEDS, counted, stored
from tests.support.store_batches import NOW, Reading, case, case_versions, panes_batch

BUCKETS = {"lgsp.latency": (3, 7)}
REGISTERS = {"lgsp.latency": ((1, 4), (9, 2))}


def some_readings(rng: random.Random) -> list[Reading]:
    """Whole values, so that sums are exact in any order; clashing times and values on purpose."""
    return [
        Reading(
            rng.choice(["air.pm25", "lgsp.latency"]),
            rng.choice(["19753", "19756", "46"]),
            rng.choice([None, "AQ-01", "AQ-02"]),
            BEGIN_MS + rng.choice([0, 59_999, 60_000, 3_600_000, -DAY_MS, 40 * DAY_MS]) + rng.choice([0, 1, 2]) * 500,
            float(rng.randrange(-5, 6)),
        )
        for _ in range(300)
    ]


def fresh_store(path: Path) -> Store:
    return Store.open(path / "ioc.duckdb", path / "archive", zone=VIETNAM)


@pytest.mark.parametrize("seed", SEEDS)
def test_panes(seed: int, tmp_path: Path) -> None:
    """With roll-ups and compactions at random moments in between."""
    rng = random.Random(seed)
    readings = some_readings(rng)
    rng.shuffle(readings)
    store = fresh_store(tmp_path)
    place = 0
    while place < len(readings):
        size = rng.randrange(1, 60)
        part = readings[place : place + size]
        place += size
        cut = rng.randrange(len(part) + 1)
        apply_panes(store, *(panes_batch(p, BUCKETS, REGISTERS) for p in (part[:cut], part[cut:])))
        if rng.random() < 0.4:
            with store.cursor() as cursor, transaction(cursor, store.path):
                touched = roll_up(cursor, store.zone_hours, oldest_minute=0, max_rows=rng.choice([20, 10_000]))
                for (level, kind), times in touched.items():
                    if rng.random() < 0.5:
                        compact(cursor, (level, kind, times[0]))
    assert stored(store, "minute") == counted(readings, 60_000)
    assert stored(store, "hour") == counted(readings, 3_600_000)
    assert stored(store, "day") == counted(readings, DAY_MS, shift_ms=7 * 3_600_000)
    with store.cursor() as cursor:
        assert audit(cursor) == []
        for level in ("minute", "hour", "day"):
            assert cursor.execute(
                f"SELECT DISTINCT register, max(rank) FROM {level}_registers GROUP BY measure, unit, {level}, register "
                "ORDER BY register"
            ).fetchall() == [(1, 4), (9, 2)]
        minute_buckets, day_buckets = (
            cursor.execute(f"SELECT bucket, sum(n) FROM {level}_buckets GROUP BY bucket ORDER BY bucket").fetchall()
            for level in ("minute", "day")
        )
        assert minute_buckets == day_buckets
        assert [bucket for bucket, _ in day_buckets] == [3, 7]
    store.close()


def some_versions(rng: random.Random) -> list[Case]:
    """Make clashing `updated_at` on purpose, with content that differs in one column only."""
    return [
        case(
            rng.randrange(12),
            rng.randrange(3),
            status=rng.choice(["received", "closed"]),
            unit=rng.choice(["19753", "19756"]),
            channel=rng.choice(["", "online"]),
            closed_at=rng.choice([None, NOW, NOW + timedelta(hours=1)]),
            due_at=rng.choice([None, NOW]),
        )
        for _ in range(120)
    ]


@pytest.mark.parametrize("seed", SEEDS)
def test_cases(seed: int, tmp_path: Path) -> None:
    rng = random.Random(seed)
    versions = some_versions(rng)
    arrivals = versions + rng.choices(versions, k=40)
    rng.shuffle(arrivals)
    store = fresh_store(tmp_path)
    place = 0
    while place < len(arrivals):
        size = rng.randrange(1, 30)
        part = arrivals[place : place + size]
        cut = rng.randrange(len(part) + 1)
        apply_cases(store, case_versions(*part[:cut]), case_versions(*part[cut:]))
        place += size
    latest: dict[str, Case] = {}
    distinct: list[Case] = []
    for version in arrivals:
        if version not in distinct:
            distinct.append(version)
            former = latest.get(version.case_id)
            if former is None or version.updated_at >= former.updated_at:
                latest[version.case_id] = version
    with store.cursor() as cursor:
        rows = cursor.execute(
            "SELECT case_id, status, unit, channel, closed_at, due_at, updated_at FROM cases"
        ).fetchall()
        changes = cursor.execute("SELECT count(*) FROM case_changes").fetchall()[0][0]
        assert audit(cursor) == []

    def plain(moment: Any) -> Any:
        return moment and moment.replace(tzinfo=None)

    assert {row[0]: row[1:] for row in rows} == {
        c.case_id: (c.status, c.unit, c.channel or None, plain(c.closed_at), plain(c.due_at), plain(c.updated_at))
        for c in latest.values()
    }
    assert len(rows) == len(latest)
    assert changes == len(distinct)
    store.close()
