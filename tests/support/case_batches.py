"""A valid case as an Arrow row, and batches of such rows."""

from datetime import timedelta
from typing import Any

import pyarrow as pa

from ioc.clock import from_ms
from ioc.wire.schemas import CASES
from tests.support.reading_batches import INPUT_MS

NOW = from_ms(INPUT_MS)


HOUR = timedelta(hours=1)


CASE: dict[str, Any] = {
    "case_type": "dossier",
    "case_id": "H57-1",
    "unit": "19753",
    "status": "received",
    "channel": "online",
    "service": "1.004873",
    "received_at": NOW - HOUR,
    "due_at": NOW + 30 * HOUR,
    "closed_at": None,
    "updated_at": NOW,
    "attributes": '{"level": "full", "fee": 30500}',
}


def batch(*rows: dict[str, Any]) -> pa.RecordBatch:
    return pa.RecordBatch.from_pylist(list(rows), schema=CASES)
