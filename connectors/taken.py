"""What is handed to a writer, and what became of it."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson
import pyarrow as pa
import pyarrow.compute as pc

from connectors.batching import SCHEMAS, Intake
from ioc.model.case import Case
from ioc.wire.schemas import cases_batch


@dataclass(frozen=True)
class Taken:
    """Result of an intake: rows kept, rows known already, records refused, and a future that resolves once all of
    it is safe: acknowledged by the broker, or on disk while the broker is away. It fails with SpoolFull when neither
    could be, and then nothing of it was kept."""

    accepted: int
    duplicate: int
    safe: Future[None]
    answer: Any = None
    rejected: int = 0


@dataclass(frozen=True)
class Counts:
    """Since the writer was made; `delivered`: records that the broker has acknowledged since `generation` began.
    `buffered`: records that it has not acknowledged; `newest` event time."""

    received: int = 0
    rejected: int = 0
    duplicate: int = 0
    buffered: int = 0
    newest: datetime | None = None
    generation: int = 0
    delivered: int = 0


def case_rows(cases: Sequence[Case]) -> pa.RecordBatch:
    return cases_batch(cases, [orjson.dumps(c.attributes).decode() if c.attributes else None for c in cases])


def of_schema(batch: pa.RecordBatch, topic: str) -> pa.RecordBatch:
    if not batch.schema.equals(SCHEMAS[topic]):
        raise ValueError(f"the batch has columns {batch.schema.names}, not the schema of {topic}")
    return batch


def newest_time(intake: Intake) -> datetime | None:
    times = [
        pc.max(batch.column(name)).as_py()
        for batch, name in ((intake.readings, "time"), (intake.cases, "updated_at"))
        if batch is not None and batch.num_rows
    ]
    return max(times, default=None)
