"""The roll-up works beside a writer and its checkpoints, and loses nothing."""

from pathlib import Path

import numpy as np
import pyarrow as pa

from ioc.settings import VIETNAM
from ioc.store import Maintenance, Store, apply_panes
from ioc.store.audit import audit
from ioc.store.store import transaction
from ioc.wire.schemas import PANES

BATCHES, ROWS = 16, 60_000
BEGIN = 29_000_000  # minutes since 1970: in 2025


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
        "minute": pa.array((BEGIN - number * 10_000 + rng.integers(0, 10_000, ROWS)).astype(np.int32)),
        "n": pa.array(np.ones(ROWS, np.int32)),
        **dict.fromkeys(("sum", "sum_squares", "least", "most", "first", "last"), value),
        **dict.fromkeys(("first_ms", "last_ms"), zeros),
        **{name: pa.nulls(ROWS, PANES.field(name).type) for name in ("buckets", "registers")},
    }
    return pa.RecordBatch.from_arrays([columns[name] for name in PANES.names], schema=PANES)


def test_nothing_is_lost(tmp_path: Path) -> None:
    store = Store.open(tmp_path / "store.duckdb", tmp_path / "archive", zone=VIETNAM)
    maintenance = Maintenance(store)
    maintenance.start()
    try:
        for number in range(BATCHES):
            apply_panes(store, batch(number))
    finally:
        maintenance.stop()
    with store.cursor() as cursor, transaction(cursor, store.path):
        assert audit(cursor) == []
        counts = [cursor.execute(f"SELECT sum(n) FROM {level}_panes").fetchall() for level in ("hour", "day")]
        kept = cursor.execute("SELECT sum(n) FROM kept_day_panes").fetchall()[0][0]
    store.close()
    assert counts == [[(BATCHES * ROWS,)]] * 2
    assert kept > 0
    assert maintenance.error == ""
