"""Small batches as agents publish them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pyarrow as pa

from ioc.model.case import Case
from ioc.wire.schemas import KEYED_READINGS, PANES, SUBJECT, TERM, cases_batch

NOW = datetime(2026, 11, 22, 3, 0, tzinfo=UTC)
MERGED = "lgsp.latency"
"""A measure whose panes merge the subjects, while its keys tell them apart."""


@dataclass(frozen=True)
class Reading:
    """`at_ms` since 1970."""

    measure: str
    unit: str
    subject: str | None
    at_ms: int
    value: float


def panes_batch(
    readings: Sequence[Reading],
    buckets: Mapping[str, Sequence[int]] | None = None,
    registers: Mapping[str, Sequence[tuple[int, int]]] | None = None,
) -> pa.RecordBatch:
    """The readings reduced one by one, without any of the project's own code. `buckets` and `registers` by measure are
    given to each of its panes (each bucket once, each register with its rank)."""
    groups: dict[tuple[str, str, str | None, int], list[Reading]] = {}
    for reading in readings:
        key = (reading.measure, reading.unit, reading.subject, reading.at_ms // 60_000)
        groups.setdefault(key, []).append(reading)
    rows = []
    for (measure, unit, subject, minute), group in groups.items():
        first = min(group, key=lambda r: (r.at_ms, r.value))
        last = max(group, key=lambda r: (r.at_ms, r.value))
        values = [r.value for r in group]
        rows.append({
            "measure": measure, "unit": unit, "subject": subject, "minute": minute, "n": len(group),
            "sum": sum(values), "sum_squares": sum(v * v for v in values), "least": min(values), "most": max(values),
            "first_ms": first.at_ms % 60_000, "first": first.value,
            "last_ms": last.at_ms % 60_000, "last": last.value,
            "buckets": [{"bucket": b, "n": 1} for b in (buckets or {}).get(measure, ())] or None,
            "registers": [{"register": r, "rank": k} for r, k in (registers or {}).get(measure, ())] or None,
        })  # fmt: skip
    columns = []
    for field in PANES:
        values = [row[field.name] for row in rows]  # type: ignore[misc]
        if field.type in (TERM, SUBJECT):
            columns.append(pa.array(values, pa.string()).dictionary_encode().cast(field.type))
        else:
            columns.append(pa.array(values, field.type))
    return pa.RecordBatch.from_arrays(columns, schema=PANES)


def keyed_batch(readings: Sequence[Reading]) -> pa.RecordBatch:
    """The readings one by one; those of MERGED have a bucket of their value and a register each."""
    columns = {
        "measure": [r.measure for r in readings],
        "unit": [r.unit for r in readings],
        "subject": [r.subject for r in readings],
        "time": [r.at_ms for r in readings],
        "value": [r.value for r in readings],
        "kept": [r.measure != MERGED for r in readings],
        "bucket": [int(r.value) if r.measure == MERGED else None for r in readings],
        "register": [5 if r.subject and r.measure == MERGED else None for r in readings],
        "rank": [3 if r.subject and r.measure == MERGED else None for r in readings],
    }
    arrays = [
        pa.array(columns[field.name], pa.string()).dictionary_encode().cast(field.type)
        if field.type in (TERM, SUBJECT)
        else pa.array(columns[field.name], field.type)
        for field in KEYED_READINGS
    ]
    return pa.RecordBatch.from_arrays(arrays, schema=KEYED_READINGS)


def one_pane(
    minute: int, *, n: int = 1, measure: str = "air.pm25", unit: str = "19753", value: float = 1.0
) -> pa.RecordBatch:
    """`n` readings of one value in one minute."""
    return panes_batch([Reading(measure, unit, None, minute * 60_000 + k % 60_000, value) for k in range(n)])


def case(number: int, version: int = 0, **columns: object) -> Case:
    """A dossier; a higher version is a later one."""
    fields = {
        "case_type": "dossier",
        "case_id": f"H57.12-{number:06}",
        "unit": "19753",
        "status": "received",
        "received_at": NOW,
        "updated_at": NOW + timedelta(minutes=version),
    }
    return Case(**(fields | columns))  # type: ignore[arg-type]


def case_versions(*cases: Case) -> pa.RecordBatch:
    return cases_batch(cases, [None] * len(cases))
