"""Apply batches to the store without Kafka, each call in one transaction: for tests, and for loading history."""

from datetime import UTC, datetime

import pyarrow as pa
import pyarrow.compute as pc

from ioc.clock import to_ms
from ioc.store.commit_tick import Commit, HistorianTick, write_tick
from ioc.store.exactly_once import Output
from ioc.store.store import Store, transaction
from ioc.topics import CASES, READINGS
from ioc.wire.headers import OutputHeaders

SOURCE = "direct"
"""The source under which the ledger counts what came this way, unless another is named."""


def apply_panes(
    store: Store, *batches: pa.RecordBatch, applied_at: datetime | None = None, source: str = SOURCE
) -> Commit:
    """Apply batches of the schema PANES. Do not call it while a historian runs: both would assign codes."""
    counts = [pc.sum(batch.column("n")).as_py() or 0 for batch in batches]
    return _apply(store, READINGS, batches, counts, applied_at, source)


def apply_keyed(
    store: Store, *batches: pa.RecordBatch, applied_at: datetime | None = None, source: str = SOURCE
) -> Commit:
    """Apply batches of the schema KEYED_READINGS, of a source whose readings replace earlier ones with the same key."""
    return _apply(store, READINGS, batches, [batch.num_rows for batch in batches], applied_at, source, keyed=True)


def apply_cases(
    store: Store, *batches: pa.RecordBatch, applied_at: datetime | None = None, source: str = SOURCE
) -> Commit:
    """Apply batches of the schema CASES."""
    return _apply(store, CASES, batches, [batch.num_rows for batch in batches], applied_at, source)


def _apply(  # noqa: PLR0913  what the three public functions share
    store: Store,
    topic: str,
    batches: tuple[pa.RecordBatch, ...],
    applied: list[int],
    at: datetime | None,
    source: str,
    *,
    keyed: bool = False,
) -> Commit:
    at = at or datetime.now(UTC)
    tick = HistorianTick()
    for batch, n in zip(batches, applied, strict=True):
        head = OutputHeaders(topic, 0, 0, source, 0, 0, n, n, 0, {}, to_ms(at), keyed)
        tick.apply(Output(head, batch, 0))
    with store.cursor() as cursor:
        try:
            with store.writing, transaction(cursor, store.path):
                commit = write_tick(cursor, store.codes, tick, 0, at, store.zone_hours)
        except BaseException:
            store.codes.forget()
            raise
        store.codes.keep()
    return commit
