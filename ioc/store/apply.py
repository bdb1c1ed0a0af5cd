"""Take batches into the store without Kafka, each call one transaction: for tests, and for loading history."""

from datetime import UTC, datetime

import pyarrow as pa

from ioc.store.cases import append_cases
from ioc.store.panes import append_panes
from ioc.store.store import Store, transaction


def apply_panes(store: Store, *batches: pa.RecordBatch) -> None:
    """Batches of the schema PANES. Not to be called beside a running historian: both would assign codes."""
    with store.cursor() as cursor:
        try:
            with transaction(cursor, store.path):
                append_panes(cursor, store.codes, batches)
        except BaseException:
            store.codes.forget()
            raise
        store.codes.keep()


def apply_cases(store: Store, *batches: pa.RecordBatch, applied_at: datetime | None = None) -> None:
    """Batches of the schema CASES."""
    with store.cursor() as cursor, transaction(cursor, store.path):
        append_cases(cursor, batches, applied_at or datetime.now(UTC))
