"""Published values of closed periods and their restatements, written in the caller's transaction."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

import duckdb
import orjson
import pyarrow as pa

from ioc.store.times import naive

_PUBLISHED = pa.schema(
    [
        ("kpi", pa.string()),
        ("unit", pa.string()),
        ("period", pa.string()),
        ("period_from", pa.timestamp("us")),
        ("period_to", pa.timestamp("us")),
        ("value", pa.float64()),
        ("samples", pa.int64()),
        ("definition_version", pa.string()),
        ("published_at", pa.timestamp("us")),
    ]
)
_RESTATED = pa.schema(
    [
        *[("kpi", pa.string()), ("unit", pa.string()), ("period", pa.string())],
        *[(name, pa.timestamp("us")) for name in ("period_from", "period_to", "published_at", "restated_at")],
        *[("value_before", pa.float64()), ("value_after", pa.float64())],
        *[("samples_before", pa.int64()), ("samples_after", pa.int64())],
        *[("version_before", pa.string()), ("version_after", pa.string()), ("cause", pa.string())],
        *[("samples_late", pa.int64()), ("batches", pa.string())],
    ]
)
_KEY = ("kpi", "unit", "period", "period_from")


@dataclass(frozen=True, slots=True)
class PublishedValue:
    """One row of `published_periods`; times are aware and UTC."""

    kpi: str
    unit: str
    period: str
    period_from: datetime
    period_to: datetime
    value: float | None
    samples: int
    definition_version: str
    published_at: datetime


@dataclass(frozen=True, slots=True)
class LateBatches:
    """Batches of one source partition that reach into a period: offsets [from, to), and how many samples."""

    source: str
    topic: str
    partition: int
    from_offset: int
    to_offset: int
    samples: int


@dataclass(frozen=True, slots=True)
class RestatedValue:
    """A published value, its new value, and the cause: `data` or `definition`."""

    before: PublishedValue
    after: PublishedValue
    cause: str
    batches: Sequence[LateBatches]


def publish(cursor: duckdb.DuckDBPyConnection, values: Sequence[PublishedValue]) -> None:
    """Insert values that have no row yet."""
    if values:
        _register(cursor, values)
        cursor.execute("INSERT INTO published_periods BY NAME SELECT * FROM published_rows")
        cursor.unregister("published_rows")


def republish(cursor: duckdb.DuckDBPyConnection, values: Sequence[PublishedValue]) -> None:
    """Replace the rows of the values' keys."""
    if values:
        _register(cursor, values)
        same = " AND ".join(f"p.{name} = r.{name}" for name in _KEY)
        replaced = f"SELECT p.rowid FROM published_periods p JOIN published_rows r ON {same}"
        cursor.execute(f"DELETE FROM published_periods WHERE rowid IN ({replaced})")
        cursor.execute("INSERT INTO published_periods BY NAME SELECT * FROM published_rows")
        cursor.unregister("published_rows")


def restate(cursor: duckdb.DuckDBPyConnection, changes: Iterable[RestatedValue], at: datetime) -> None:
    """Record changes. Together with `republish` in one transaction, each change is recorded exactly once."""
    rows = [
        {
            "kpi": change.after.kpi,
            "unit": change.after.unit,
            "period": change.after.period,
            "period_from": naive(change.after.period_from),
            "period_to": naive(change.after.period_to),
            "published_at": naive(change.before.published_at),
            "restated_at": naive(at),
            "value_before": change.before.value,
            "value_after": change.after.value,
            "samples_before": change.before.samples,
            "samples_after": change.after.samples,
            "version_before": change.before.definition_version,
            "version_after": change.after.definition_version,
            "cause": change.cause,
            "samples_late": sum(batch.samples for batch in change.batches),
            "batches": orjson.dumps(change.batches).decode(),
        }
        for change in changes
    ]
    if rows:
        cursor.register("restated_rows", pa.Table.from_pylist(rows, schema=_RESTATED))
        cursor.execute("INSERT INTO restatements BY NAME SELECT * FROM restated_rows")
        cursor.unregister("restated_rows")


def read_late_batches(
    cursor: duckdb.DuckDBPyConnection, ids: Sequence[tuple[str, str]], first_day: int, last_day: int
) -> list[LateBatches]:
    """Return batches of the (kind, id) pairs that are not judged yet and reach any of the days (inclusive)."""
    listed = " OR ".join("(kind = ? AND word = ?)" for _ in ids)
    given = [part for word in ids for part in word]
    rows = cursor.execute(
        f"""SELECT source, topic, partition, min("offset"), max("offset") + 1, sum(samples)::BIGINT FROM late_batches
        WHERE ({listed or "false"}) AND first_day <= ? AND last_day >= ? GROUP BY ALL ORDER BY ALL""",
        [*given, last_day, first_day],
    ).fetchall()
    return [LateBatches(*row) for row in rows]


def _register(cursor: duckdb.DuckDBPyConnection, values: Sequence[PublishedValue]) -> None:
    rows = [
        {
            "kpi": value.kpi,
            "unit": value.unit,
            "period": value.period,
            "period_from": naive(value.period_from),
            "period_to": naive(value.period_to),
            "value": value.value,
            "samples": value.samples,
            "definition_version": value.definition_version,
            "published_at": naive(value.published_at),
        }
        for value in values
    ]
    cursor.register("published_rows", pa.Table.from_pylist(rows, schema=_PUBLISHED))
