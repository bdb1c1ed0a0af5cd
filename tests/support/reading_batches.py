"""Readings and vocabularies for the tests of the streams."""

from collections.abc import Iterable, Mapping
from typing import Any

import pyarrow as pa

from ioc.model.case import CaseType
from ioc.model.measure import Measure, MeasureKind
from ioc.model.unit import Unit
from ioc.model.vocabulary import Vocabulary
from ioc.wire.schemas import READINGS

START_MS = 1_795_341_600_000  # 2026-11-22 10:00:00 UTC, a whole minute
START_MINUTE = START_MS // 60_000
INPUT_MS = START_MS + 3_600_000

Row = Mapping[str, Any]


def vocabulary() -> Vocabulary:
    """Measures: `level` merges subjects, `station` keeps them, `latency` has quantiles, `seen` counts subjects."""
    measures = [
        Measure("level", {}, "m", MeasureKind.GAUGE, -1000, 1000),
        Measure("free", {}, "", MeasureKind.GAUGE),
        Measure("station", {}, "m", MeasureKind.GAUGE, -1000, 1000, keeps_subject=True),
        Measure("latency", {}, "ms", MeasureKind.GAUGE, 0, 1e6, quantiles=True),
        Measure("seen", {}, "", MeasureKind.DELTA, 0, 1e6, distinct=True),
    ]
    units = [Unit(code, code, code, "ward", "46", 16.0, 107.0, 1.0) for code in ("19753", "19774", "46")]
    dossier = CaseType("dossier", {}, ("received", "settled"), ("level", "fee", "paid"))
    petition = CaseType("petition", {}, ("open", "answered"))
    return Vocabulary({m.id: m for m in measures}, {u.code: u for u in units}, {t.id: t for t in (dossier, petition)})


def row(text: str, measure: str = "level", unit: str = "19753") -> Row:
    """A reading from "seconds value" or "seconds value subject", seconds counted from START_MS."""
    seconds, value, *subject = text.split()
    time_ms = START_MS + round(float(seconds) * 1000)
    return {"measure": measure, "unit": unit, "time": time_ms, "value": float(value), "subject": [*subject, None][0]}


def batch(rows: Iterable[Row]) -> pa.RecordBatch:
    return pa.RecordBatch.from_pylist([{"subject": None, **r} for r in rows], schema=READINGS)


def merged(panes: Iterable[pa.RecordBatch]) -> dict[tuple[Any, ...], dict[str, Any]]:
    """The panes of several batches as the historian merges them, by (measure, unit, subject, minute)."""
    result: dict[tuple[Any, ...], dict[str, Any]] = {}
    for batch in panes:
        for pane in batch.to_pylist():
            key = tuple(pane.pop(name) for name in ("measure", "unit", "subject", "minute"))
            buckets = {b["bucket"]: b["n"] for b in pane.pop("buckets") or []}
            registers = {r["register"]: r["rank"] for r in pane.pop("registers") or []}
            pane |= {"buckets": buckets, "registers": registers}
            result[key] = _merge(result[key], pane) if key in result else pane
    return result


def _merge(a: dict[str, Any], b: dict[str, Any]) -> dict[str, Any]:
    first = min((a["first_ms"], a["first"]), (b["first_ms"], b["first"]))
    last = max((a["last_ms"], a["last"]), (b["last_ms"], b["last"]))
    names = {*a["buckets"], *b["buckets"]}
    registers = {*a["registers"], *b["registers"]}
    return {
        **{name: a[name] + b[name] for name in ("n", "sum", "sum_squares")},
        "least": min(a["least"], b["least"]),
        "most": max(a["most"], b["most"]),
        "first_ms": first[0],
        "first": first[1],
        "last_ms": last[0],
        "last": last[1],
        "buckets": {name: a["buckets"].get(name, 0) + b["buckets"].get(name, 0) for name in names},
        "registers": {name: max(a["registers"].get(name, 0), b["registers"].get(name, 0)) for name in registers},
    }
