"""The roll-up works beside a writer and its checkpoints, and loses nothing.

DuckDB 1.5 numbers rows anew when a checkpoint drops row groups whose rows are all deleted, also between two statements
of a transaction that is open. A roll-up that reads rows by `rowid` and then deletes by it loses rows here in about
every second run.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Event, Thread
from time import sleep
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from ioc.panes.schema import Columns
from ioc.settings import VIETNAM
from ioc.store import Store, apply_panes, rows
from ioc.store.audit import audit
from ioc.store.roll_up import recent_rows, roll_up
from ioc.store.store import transaction
from ioc.wire.schemas import PANES

ROWS = 60_000
BEGIN = 29_000_000  # minutes since 1970: in 2025
MOST_WAITING = 6 * ROWS


def batch(number: int) -> pa.RecordBatch:
    """One pane a row, over days that lie apart, as a year's history brings them."""
    rng = np.random.default_rng(number)
    zeros = pa.array(np.zeros(ROWS, np.int32))
    value = pa.array(rng.integers(0, 100, ROWS).astype(np.float64))
    columns = {
        "measure": pa.DictionaryArray.from_arrays(
            pa.array(rng.integers(0, 8, ROWS), pa.int16()), [f"m{n}" for n in range(8)]
        ),
        "unit": pa.DictionaryArray.from_arrays(
            pa.array(rng.integers(0, 40, ROWS), pa.int16()), [f"u{n}" for n in range(40)]
        ),
        "subject": pa.nulls(ROWS, PANES.field("subject").type),
        "minute": pa.array((BEGIN - number % 200 * 10_000 + rng.integers(0, 10_000, ROWS)).astype(np.int32)),
        "n": pa.array(np.ones(ROWS, np.int32)),
        **dict.fromkeys(("sum", "sum_squares", "least", "most", "first", "last"), value),
        **dict.fromkeys(("first_ms", "last_ms"), zeros),
        **{name: pa.nulls(ROWS, PANES.field(name).type) for name in ("buckets", "registers")},
    }
    return pa.RecordBatch.from_arrays([columns[name] for name in PANES.names], schema=PANES)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    store = Store.open(tmp_path / "store.duckdb", tmp_path / "archive", zone=VIETNAM)
    with store.cursor() as cursor:
        # A checkpoint at nearly every commit, as hours of a busy centre would bring them.
        cursor.execute("SET GLOBAL checkpoint_threshold = '1MB'")
        cursor.execute("CREATE TABLE elsewhere (i BIGINT, x DOUBLE)")
    yield store
    store.close()


def append(store: Store, number: int) -> int:
    """Panes, unless too many wait already; how many readings."""
    with store.cursor() as cursor:
        if recent_rows(cursor) > MOST_WAITING:
            return 0
    apply_panes(store, batch(number))
    return ROWS


def write_elsewhere(store: Store, _number: int) -> int:
    with store.cursor() as cursor:
        cursor.execute("INSERT INTO elsewhere SELECT range, random() FROM range(50000)")
    return 50_000


@contextmanager
def repeated(store: Store, act: Callable[[Store, int], int]) -> Iterator[list[int]]:
    """Call `act` again and again in a thread while the block runs; the list gets what each call returned."""
    ending, done = Event(), list[int]()

    def run() -> None:
        while not ending.wait(0.005):
            done.append(act(store, len(done)))

    thread = Thread(target=run)
    thread.start()
    try:
        yield done
    finally:
        ending.set()
        thread.join()


@pytest.fixture(autouse=True)
def slow_reader(monkeypatch: pytest.MonkeyPatch) -> None:
    """Between reading and deleting lies time enough for a checkpoint, as on a machine that is short of processors."""
    fetch = rows.fetch

    def fetch_and_linger(*arguments: Any) -> Columns:
        columns = fetch(*arguments)
        sleep(0.05)
        return columns

    monkeypatch.setattr(rows, "fetch", fetch_and_linger)


@pytest.mark.parametrize("most", [12, pytest.param(120, marks=pytest.mark.soak)])
def test_nothing_is_lost(store: Store, most: int) -> None:
    steps = 0
    with repeated(store, append) as appended, repeated(store, write_elsewhere), store.cursor() as cursor:
        while steps < most or sum(appended) <= 5 * ROWS:
            with transaction(cursor, store.path):
                roll_up(cursor, store.zone_hours, oldest_minute=0, max_rows=ROWS)
            steps += 1
    with store.cursor() as cursor, transaction(cursor, store.path):
        assert audit(cursor) == []
        for level in ("hour", "day"):
            assert cursor.execute(f"SELECT sum(n) FROM {level}_panes").fetchall() == [(sum(appended),)]
        assert cursor.execute("SELECT sum(n) FROM kept_day_panes").fetchall()[0][0] > 0
