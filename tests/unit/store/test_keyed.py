"""Whatever is sent in whatever order, the panes are those of the last value of each key."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from ioc.settings import VIETNAM
from ioc.store import Store
from ioc.store.apply import apply_keyed, apply_panes
from ioc.store.audit import audit
from ioc.store.roll_up import roll_up
from ioc.store.store import transaction
from tests.support.counted_panes import BEGIN_MS, DAY_MS, SEEDS, counted, stored
from tests.support.store_batches import MERGED, Reading, keyed_batch, panes_batch


def some_readings(rng: random.Random) -> list[Reading]:
    """Few keys and few values, so that repeats, corrections and corrections back to a former value are frequent."""
    return [
        Reading(
            rng.choice(["air.pm25", MERGED]),
            rng.choice(["19753", "46"]),
            rng.choice([None, "AQ-01", "AQ-02"]),
            BEGIN_MS + rng.choice([0, 59_999, 60_000, 3_600_000, -40 * DAY_MS]),
            float(rng.randrange(3)),
        )
        for _ in range(200)
    ]


@pytest.mark.parametrize("seed", SEEDS)
def test_panes_are_those_of_the_last_value_of_each_key(seed: int, tmp_path: Path) -> None:
    """With panes of another source beside them, roll-ups in between, and the store opened anew at random moments."""
    rng = random.Random(seed)
    sent, others = some_readings(rng), some_readings(rng)
    counts = {"new": 0, "repeated": 0, "corrected": 0}
    holding: dict[tuple[str, str, str | None, int], Reading] = {}
    store = Store.open(tmp_path / "ioc.duckdb", tmp_path / "archive", zone=VIETNAM)
    apply_panes(store, panes_batch(others))
    place = 0
    while place < len(sent):
        part = sent[place : place + rng.randrange(1, 40)]
        place += len(part)
        cut = rng.randrange(len(part) + 1)
        changed: dict[str, int] = {}
        for reading in part:
            key = (reading.measure, reading.unit, reading.subject, reading.at_ms)
            before = holding.get(key)
            what = "new" if before is None else "repeated" if before.value == reading.value else "corrected"
            counts[what] += 1
            holding[key] = reading
            if what != "repeated":
                minute = reading.at_ms // 60_000
                changed[reading.measure] = min(minute, changed.get(reading.measure, minute))
        commit = apply_keyed(store, keyed_batch(part[:cut]), keyed_batch(part[cut:]), source="stats")
        assert dict(commit.earliest_minute) == changed
        if rng.random() < 0.3:
            with store.cursor() as cursor, transaction(cursor, store.path):
                roll_up(cursor, store.zone_hours, oldest_minute=0)
        if rng.random() < 0.2:
            store.reopen()
    held = [
        Reading(r.measure, r.unit, None if r.measure == MERGED else r.subject, r.at_ms, r.value)
        for r in holding.values()
    ]
    for level, unit_ms, shift_ms in (("minute", 60_000, 0), ("hour", 3_600_000, 0), ("day", DAY_MS, 7 * 3_600_000)):
        assert stored(store, level) == counted([*others, *held], unit_ms, shift_ms)
    with store.cursor() as cursor:
        assert audit(cursor) == []
        ledger = "SELECT received, applied, duplicate, repeated FROM source_ledger WHERE source = 'stats'"
        applied = counts["new"] + counts["corrected"]
        assert cursor.execute(ledger).fetchall() == [(len(sent), applied, counts["repeated"], counts["corrected"])]
        for level in ("minute", "hour", "day"):
            buckets = cursor.execute(f"SELECT bucket, sum(n)::INT FROM {level}_buckets GROUP BY bucket").fetchall()
            values = [int(r.value) for r in holding.values() if r.measure == MERGED]
            assert dict(buckets) == {value: values.count(value) for value in set(values)}
            assert cursor.execute(f"SELECT DISTINCT register, rank FROM {level}_registers").fetchall() == [(5, 3)]
    store.close()


def test_two_sources_do_not_correct_each_other(store: Store) -> None:
    for source, value in (("a", 200.0), ("b", 250.0), ("a", 210.0)):
        apply_keyed(store, keyed_batch([Reading("air.pm25", "46", None, BEGIN_MS, value)]), source=source)
    with store.cursor() as cursor:
        assert cursor.execute("SELECT sum(n)::INT, sum(sum) FROM day_panes").fetchall() == [(2, 460.0)]


def test_a_value_whose_square_no_double_holds_can_be_read(store: Store) -> None:
    apply_keyed(store, keyed_batch([Reading("air.pm25", "46", None, BEGIN_MS, 1e200)]))
    with store.cursor() as cursor:
        assert cursor.execute("SELECT sum(sum) FROM hour_panes").fetchall() == [(1e200,)]
        assert cursor.execute("SELECT max(sum_squares) FROM hour_panes").fetchall() == [(float("inf"),)]
